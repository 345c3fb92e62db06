"""Our own sdist and wheel: the same bytes wherever and whenever they are built, and in them what belongs there."""
# ruff: noqa: E501

import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SOURCES = (
    "witness",
    "rebuilders",
    "tests",
    "docs",
    "requirements",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "Makefile",
    ".gitignore",
)

# Another clock: whatever asks for the time gets one some years later.
CLOCK = """
import datetime, time
_shift = 3 * 365 * 86_400 + 12_345
_time, _gmtime, _localtime = time.time, time.gmtime, time.localtime
time.time = lambda: _time() + _shift
time.time_ns = lambda: int(time.time() * 1e9)
time.gmtime = lambda at=None: _gmtime(time.time() if at is None else at)
time.localtime = lambda at=None: _localtime(time.time() if at is None else at)
"""
BUILD = """
import os, sys, time
os.umask(int(sys.argv[2], 8))
import hatchling.build
print(time.time())
hatchling.build.build_sdist(sys.argv[1])
hatchling.build.build_wheel(sys.argv[1])
"""


def copied(to, mode, age):
    """A copy of the checkout, its files with other modes and times, made in another order."""
    to.mkdir(parents=True)
    for name in SOURCES if age else reversed(SOURCES):
        source = CHECKOUT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "_build", ".*cache", "*.pyc")
            shutil.copytree(source, to / name, ignore=ignored, copy_function=shutil.copyfile)
        elif source.exists():
            shutil.copyfile(source, to / name)
    for path in (to, *to.rglob("*")):
        path.chmod(mode | (0o100 if path.is_dir() else 0))
        os.utime(path, (time.time() - age, time.time() - age))
    return to


def built(checkout, out, *, umask, **variables):
    out.mkdir()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", BUILD, str(out), umask],
        cwd=checkout,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout.split()[0]), {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What came of two builds that differ in all but the source."""
    pytest.importorskip("hatchling", reason="the dependency group `package` is not installed")
    root = tmp_path_factory.mktemp("own")
    (root / "clock").mkdir()
    (root / "clock" / "sitecustomize.py").write_text(CLOCK)
    one = copied(root / "one", 0o644, age=0)
    other = copied(root / "elsewhere" / "with a long name" / "wheelwitness", 0o600, age=500 * 86_400 + 3601)
    then, first = built(one, root / "out1", umask="022", TZ="UTC", LANG="C", PYTHONHASHSEED="0")
    later, second = built(
        other, root / "out2", umask="077", TZ="Pacific/Kiritimati", LANG="tr_TR.UTF-8", LC_ALL="C.UTF-8", PYTHONHASHSEED="4711",
        PYTHONPATH=str(root / "clock"), COLUMNS="40",
    )  # fmt: skip
    assert later - then > 365 * 86_400
    return first, second


def test_identical_bytes(files):
    first, second = files
    assert sorted(first) == sorted(second)
    assert {Path(name).suffix for name in first} == {".whl", ".gz"}
    for name in first:
        assert first[name] == second[name], name


def test_the_wheel_has_what_runs_and_no_more(files, tmp_path):
    (name,) = (name for name in files[0] if name.endswith(".whl"))
    (tmp_path / name).write_bytes(files[0][name])
    with zipfile.ZipFile(tmp_path / name) as archive:
        members = set(archive.namelist())
    assert {
        "witness/py.typed",
        "rebuilders/py.typed",
        "rebuilders/inside/driver.py",
        "witness/cli/main.py",
    } <= members
    tops = {member.split("/")[0] for member in members}
    assert len(tops) == 3
    assert tops > {"witness", "rebuilders"}
    suffixes = {Path(member).suffix for member in members if ".dist-info/" not in member}
    assert suffixes <= {".py", ".pyi", ".typed", ".toml", ".json", ".html", ".css", ".js", ".svg"}
    sources = {
        str(path.relative_to(CHECKOUT))
        for top in ("witness", "rebuilders")
        for path in (CHECKOUT / top).rglob("*.py")
    }
    assert sources <= members


def test_the_sdist_has_what_is_needed_to_build_and_test(files, tmp_path):
    (name,) = (name for name in files[0] if name.endswith(".tar.gz"))
    (tmp_path / name).write_bytes(files[0][name])
    top = name.removesuffix(".tar.gz")
    with tarfile.open(tmp_path / name) as archive:
        members = {member.name.removeprefix(f"{top}/"): member for member in archive}
    assert {
        "pyproject.toml",
        "PKG-INFO",
        "README.md",
        "LICENSE",
        "tests/integration/test_own_build.py",
        "witness/py.typed",
    } <= set(members)
    assert not any(
        "__pycache__" in path or path.startswith((".venv", ".git/", "dist/", "..")) for path in members
    )
    assert all(member.isreg() for member in members.values())
    assert {member.uid for member in members.values()} == {0}
