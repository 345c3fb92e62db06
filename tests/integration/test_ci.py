"""What pipelines run: the GitHub Action, the GitLab template and the pre-commit hook, their scripts as they stand."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.integration.test_check_cli import BAD, GOOD, requirements, world
from tests.integration.trusted_nodes import WHEEL
from tests.schemas import validate
from tests.unit.docs.pages import ROOT

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
GITLAB = yaml.safe_load((ROOT / "docs/how-to/ci/gitlab.yml").read_text("utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
PROGRAM = Path(sys.executable).with_name("wheelwitness")

__all__ = ["world"]  # the fixture


def step(name):
    (found,) = [item for item in ACTION["runs"]["steps"] if item["name"] == name]
    return found


def run_step(name, directory, **given):
    """What the runner does with a step: inputs as environment, files for outputs and summary, its flags for bash."""
    temporary, output, summary = directory / "temp", directory / "output", directory / "summary.md"
    temporary.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "RUNNER_TEMP": str(temporary),
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    values = {key: str(value.get("default", "")) for key, value in ACTION["inputs"].items()} | given
    for key, expression in step(name).get("env", {}).items():
        (wanted,) = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", expression).groups()
        environment[key] = values[wanted]
    script = directory / "step.sh"
    script.write_text(step(name)["run"], "utf-8")
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def installed(directory):
    """As if the step `Install` had been run."""
    program = directory / "temp" / "wheelwitness" / "bin" / "wheelwitness"
    program.parent.mkdir(parents=True)
    program.symlink_to(PROGRAM)


def outputs(directory):
    return dict(line.split("=", 1) for line in (directory / "output").read_text("utf-8").splitlines())


def test_no_expression_stands_in_a_script():
    for item in ACTION["runs"]["steps"]:
        assert "${{" not in item["run"]
        assert item["shell"] == "bash"
    told = {
        found for value in step("Check")["env"].values() for found in re.findall(r"inputs\.([a-z-]+)", value)
    }
    assert told == set(ACTION["inputs"])


@pytest.mark.parametrize(
    ("digest", "given", "code"),
    [
        (GOOD, {}, 0),
        (BAD, {}, 3),
        ("5" * 64, {}, 3),
        ("5" * 64, {"fail-on": "divergent"}, 0),
        ("5" * 64, {"baseline": "missing.json"}, 2),
        (GOOD, {"project-policy": "project.toml"}, 2),
        (GOOD, {"inputs": "missing.txt"}, 2),
        (GOOD, {"inputs": ""}, 2),
        (GOOD, {"inputs": "--help"}, 2),
        (GOOD, {"inputs": f"requirements.txt\n\n{WHEEL}\n"}, 0),
    ],
)
def test_the_action_checks(world, digest, given, code):
    installed(world.root)
    requirements(world, digest)
    world.write("project.toml", "threshold = 1\n")
    result = run_step("Check", world.root, policy="policy.toml", **given)
    assert result.returncode == code, result.stdout + result.stderr
    assert outputs(world.root)["exit-code"] == str(code)
    assert set(outputs(world.root)) == ({"exit-code"} if code == 2 else {"exit-code", "json", "sarif"})
    if code != 2:
        validate(json.loads(Path(outputs(world.root)["json"]).read_text("utf-8")))
        assert json.loads(Path(outputs(world.root)["sarif"]).read_text("utf-8"))["version"] == "2.1.0"
        assert (world.root / "summary.md").read_text("utf-8").startswith("## ")


def test_a_step_does_not_show_the_report_of_another(world):
    installed(world.root)
    requirements(world, GOOD)
    assert run_step("Check", world.root, policy="policy.toml").returncode == 0
    for name in ("summary.md", "output"):
        (world.root / name).unlink()
    assert run_step("Check", world.root, policy="policy.toml", inputs="missing.txt").returncode == 2
    assert outputs(world.root) == {"exit-code": "2"}
    assert not (world.root / "summary.md").exists()


def test_the_action_takes_the_policy_as_a_text(world):
    installed(world.root)
    requirements(world, GOOD)
    text = world.policy.read_text("utf-8").replace('url = "', f'url = "{world.root}/')
    world.policy.unlink()
    assert run_step("Check", world.root, **{"policy-text": text}).returncode == 0


def test_without_a_policy_the_action_trusts_nobody(world):
    installed(world.root)
    requirements(world, GOOD)
    result = run_step("Check", world.root)
    assert (result.returncode, "whom to believe" in result.stdout) == (2, True)


@pytest.mark.parametrize(
    "hostile", ["$(touch owned)", "`touch owned`", "'; touch owned; '", '"; touch owned; "']
)
def test_inputs_are_data(world, hostile):
    installed(world.root)
    names = set(ACTION["inputs"]) - {"policy-text"}
    run_step("Check", world.root, **dict.fromkeys(names, hostile))
    run_step("Check", world.root, **{"policy-text": hostile})
    assert not (world.root / "owned").exists()


def test_the_runner_obeys_no_line_of_a_report(world):
    installed(world.root)
    world.write("requirements.txt", "::error::owned==1.0\n")
    fake = world.root / "temp" / "wheelwitness" / "bin" / "wheelwitness"
    fake.unlink()
    fake.write_text("#!/bin/sh\necho '::add-mask::owned'\n", "utf-8")
    fake.chmod(0o755)
    lines = run_step("Check", world.root, policy="policy.toml").stdout.splitlines()
    (token,) = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", lines[0]).groups()
    assert lines[1:] == ["::add-mask::owned", f"::{token}::"]


def test_what_the_action_installs_is_all_that_a_consumer_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["package"]]
    pinned = re.findall(
        r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements/consumer.txt").read_text("utf-8"), re.MULTILINE
    )
    versions = dict(pinned)
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


@pytest.mark.network
@pytest.mark.enable_socket
def test_the_action_installs_itself(tmp_path):
    result = run_step("Install", tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    program = tmp_path / "temp" / "wheelwitness" / "bin" / "wheelwitness"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("wheelwitness ")


def test_the_gitlab_template_checks(world):
    job = GITLAB[".wheelwitness"]
    assert GITLAB["wheelwitness"]["extends"] == ".wheelwitness"
    requirements(world, GOOD)
    program = world.root / ".wheelwitness" / "bin" / "wheelwitness"
    program.parent.mkdir(parents=True)
    program.symlink_to(PROGRAM)
    environment = {
        "PATH": os.environ["PATH"],
        "WHEELWITNESS_POLICY": str(world.policy),
        "HOME": str(world.root),
    }
    for line in job["script"]:
        subprocess.run(
            ["bash", "-eo", "pipefail", "-c", line],
            cwd=world.root,
            env=environment | job["variables"],
            capture_output=True,
            timeout=60,
            check=True,
        )
    for path in job["artifacts"]["paths"]:
        assert (world.root / path).stat().st_size
    validate(json.loads((world.root / "wheelwitness.json").read_text("utf-8")))


@pytest.mark.network
@pytest.mark.enable_socket
def test_the_gitlab_template_installs(tmp_path):
    for line in GITLAB[".wheelwitness"]["before_script"]:
        subprocess.run(
            ["bash", "-eo", "pipefail", "-c", line],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "WHEELWITNESS_INSTALL": str(ROOT / "requirements/consumer.txt"),
            },
            capture_output=True,
            timeout=300,
            check=True,
        )
    assert (tmp_path / ".wheelwitness" / "bin" / "typer").exists()


def git(directory, *arguments):
    identity = ["-c", "user.name=test", "-c", "user.email=test@demo.example", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=directory, check=True, capture_output=True, timeout=60)


def test_the_hook_looks_at_requirements_alone():
    (hook,) = HOOKS
    pattern = re.compile(hook["files"])
    for name in ("requirements.txt", "requirements-dev.txt", "sub/requirements.in.txt"):
        assert pattern.search(name)
    for name in ("requirements.in", "notes.txt", "my-requirements.txt", "requirements/x.md"):
        assert not pattern.search(name)
    assert hook["entry"] == "wheelwitness check"


def test_a_file_that_is_named_like_an_option_is_a_file(world, tmp_path):
    """Whoever can add a file could else say whom to believe, or at what to stop."""
    (hook,) = HOOKS
    name = "--fail-on=none/requirements.txt"
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(f"demo==1.0 --hash=sha256:{'5' * 64}\n", "utf-8")
    done = subprocess.run(
        [PROGRAM, *hook["entry"].split()[1:], *hook["args"], name],
        cwd=tmp_path,
        env={**os.environ, "WHEELWITNESS_POLICY": str(world.policy)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, f"read {name}: requirements" in done.stdout) == (3, True), done.stderr


@pytest.mark.network
@pytest.mark.enable_socket
def test_pre_commit_runs_the_hook(world, tmp_path_factory):
    ours, home = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("home")
    for name in ("witness", "rebuilders"):
        shutil.copytree(ROOT / name, ours / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, ours)
    git(ours, "init")
    git(ours, "add", ".")
    git(ours, "commit", "-m", "a release")
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ours, capture_output=True, text=True, check=True
    ).stdout.strip()
    project = world.root / "project"
    project.mkdir()
    configuration = {"repos": [{"repo": str(ours), "rev": revision, "hooks": [{"id": "wheelwitness"}]}]}
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configuration), "utf-8")
    git(project, "init")
    codes = []
    for digest in (GOOD, "5" * 64):
        (project / "requirements.txt").write_text(f"demo==1.0 --hash=sha256:{digest}\n", "utf-8")
        git(project, "add", ".")
        done = subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--all-files"],
            cwd=project,
            env={**os.environ, "PRE_COMMIT_HOME": str(home), "WHEELWITNESS_POLICY": str(world.policy)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        codes.append((done.returncode, "exit code: 3" in done.stdout))
    assert codes == [(0, False), (1, True)], done.stdout + done.stderr
