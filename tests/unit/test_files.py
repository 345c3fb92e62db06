"""Files that are there whole or not at all, and locks between processes; as on Windows too, by tests/everywhere."""

import os
import subprocess
import sys

import pytest

from tests.everywhere.reachable import CHECKOUT
from tests.everywhere.systems import SYSTEMS
from witness import files


def test_a_file_is_replaced_whole(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"before")
    files.replace(target, b"after")
    assert target.read_bytes() == b"after"
    assert target.stat().st_mode & 0o777 == 0o644
    files.replace(target, b"private", 0o600)
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_that_cannot_take_its_place_leaves_nothing(tmp_path):
    (tmp_path / "directory").mkdir()
    with pytest.raises(OSError):
        files.replace(tmp_path / "directory", b"bytes")
    assert [path.name for path in tmp_path.iterdir()] == ["directory"]


def test_directories_are_made_with_those_above_them(tmp_path):
    files.make_directory(tmp_path / "a" / "b")
    files.make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        files.make_directory(tmp_path / "file" / "below")


def test_what_is_refused_here_is_refused_at_once():
    asked = []

    def refuse():
        asked.append(1)
        raise PermissionError

    with pytest.raises(PermissionError):
        files.patiently(refuse)
    assert len(asked) == 1


LOCKED = """
import os, sys
from witness import files
first, second = (os.open(sys.argv[1], os.O_RDWR | os.O_CREAT) for _ in range(2))
files.try_lock(first)
try:
    files.try_lock(second)
except BlockingIOError:
    os.close(first)
files.lock(second)
print("in turn")
"""
REFUSED = """
import sys
from witness import files
asked = []
def refuse(times):
    asked.append(1)
    if len(asked) <= times:
        raise PermissionError
    return len(asked)
print(files.patiently(lambda: refuse(3)))
try:
    files.patiently(lambda: refuse(1000))
except PermissionError:
    print("given up")
"""


def elsewhere(system, code, *arguments):
    start = [sys.executable, "-m", "tests.everywhere.elsewhere", system, "code", code, *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(start, env=env, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("system", SYSTEMS)
def test_one_has_the_lock_and_then_the_other(tmp_path, system):
    """`sys.argv[0]` is the code."""
    assert elsewhere(system, LOCKED, tmp_path / "lock") == "in turn\n"


def test_windows_is_asked_again():
    assert elsewhere("windows", REFUSED) == "4\ngiven up\n"
