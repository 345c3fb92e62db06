"""What `pip install wheelwitness` gives: the consumer's program and library, without what a node needs besides."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.everywhere.reachable import CHECKOUT
from tests.everywhere.scenes import COMMANDS, every_command, run, said
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
    printed = subprocess.check_output([installed / "python", "-c", LISTED], text=True)
    listed = {canonicalize_name(name) for name in printed.split()}
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {Requirement(text).name for text in project["dependencies"]}
    extras = {Requirement(text).name for texts in project["optional-dependencies"].values() for text in texts}
    assert needed < listed
    assert not extras - needed & listed


def test_every_command_says_there_what_it_says_here(installed, home):
    here = every_command(home, "here")
    for command, (arguments, code) in COMMANDS.items():
        done = said(run(home, [str(installed / "wheelwitness")], *arguments, PYTHONPATH=""))
        assert done[0] == code
        assert done == here[command]


def test_nothing_is_taken_from_the_checkout(installed):
    code = "import witness; print(witness.__file__)"
    shown = subprocess.check_output([installed / "python", "-c", code], text=True, cwd=installed)
    assert Path(shown.strip()).is_relative_to(installed.parent)


MISTAKEN = "from witness import check\nreport = check('a', polcy='b')\nprint(report.rows[0].outcom)\n"


def test_the_types_are_there_for_users(installed, tmp_path):
    """The examples of the documentation have no mistake, strictly, and a mistake is found."""
    for number, code in enumerate((*examples(), MISTAKEN)):
        (tmp_path / f"example{number}.py").write_text(code, encoding="utf-8")
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed / "python", "."]
    done = subprocess.run(mypy, cwd=tmp_path, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert {line.split(":")[0] for line in found} == {f"example{len(examples())}.py"}
    assert {word for word in ("polcy", "outcom") for line in found if word in line} == {"polcy", "outcom"}
