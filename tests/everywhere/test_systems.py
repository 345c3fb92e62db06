"""The consumer's program says the same on every system, whatever its terminal can show."""

import json
import sys

import pytest

from tests.everywhere.reachable import reachable
from tests.everywhere.scenes import COMMANDS, GOOD, HERE, WHEEL, run, said
from tests.everywhere.systems import SYSTEMS
from witness.store.interface import check_path


def elsewhere(system: str, *what: str):
    return [sys.executable, "-W", "error", "-m", "tests.everywhere.elsewhere", system, *what]


def program(system: str):
    return elsewhere(system, "program")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_command_says_there_what_it_says_here(home, system, command):
    arguments, code = COMMANDS[command]
    here = said(run(home, HERE, *arguments))
    assert here[0] == code, here[2]
    assert said(run(home, program(system), *arguments)) == here


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_module_can_be_loaded(home, system):
    code = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\nprint('all')"
    done = run(home, elsewhere(system, "code", code), *sorted(reachable()))
    assert (done.returncode, done.stdout) == (0, b"all\n"), done.stderr


@pytest.mark.parametrize(("system", "place"), [("windows", "local"), ("macos", "home/Library")])
def test_what_was_seen_is_kept_in_the_systems_own_place_under_names_that_it_can_have(home, system, place):
    assert run(home, program(system), "check", WHEEL).returncode == 0
    (state,) = (path for path in (home / place).rglob("wheelwitness") if path.is_dir())
    kept = [path.relative_to(state) for path in state.rglob("*") if path.is_file()]
    assert len(kept) == 2
    for path in kept:
        check_path(path.as_posix())
        assert path.as_posix() == path.as_posix().lower()
    # And what was kept is read again.
    assert run(home, program(system), "log", "check", "alpha").returncode == 0


@pytest.mark.parametrize(
    ("system", "encoding"),
    [("windows", "cp437"), ("windows", "cp932"), ("macos", "ascii"), ("macos", "utf-16")],
)
def test_no_code_page_breaks_a_report(home, system, encoding):
    odd = "demö-包-…"
    text = f"{odd}==1.0 --hash=sha256:{GOOD}\n".replace(odd, "demo")
    (home / f"{odd}.txt").write_text(text, encoding="utf-8")
    for arguments in (["check", f"{odd}.txt", "--verbose"], ["check", f"{odd}.txt", "--format", "json"]):
        done = run(home, program(system), *arguments, PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr
        if "json" in arguments:
            (artifact,) = json.loads(done.stdout.decode(encoding))["artifacts"]
            assert artifact["origin"] == f"{odd}.txt:1"
    help_text = run(home, program(system), "log", "check", "--help", PYTHONIOENCODING=encoding)
    assert help_text.returncode == 0
    error = run(home, program(system), "check", f"{odd}.nothing", PYTHONIOENCODING=encoding)
    assert error.returncode == 2
    assert b"Traceback" not in error.stderr


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_reader_that_has_enough_gets_no_verdict(home, system):
    code = (
        "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1); sys.argv = ['wheelwitness', 'check', "
        f"{WHEEL!r}, '--verbose']; from witness.cli.main import main; main()"
    )
    done = run(home, elsewhere(system, "code", code))
    assert (done.returncode, done.stderr) == (5, b"")


@pytest.mark.parametrize(
    ("system", "place"),
    [("windows", "local/wheelwitness"), ("macos", "home/Library/Application Support/wheelwitness")],
)
def test_ones_own_policy_is_looked_for_where_the_system_has_such_files(home, system, place):
    code = "from witness.config import default_policy_path as d; print(d())"
    done = run(home, elsewhere(system, "code", code))
    assert done.stdout.decode().strip() == str(home / place / "policy.toml")
