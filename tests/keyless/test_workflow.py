"""The workflow that the how-to shows: its rights, its scripts, and the jobs that sign, run as they stand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rebuilders.node.config import NodeDirectory
from tests.integration.trusted_nodes import Node, stated
from tests.keyless.instance import AMBIENT
from tests.keyless.signed import NAME
from tests.package_index import serving as serving_index
from tests.releases import SDIST as SDIST_NAME
from tests.releases import WHEEL as WHEEL_NAME
from tests.signed_log import put_in
from tests.static_pairs import HONEST
from tests.unit.docs.pages import DOCS, Block, blocks, commands
from tests.unit.docs.test_commands import test_it_parses as check_command
from witness import statement

PAGE = DOCS / "how-to" / "run-a-node-in-ci.md"
(SHOWN,) = (block for block in blocks(PAGE) if block.kind == "yaml")
WORKFLOW = yaml.safe_load(SHOWN.body)
JOBS = WORKFLOW["jobs"]
SCRIPTS = {
    (job, step["name"]): step["run"] for job, told in JOBS.items() for step in told["steps"] if "run" in step
}


def test_what_runs_strangers_code_can_get_no_token_and_no_secret():
    assert WORKFLOW["permissions"] == {}
    assert JOBS["rebuild"]["permissions"] == {"contents": "read"}
    assert "environment" not in JOBS["rebuild"]
    assert "secrets" not in json.dumps(JOBS["rebuild"])
    assert JOBS["rebuild"]["steps"][0]["with"]["persist-credentials"] is False
    builds = [job for (job, _), script in SCRIPTS.items() if "rebuilder run" in script]
    assert builds == ["rebuild"]


def test_only_what_signs_has_secrets():
    assert [job for job in JOBS if "secrets" in json.dumps(JOBS[job])] == ["sign"]
    assert JOBS["sign"]["permissions"] == {"contents": "write", "id-token": "write"}
    assert (JOBS["sign"]["needs"], JOBS["serve"]["needs"]) == ("rebuild", "sign")
    assert WORKFLOW["concurrency"] == {"group": "witness", "cancel-in-progress": False}


def test_what_is_handed_over_is_what_is_taken():
    uploaded = JOBS["rebuild"]["steps"][-1]["with"]
    downloaded = JOBS["sign"]["steps"][1]["with"]
    assert uploaded["name"] == downloaded["name"]
    assert uploaded["path"].split() == ["node/outbox/*.json", "node/state/ledger.sqlite"]


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=map("/".join, SCRIPTS))
def test_scripts_parse_and_their_commands_exist(script):
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    plain = (
        script.replace("|| test $? -eq 5", "").replace("if test -d seen/outbox; then", "").replace("\nfi", "")
    )
    for command in commands(Block(PAGE, SHOWN.line, "sh", plain)):
        check_command(command)


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_the_jobs_hand_on_what_was_seen(instance, tmp_path):
    """`rebuild` and `sign` in directories of their own, with a static node, since that needs no sandbox."""
    instance.ambient = NAME
    branch = tmp_path / "branch"
    branch.mkdir()
    (branch / "config.json").write_text(json.dumps(instance.trust_config()), encoding="utf-8")
    _bash(
        branch,
        f"rebuilder init node --name carl --operator C --sigstore {NAME} {instance.url} --trust config.json",
    )
    node = NodeDirectory(branch / "node")
    text = node.config_path.read_text("utf-8")
    node.config_path.write_text(text.replace('method = "rebuild"', 'method = "static"'), "utf-8")
    (branch / "targets.txt").write_text("demo==1.0\n", encoding="utf-8")
    keys = {
        variable: (node.keys / name).read_text("utf-8").rstrip("\n")
        for variable, name in (("LOG_KEY", "log.pem"), ("COSIGNER_KEY", "cosigner.pem"))
    }
    _bash(branch, "rm -r node/keys && find . -type d -empty -delete")  # as git has it
    _bash(tmp_path, "cp -r branch rebuild && cp -r branch sign && mkdir sign/seen")
    with serving_index() as index:
        index.files["demo"] = {WHEEL_NAME: HONEST.wheel_bytes, SDIST_NAME: HONEST.sdist_bytes}
        asked = {"WHEELWITNESS_INDEX": index.url + "simple/", "WHEELWITNESS_CACHE": str(tmp_path / "cache")}
        _bash(tmp_path / "rebuild", SCRIPTS["rebuild", "rebuild"], **asked)
    _bash(tmp_path, "cd rebuild/node && cp --parents outbox/*.json state/ledger.sqlite ../../sign/seen")
    hostile = put_in(tmp_path / "sign" / "seen" / "outbox", statement.encode(stated(Node("other", "X"))))
    (tmp_path / "sign" / "seen" / "outbox" / ("0" * 64 + ".json")).symlink_to("/etc/passwd")
    ambient = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "let me",
        "ACTIONS_ID_TOKEN_REQUEST_URL": instance.url + AMBIENT,
    }
    told = _bash(tmp_path / "sign", SCRIPTS["sign", "sign"], **keys, **ambient)
    assert "published 1 observations; the log has 1" in told
    assert f"not signed: {hostile}: " in told
    signed = tmp_path / "sign" / "node"
    assert not (signed / "keys").exists()
    assert sorted(path.name for path in (signed / "outbox").iterdir()) == ["refused"]
    assert (signed / "state" / "ledger.sqlite").read_bytes() == (
        tmp_path / "rebuild" / "node" / "state" / "ledger.sqlite"
    ).read_bytes()


def _bash(directory: Path, script: str, **environment: str) -> str:
    """What it wrote, as CI runs it: it ends at the first command that fails."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=directory,
        env={"PATH": path, "HOME": str(directory), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
