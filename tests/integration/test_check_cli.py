"""The consumer's program against really signed nodes: two operators, their sites, and a policy that wants both."""

import gc
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from typer.testing import CliRunner

from tests.integration.trusted_nodes import ALPHA, BETA, WHEEL, stated, wheel
from tests.schemas import validate
from tests.static_site import serving
from witness.cli.main import app
from witness.digest import sha256_hex
from witness.errors import InputError
from witness.pubkeys import read_key
from witness.signing import keyfile
from witness.summary import Accepted, Summary, open_summary, sign

GOOD = sha256_hex(wheel())
CHANGED = wheel(b"VERSION = 2\n")
BAD = sha256_hex(CHANGED)
BAD_NAME = "demo-2.0-py3-none-any.whl"
# The program takes the time from the clock, so these observations are of yesterday.
SEEN = datetime.now(UTC) - timedelta(days=1)


@dataclass
class World:
    """Two nodes that saw `demo` 1.0 come out the same and 2.0 differ, and what a consumer has."""

    root: Path
    policy: Path

    def site(self, node) -> Path:
        return self.root / f"{node.name}-site"

    def shard(self, node, sha256=GOOD) -> Path:
        return self.site(node) / "observations" / sha256[:2] / f"{sha256}.jsonl"

    def write(self, name: str, content: str | bytes) -> str:
        path = self.root / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def run(self, *arguments: str, **env: str):
        return CliRunner().invoke(app, list(arguments), env={"WHEELWITNESS_POLICY": str(self.policy), **env})

    def check(self, *arguments: str):
        """Exit code and parsed report."""
        result = self.run("check", *arguments, "--format", "json")
        report = json.loads(result.stdout)
        validate(report)
        return result.exit_code, report


@pytest.fixture
def world(tmp_path):
    for node in (ALPHA, BETA):
        good = stated(node, sha256=GOOD, finished=SEEN)
        bad = stated(node, "mismatch", sha256=BAD, filename=BAD_NAME, finished=SEEN)
        node.publish(tmp_path, [good, bad])
    policy = tmp_path / "policy.toml"
    # Local sites, relative to the policy.
    policy.write_text(
        "version = 1\nthreshold = 2\n" + ALPHA.toml("alpha-site") + BETA.toml("beta-site"), encoding="utf-8"
    )
    (tmp_path / WHEEL).write_bytes(wheel())
    (tmp_path / BAD_NAME).write_bytes(CHANGED)
    return World(tmp_path, policy)


def requirements(world, *hashes, name="demo", version="1.0"):
    line = f"{name}=={version} " + " ".join(f"--hash=sha256:{item}" for item in hashes)
    return world.write("requirements.txt", line + "\n")


def test_reproduced(world):
    code, report = world.check(str(world.root / WHEEL))
    assert code == 0
    assert report["schema"] == "check/1"
    assert report["counts"] == {"reproduced": 1}
    (artifact,) = report["artifacts"]
    assert (artifact["filename"], artifact["sha256"]) == (WHEEL, GOOD)
    assert (artifact["verdict"], artifact["level"]) == ("reproduced", "bitwise")
    assert artifact["agreeing"] == ["alpha", "beta"]
    assert artifact["dissenting"] == artifact["silent"] == artifact["rejected"] == []


def test_objects_are_collected_again_after_a_check(world):
    assert gc.isenabled()
    world.check(str(world.root / WHEEL))
    assert gc.isenabled()


def test_text_says_the_count_first_and_then_only_what_matters(world):
    result = world.run("check", str(world.root / WHEEL), str(world.root / BAD_NAME))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "2 files: 1 reproduced, 1 divergent"
    assert WHEEL not in result.stdout
    assert lines[2].startswith(f"{BAD_NAME}: DIVERGENT (2 trusted operators found it to differ")
    assert "  dissents: alpha (Operator A): differs: demo/__init__.py (changed) (since " in result.stdout
    assert "  what to do: do not install it" in result.stdout
    assert WHEEL in world.run("check", "--verbose", str(world.root)).stdout


def test_a_changed_wheel_is_divergent(world):
    code, report = world.check(str(world.root / BAD_NAME))
    assert code == 1
    assert report["artifacts"][0]["verdict"] == "divergent"
    assert report["artifacts"][0]["dissenting"] == ["alpha", "beta"]


