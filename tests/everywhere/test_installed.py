"""What `pip install wheelwitness` gives: the consumer's program and library, without what a node needs besides."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.everywhere.reachable import CHECKOUT
from tests.everywhere.scenes import COMMANDS, HERE, run, said
from tests.everywhere.test_library import examples

pytestmark = pytest.mark.network

UV = Path(sys.executable).parent / "uv"
BUILD = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
LISTED = (
    "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()), sep='\\n')"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A fresh environment with our wheel and what it says that it needs."""
    pytest.importorskip("hatchling", reason="the dependency group `package` is not installed")
    root = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-B", "-c", BUILD, root], cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = root.glob("*.whl")
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run([UV, "venv", "-q", "--python", sys.executable, root / "venv"], check=True, env=environment)
    python = root / "venv" / "bin" / "python"
    subprocess.run([UV, "pip", "install", "-q", "--python", python, wheel], check=True, env=environment)
    return root / "venv" / "bin"


def test_only_what_a_consumer_needs(installed):
    listed = set(subprocess.check_output([installed / "python", "-c", LISTED], text=True).split())
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {Requirement(text).name for text in project["dependencies"]}
    extras = {Requirement(text).name for texts in project["optional-dependencies"].values() for text in texts}
    assert needed < listed
    assert not extras - needed & listed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(installed, home, command):
    arguments, code = COMMANDS[command]
    done = said(run(home, [str(installed / "wheelwitness")], *arguments, PYTHONPATH=""))
    assert done[0] == code
    assert done == said(run(home, HERE, *arguments))


def test_nothing_is_taken_from_the_checkout(installed):
    code = "import witness; print(witness.__file__)"
    shown = subprocess.check_output([installed / "python", "-c", code], text=True, cwd=installed)
    assert Path(shown.strip()).is_relative_to(installed.parent)


@pytest.mark.parametrize("number", range(len(examples())))
def test_the_examples_are_typed_as_a_user_sees_them(installed, tmp_path, number):
    (tmp_path / "example.py").write_text(examples()[number], encoding="utf-8")
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-executable",
        installed / "python",
        "example.py",
    ]
    done = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "Success: no issues found in 1 source file\n"


def test_a_mistake_of_a_user_is_found_by_its_types(installed, tmp_path):
    wrong = "from witness import check\nreport = check('a', polcy='b')\nprint(report.rows[0].outcom)\n"
    (tmp_path / "example.py").write_text(wrong, encoding="utf-8")
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-executable",
        installed / "python",
        "example.py",
    ]
    done = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "polcy" in done.stdout
    assert "outcom" in done.stdout
