"""The consumer's program says the same on every system, whatever its terminal can show."""

import json
import sys

import pytest

from tests.everywhere.reachable import reachable
from tests.everywhere.scenes import COMMANDS, GOOD, WHEEL, every_command, make_home, run, run_several
from tests.everywhere.systems import SYSTEMS
from witness.store.interface import check_path


def elsewhere(system: str, *what: str):
    return [sys.executable, "-W", "error", "-m", "tests.everywhere.elsewhere", system, *what]


def program(system: str):
    return elsewhere(system, "program")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """What every command says on every system, in one home."""
    home = make_home(tmp_path_factory.mktemp("everywhere"))
    return {system: every_command(home, system) for system in ("here", *SYSTEMS)}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_everywhere_what_it_says_here(spoken, command):
    assert spoken["here"][command][0] == COMMANDS[command][1], spoken["here"][command]
    for system in SYSTEMS:
        assert spoken[system][command] == spoken["here"][command]


# uvicorn loads multiprocessing, whose half for Windows is compiled and not here.
COMPILED = {"witness.answering", "witness.proxy.serve"}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_module_can_be_loaded(home, system):
    code = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)\nprint('all')"
    done = run(home, elsewhere(system, "code", code), *sorted(set(reachable()) - COMPILED))
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


ODD = "demö-包-…"
TERMINALS = ["cp437", "cp932", "cp1252", "ascii", "utf-16"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_terminal_breaks_a_report(home, system):
    (home / f"{ODD}.txt").write_text(f"demo==1.0 --hash=sha256:{GOOD}\n", encoding="utf-8")
    calls = [
        (["check", f"{ODD}.txt", "--verbose"], 0),
        (["check", f"{ODD}.txt", "--format", "json"], 0),
        (["log", "check", "--help"], 0),
        (["check", f"{ODD}.nothing"], 2),
    ]
    several = [(arguments, encoding) for encoding in TERMINALS for arguments, _ in calls]
    done = run_several(home, system, *several)
    assert [item.returncode for item in done] == [code for _ in TERMINALS for _, code in calls]
    for number, encoding in enumerate(TERMINALS):
        text, report, *_, error = done[len(calls) * number : len(calls) * (number + 1)]
        assert b"mistake in the program" not in error.stderr
        assert text.stdout
        # What click takes for a mistake of the system it overrules, with UTF-8.
        decoded = report.stdout.decode("utf-8" if encoding == "ascii" else encoding)
        (artifact,) = json.loads(decoded)["artifacts"]
        assert artifact["origin"] == f"{ODD}.txt:1"


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