def test_a_wheel_whose_bytes_nobody_saw_is_not_called_reproduced(world):
    (world.root / WHEEL).write_bytes(wheel(b"VERSION = 3\n"))
    code, report = world.check(str(world.root / WHEEL))
    assert (code, report["artifacts"][0]["verdict"]) == (3, "unattempted")


def test_with_one_operator_down_the_evidence_is_insufficient(world):
    shutil.rmtree(world.site(BETA))
    code, report = world.check(str(world.root / WHEEL))
    (artifact,) = report["artifacts"]
    assert (code, artifact["verdict"]) == (3, "insufficient")
    assert (artifact["agreeing"], artifact["silent"]) == (["alpha"], ["beta"])
    text = world.run("check", str(world.root / WHEEL)).stdout
    assert "  silent: beta (Operator B): could not be reached\n" in text
    assert text.count("\nbeta (Operator B): unreachable: ") == 1
    assert "what to do: try again" in text


def test_with_all_operators_down_nothing_was_decided(world):
    shutil.rmtree(world.site(ALPHA))
    shutil.rmtree(world.site(BETA))
    code, report = world.check(str(world.root / WHEEL))
    assert (code, report["counts"]) == (5, {"error": 1})


def _break_entry(line):
    value = json.loads(line)
    entry = value["entry"]
    value["entry"] = entry[:100] + ("A" if entry[100] != "A" else "B") + entry[101:]
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _break_proof(line):
    return re.sub(rb"index ([01])", lambda found: b"index %d" % (1 - int(found[1])), line)


@pytest.mark.parametrize("tamper", [_break_entry, _break_proof, lambda line: line[:-1], lambda line: b"{}"])
def test_a_tampered_bundle_is_rejected_and_is_evidence(world, tamper):
    shard = world.shard(BETA)
    before = shard.read_bytes().rstrip(b"\n")
    after = tamper(before)
    assert after != before
    shard.write_bytes(after + b"\n")
    code, report = world.check(str(world.root / WHEEL))
    (artifact,) = report["artifacts"]
    assert (code, artifact["verdict"]) == (1, "insufficient")
    assert [item["witness"] for item in artifact["rejected"]] == ["beta"]
    assert artifact["rejected"][0]["reason"].startswith("does not verify: ")
    assert "1 with a bad signature" in world.run("check", str(world.root / WHEEL)).stdout


def test_a_bad_line_does_not_hide_a_good_one(world):
    shard = world.shard(BETA)
    shard.write_bytes(shard.read_bytes() + b"{}\n")
    code, report = world.check(str(world.root / WHEEL))
    assert (code, report["artifacts"][0]["verdict"]) == (1, "reproduced")


def test_bundles_of_another_witness_or_artifact_do_not_count(world):
    shutil.copy(world.shard(ALPHA), world.shard(BETA))
    code, report = world.check(str(world.root / WHEEL))
    assert (code, report["artifacts"][0]["agreeing"]) == (1, ["alpha"])
    shutil.copy(world.shard(BETA, BAD), world.shard(BETA))
    code, report = world.check(str(world.root / WHEEL))
    assert code == 1
    assert "about another file" in report["artifacts"][0]["rejected"][0]["reason"]


def test_requirements_with_the_hash_of_the_sdist_beside_the_wheel(world):
    code, report = world.check(requirements(world, GOOD, "5" * 64))
    (artifact,) = report["artifacts"]
    assert (code, artifact["verdict"], artifact["filename"]) == (0, "reproduced", WHEEL)
    assert {item["verdict"] for item in artifact["files"]} == {"reproduced", "unattempted"}


def test_one_bad_hash_is_enough(world):
    world.shard(ALPHA, BAD).unlink()
    code, report = world.check(requirements(world, BAD, "5" * 64, version="2.0"))
    assert (code, report["counts"]) == (1, {"divergent": 1})


def test_a_hash_of_another_project_does_not_pass(world):
    code, report = world.check(requirements(world, GOOD, name="other"))
    assert (code, report["counts"]) == (3, {"insufficient": 1})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 4),
        ("# nothing\n", 4),
        ("-e ./here\n", 4),
        ("demo==1.0\n", 2),
        (f"demo==1.0 --hash=sha256:{'5' * 64}\n", 3),
        ("??? what\n", 2),
        (f"demo==1.0 --hash=sha256:{GOOD}\ndemo2==1.0\n", 2),
    ],
)
def test_exit_codes_of_requirements(world, text, code):
    assert world.run("check", world.write("requirements.txt", text)).exit_code == code


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "missing.txt"],
        ["check", "--no-such-option"],
        ["check", "--fail-on", "wrong", "."],
        ["check", ".", "--bundle", "missing.jsonl"],
        ["check", ".", "--output", "no/such/directory/report.json"],
        ["check", ".", "--format", "yaml"],
        ["check", ".", "--format", "json="],
        ["check", ".", "--format", "json", "--format", "sarif"],
        ["check", ".", "--format", "json=a", "--format", "sarif=a"],
        ["check", ".", "--format", "json=a", "--output", "a"],
        ["check", ".", "--format", "svr"],
        ["check", ".", "--format", "svr=a", "--sign-key", "missing.pem"],
        ["check", ".", "--sign-key", "policy.toml"],
        ["check", ".", "--baseline", "missing.json"],
        ["check", ".", "--baseline", "policy.toml"],
        ["summary", "missing.json", "--key", "ed25519:6vR+1BYvYfZzygeyFAayzE0bdsYaMDQQrwOiBI9HA1w="],
        ["summary", "policy.toml", "--key", "ed25519:AAAA"],
        ["summary", "policy.toml", "--key", "policy.toml"],
        ["summary", "policy.toml"],
        ["verify", "demo.whl"],
        ["show", "sha256:1234"],
        ["show", "demo==1.0"],
    ],
)
def test_usage_errors(world, arguments, monkeypatch):
    monkeypatch.chdir(world.root)
    result = world.run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("text", ["version = 1\nthreshold = 0\n", "version = 1\n", "=", "\udcff"])
def test_a_policy_that_is_none_fails_closed(world, text):
    world.policy.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = world.run("check", str(world.root / WHEEL))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "policy.toml" in result.stderr


def test_without_a_policy_it_says_how_to_make_one(world):
    world.policy.unlink()
    result = world.run("check", str(world.root / WHEEL))
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
    assert "--policy or WHEELWITNESS_POLICY" in result.stderr


def test_fail_on_chooses_what_fails_but_never_hides_errors(world):
    bad, good = str(world.root / BAD_NAME), str(world.root / WHEEL)
    assert world.run("check", bad, "--fail-on", "none").exit_code == 0
    assert world.run("check", bad, "--fail-on", "insufficient").exit_code == 0
    assert world.run("check", bad, WHEELWITNESS_FAIL_ON="none").exit_code == 0
    empty = world.write("requirements.txt", "demo\n")
    assert world.run("check", good, empty, "--fail-on", "none").exit_code == 2
    shutil.rmtree(world.site(ALPHA))
    assert world.run("check", good, "--fail-on", "none").exit_code == 0
    shutil.rmtree(world.site(BETA))
    assert world.run("check", good, "--fail-on", "none").exit_code == 5


def test_precedence_puts_evidence_against_before_what_is_missing(world):
    missing = world.write("requirements.txt", f"other==1.0 --hash=sha256:{'5' * 64}\n")
    assert world.run("check", missing, str(world.root / BAD_NAME)).exit_code == 1
    assert world.run("check", missing, str(world.root / WHEEL)).exit_code == 3


def test_offline_with_bundles_alone(world):
    lines = b"".join(world.shard(node).read_bytes() for node in (ALPHA, BETA))
    evidence = world.write("evidence.jsonl", lines)
    shutil.rmtree(world.site(ALPHA))
    shutil.rmtree(world.site(BETA))
    assert world.run("verify", str(world.root / WHEEL), "--bundle", evidence).exit_code == 0
    half = world.write("half.jsonl", lines.split(b"\n")[0] + b"\n")
    assert world.run("verify", str(world.root / WHEEL), "--bundle", half).exit_code == 3
    both = ("--bundle", half, "--bundle", world.write("rest.jsonl", lines.split(b"\n")[1] + b"\n"))
    assert world.run("verify", str(world.root / WHEEL), *both).exit_code == 0


def test_quiet_and_output(world):
    good, report = str(world.root / WHEEL), world.root / "report.json"
    assert world.run("check", "--quiet", good).output == ""
    assert world.run("check", "--quiet", str(world.root / BAD_NAME)).stdout
    result = world.run("check", good, "--format", "json", "--output", str(report))
    assert (result.exit_code, result.stdout) == (0, "")
    assert json.loads(report.read_text(encoding="utf-8"))["counts"] == {"reproduced": 1}


def test_several_formats_at_once(world, monkeypatch):
    monkeypatch.chdir(world.root)
    pinned = requirements(world, BAD, version="2.0")
    kinds = ("text", "json", "sarif", "markdown", "cyclonedx")
    places = [argument for kind in kinds for argument in ("--format", f"{kind}={kind}.out")]
    result = world.run("check", pinned, *places)
    assert (result.exit_code, result.stdout) == (1, (world.root / "text.out").read_text("utf-8"))
    validate(json.loads((world.root / "json.out").read_text("utf-8")))
    (run,) = json.loads((world.root / "sarif.out").read_text("utf-8"))["runs"]
    (found,) = run["results"]
    assert found["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "requirements.txt"},
        "region": {"startLine": 1},
    }
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]
    assert (
        (world.root / "markdown.out")
        .read_text("utf-8")
        .startswith("## ❌ wheelwitness\n\n1 file: 1 divergent\n")
    )
    (component,) = json.loads((world.root / "cyclonedx.out").read_text("utf-8"))["components"]
    assert component["purl"] == f"pkg:pypi/demo@2.0?file_name={BAD_NAME}"


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        ([], "1 file: "),
        (["--format", "text"], "1 file: "),
        (["--format", "json"], "{"),
        (["--format", "json=other.json", "--format", "markdown"], "## "),
        (["--format", "json=other.json", "--output", "main.txt"], ""),
    ],
)
def test_what_has_no_file_goes_to_standard_output(world, monkeypatch, arguments, begins):
    monkeypatch.chdir(world.root)
    result = world.run("check", str(world.root / WHEEL), *arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith(begins)
    assert bool(result.stdout) == bool(begins)


def test_formats_can_come_from_the_environment(world, monkeypatch):
    monkeypatch.chdir(world.root)
    result = world.run("check", str(world.root / WHEEL), WHEELWITNESS_FORMAT="json sarif=report.sarif")
    assert result.stdout.startswith("{")
    assert (world.root / "report.sarif").exists()


def test_a_baseline_lets_through_what_was_no_better(world):
    former, pinned = world.root / "former.json", requirements(world, "5" * 64, name="other")
    assert world.run("check", pinned, "--format", f"json={former}").exit_code == 3
    result = world.run("check", pinned, "--baseline", str(former))
    assert result.exit_code == 0
    assert "known from the baseline: other==1.0: unattempted" in result.stdout
    result = world.run("check", pinned, str(world.root / BAD_NAME), "--baseline", str(former))
    assert result.exit_code == 1
    result = world.run("check", str(world.root / WHEEL), "--baseline", str(former))
    assert (result.exit_code, "gone since the baseline: other==1.0" in result.stdout) == (0, True)


def signing_key(world):
    path = world.root / "gate.pem"
    return path, keyfile.create(path).public_key


def test_a_signed_summary_of_what_was_accepted(world):
    path, key = signing_key(world)
    signed = world.root / "summary.json"
    signing = ("--format", f"svr={signed}", "--sign-key", str(path))
    assert world.run("check", str(world.root), *signing).exit_code == 1
    assert [item.filename for item in open_summary(signed.read_bytes().rstrip(), [key]).accepted] == [WHEEL]
    result = world.run("summary", str(signed), "--key", key.text)
    assert result.exit_code == 0
    assert result.stdout.startswith("1 accepted at 20")
    assert f"  {WHEEL} sha256:{GOOD}: reproduced, bitwise\n" in result.stdout
    assert world.run("summary", str(signed), str(world.root / WHEEL), "--key", key.text).exit_code == 0
    result = world.run("summary", str(signed), str(world.root / BAD_NAME), "--key", key.text)
    assert (result.exit_code, "not accepted: " in result.stdout) == (1, True)
    pem = (
        serialization.load_pem_private_key(path.read_bytes(), None)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    assert world.run("summary", str(signed), "--key", world.write("gate.pub.pem", pem)).exit_code == 0
    other = ALPHA.signers.observations.public_key.text
    assert world.run("summary", str(signed), "--key", other).exit_code == 1


def test_what_a_summary_says_is_data(world):
    path, key = signing_key(world)
    said = Accepted("x\x1b[31m", GOOD, "reproduced\x1b[32m", "bitwise\u202e")
    told = Summary(SEEN, (("policy\x1b.toml", "a" * 64),), (said,))
    signed = world.write("summary.json", sign(told, key, keyfile.load(path).sign))
    result = world.run("summary", signed, "--key", key.text)
    assert (result.exit_code, "reproduced\\x1b[32m, bitwise\\u202e" in result.stdout) == (0, True)
    assert not {"\x1b", "\u202e"} & set(result.stdout)


def test_a_key_on_a_drive_of_windows_is_a_file(world, monkeypatch):
    monkeypatch.chdir(world.root)
    with pytest.raises(InputError, match=r"^C:gate\.pub\.pem: "):
        read_key("C:gate.pub.pem")
    with pytest.raises(InputError, match=r"^--key: "):
        read_key("ed25519:gate.pub.pem")


def test_a_former_summary_does_not_speak_for_a_run_that_accepts_nothing(world):
    path, _ = signing_key(world)
    former = world.write("summary.json", "a former one")
    result = world.run(
        "check", str(world.root / BAD_NAME), "--format", f"svr={former}", "--sign-key", str(path)
    )
    assert result.exit_code == 1
    assert "nothing was accepted" in result.stderr
    assert not Path(former).exists()


def test_a_policy_can_say_at_what_to_stop(world):
    text = world.policy.read_text("utf-8")
    world.policy.write_text('fail-on = ["divergent"]\n' + text, "utf-8")
    missing = requirements(world, "5" * 64, name="other")
    assert world.run("check", missing).exit_code == 0
    assert world.run("check", str(world.root / BAD_NAME)).exit_code == 1
    assert world.run("check", missing, "--fail-on", "unattempted").exit_code == 3
    assert world.run("check", str(world.root / BAD_NAME), "--fail-on", "none").exit_code == 0


STRICTER = "[tool.wheelwitness]\nmax-age-days = 1\n"


@pytest.mark.parametrize(
    ("policy", "arguments", "project", "code"),
    [
        ("", [], STRICTER, 0),
        ("", ["--project-policy", "pyproject.toml"], STRICTER, 3),
        ("", ["--project-policy", "pyproject.toml"], "[project]\n", 2),
        ("", ["--project-policy", "missing.toml"], STRICTER, 2),
        ("project-policy = true\n", [], STRICTER, 3),
        ("project-policy = true\n", [], "[project]\n", 0),
        ("project-policy = true\n", [], "[tool.wheelwitness]\nthreshold = 1\n", 2),
        ("project-policy = true\n", [], '[tool.wheelwitness]\nexempt = [{package = "demo"}]\n', 2),
        ("project-policy = true\n", [], "not TOML", 2),
    ],
)
def test_the_project_can_ask_for_more_where_the_user_says_so(  # noqa: PLR0917
    world, monkeypatch, policy, arguments, project, code
):
    for node in (ALPHA, BETA):
        shutil.rmtree(world.site(node))
        shutil.rmtree(world.root / f"{node.name}-state")
        seen = datetime.now(UTC) - timedelta(days=3)
        node.publish(world.root, [stated(node, sha256=GOOD, finished=seen)])
    world.policy.write_text(policy + world.policy.read_text("utf-8"), "utf-8")
    world.write("pyproject.toml", project)
    monkeypatch.chdir(world.root)
    result = world.run("check", WHEEL, *arguments)
    assert result.exit_code == code, result.output
    if code == 2:
        assert "pyproject.toml: " in result.stderr or "missing.toml" in result.stderr


def test_a_project_has_one_policy(world, monkeypatch):
    world.policy.write_text("project-policy = true\n" + world.policy.read_text("utf-8"), "utf-8")
    world.write("pyproject.toml", STRICTER)
    world.write("wheelwitness.toml", "threshold = 2\n")
    monkeypatch.chdir(world.root)
    result = world.run("check", WHEEL)
    assert (result.exit_code, "two policies" in result.stderr) == (2, True)


def on_a_terminal(world, *arguments, **env):
    """What the program writes to a terminal, by a real one."""
    master, slave = pty.openpty()
    program = [sys.executable, "-c", "from witness.cli.main import main; main()", *arguments]
    environment = {"WHEELWITNESS_POLICY": str(world.policy), "TERM": "xterm", **env}
    process = subprocess.Popen(program, stdout=slave, stderr=subprocess.DEVNULL, env=environment)
    os.close(slave)
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # the last writer has closed it
            break
        if not chunk:
            break
        seen += chunk
    os.close(master)
    process.wait(60)
    return seen.decode()


def test_colours_on_a_terminal_alone(world):
    bad = str(world.root / BAD_NAME)
    assert "\x1b[1;31mDIVERGENT\x1b[0m" in on_a_terminal(world, "check", bad)
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in on_a_terminal(world, "check", bad, **env)
    assert "\x1b" not in on_a_terminal(world, "check", bad, "--format", "json")
    assert "\x1b" not in world.run("check", bad).stdout


def test_a_verdict_in_favour_may_be_used_again_where_the_user_says_so(world, tmp_path):
    state = tmp_path / "own-state"
    good = ("check", str(world.root / WHEEL), "--state", str(state))
    assert world.run(*good).exit_code == 0
    assert not (state / "verdicts").exists()
    assert world.run(*good, "--max-age", "3600").exit_code == 0
    BETA.publish(world.root, [stated(BETA, "mismatch", sha256=GOOD, finished=SEEN, recipe="again")])
    assert world.run(*good, "--max-age", "3600").exit_code == 0
    assert world.run(*good).exit_code == 1
    (remembered,) = (state / "verdicts").iterdir()
    remembered.write_text("damaged")
    result = world.run(*good, "--max-age", "3600")
    assert result.exit_code == 1
    assert "ignored, and written anew" in result.stderr


def test_exemptions(world):
    with world.policy.open("a", encoding="utf-8") as file:
        file.write('\n[[exempt]]\npackage = "demo"\nreason = "ours"\nexpires = 2999-01-01\n')
    code, report = world.check(str(world.root / BAD_NAME))
    assert (code, report["counts"]) == (0, {"exempt": 1})
    world.policy.write_text(
        world.policy.read_text(encoding="utf-8").replace("2999", "2020"), encoding="utf-8"
    )
    result = world.run("check", str(world.root / BAD_NAME))
    assert result.exit_code == 1
    assert "its exemption ended on 2020-01-01" in result.stdout


def test_show_explains(world):
    for target in (str(world.root / WHEEL), f"sha256:{GOOD}"):
        result = world.run("show", target)
        assert result.exit_code == 0
        assert result.stdout.startswith(f"{WHEEL}: reproduced, level bitwise\n")
        for expected in ("recipe:", "CPython 3.12.0 on linux-x86_64", "hatchling==1.27.0", "demo-1.0.tar.gz"):
            assert expected in result.stdout
        assert "what to do" not in result.stdout
    shown = world.run("show", str(world.root / BAD_NAME)).stdout
    assert "differs:     demo/__init__.py: changed" in shown
    assert "  what to do: do not install it before you know why\n" in shown
    assert f"  more: wheelwitness diff sha256:{BAD}\n" in shown


def test_diff_says_what_differs_and_how_to_see_it(world):
    for target in (str(world.root / BAD_NAME), f"sha256:{BAD}"):
        result = world.run("diff", target)
        assert result.exit_code == 0
        assert result.stdout.startswith(f"{BAD_NAME}: divergent\n")
        assert "alpha (Operator A) rebuilt it, and says since " in result.stdout
        assert "  Changes what can run, as far as names tell:\n" in result.stdout
        assert "    demo/__init__.py: changed: code-changed\n" in result.stdout
        assert "The same other payload was rebuilt by alpha and beta" in result.stdout
        assert f"  rebuilder rebuild {BAD_NAME} --report report\n" in result.stdout
    assert "No witness of the policy says that it differs." in world.run("diff", f"sha256:{GOOD}").stdout


def test_diff_of_hostile_names(world):
    hostile = "x; rm -rf ~; -1.0-py3-none-any.whl\x1b[2J"
    bad = stated(
        ALPHA, "mismatch", sha256="7" * 64, filename=hostile, finished=SEEN, paths=("a\x1b[2J\u202e",)
    )
    ALPHA.publish(world.root, [bad])
    result = world.run("diff", f"sha256:{'7' * 64}")
    assert result.exit_code == 0
    assert "  rebuilder rebuild" not in result.stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", result.stdout)


def test_text_of_strangers_never_reaches_the_terminal_as_it_is(world):
    hostile = wheel(b"hostile\n")
    world.write("demo-3.0-py3-none-any.whl", hostile)
    ALPHA.publish(
        world.root,
        [
            stated(
                ALPHA,
                "mismatch",
                sha256=sha256_hex(hostile),
                filename="demo-3.0-py3-none-any.whl",
                finished=SEEN,
                paths=("demo/\x1b[2J\u202e.py",),
            )
        ],
    )
    for arguments in (["check"], ["show"], ["check", "--format", "json"]):
        result = world.run(*arguments, str(world.root / "demo-3.0-py3-none-any.whl"))
        assert "\\x1b[2J\\u202e" in result.stdout.replace("\\\\", "\\")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", result.stdout)


def test_the_program_itself(world):
    def run(*arguments, **env):
        return subprocess.run(
            [sys.executable, "-c", "from witness.cli.main import main; main()", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "WHEELWITNESS_POLICY": str(world.policy), **env},
        )

    result = run("check", str(world.root / WHEEL))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "1 file: 1 reproduced\n"
    assert run("check", str(world.root / BAD_NAME)).returncode == 1
    missing = run("check", str(world.root / WHEEL), "--policy", "missing.toml")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "Traceback" not in missing.stderr
    assert run("--version").stdout.startswith("wheelwitness ")


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_a_site_that_refuses_connections_leaves_no_noise(world):
    text = world.policy.read_text(encoding="utf-8")
    world.policy.write_text(text.replace('"beta-site"', '"http://127.0.0.1:9/"'), encoding="utf-8")
    result = world.run("check", str(world.root / WHEEL))
    assert result.exit_code == 3
    assert "\nbeta (Operator B): unreachable: http://127.0.0.1:9/" in result.stdout
    assert result.stderr == ""


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_witnesses_learn_whole_digests_only_from_those_who_let_them(world):
    pins = requirements(world, GOOD)
    with serving(world.root) as site:
        text = world.policy.read_text("utf-8")
        for node in (ALPHA, BETA):
            text = text.replace(f'"{node.name}-site"', f'"{site.url}{node.name}-site"')
        world.policy.write_text(text, encoding="utf-8")
        shutil.rmtree(world.site(BETA) / "lookup")
        for options, code, told in (
            ((), 3, set()),
            (("--lookup", "prefix-or-exact"), 0, {"beta"}),
            (("--lookup", "exact"), 0, {"alpha", "beta"}),
        ):
            site.asked.clear()
            assert world.check(pins, *options)[0] == code
            assert {path.split("-")[0].strip("/") for path in site.asked if GOOD in path} == told
        assert "/alpha-site/lookup/0/0000" not in site.asked
        (found,) = world.check(pins)[1]["artifacts"]
        assert (found["agreeing"], found["silent"]) == (["alpha"], ["beta"])


def test_consumers_load_nothing_of_a_node_and_nothing_heavy_before_it_is_needed(world):
    program = (
        "import sys, witness.wiring, witness.gate, witness.config, witness.cli.judging, witness.report.details\n"
        "unwanted = 'witness.publish', 'witness.log.writer', 'witness.signing', 'rich', 'httpx'\n"
        "print([name for name in unwanted if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_a_mistake_of_ours_is_no_verdict(monkeypatch, capsys):
    from witness.cli import main

    def fail():
        raise ZeroDivisionError

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 5
    assert "please report it" in capsys.readouterr().err


def test_a_home_directory_that_there_is_not_is_a_mistake_in_the_policy(world):
    world.policy.write_text(
        "version = 1\nthreshold = 1\n" + ALPHA.toml("~nobody-of-that-name/site"), encoding="utf-8"
    )
    result = world.run("check", str(world.root / WHEEL))
    assert result.exit_code == 2
    assert "no such home directory" in result.stderr
