"""The cache of a machine: thrown away in the order of use, and never from under those who use it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rebuilders.cache import Cache, used
from rebuilders.cli.main import app
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.setup import make
from witness.limits import KIB

BLOCK = 64 * KIB


def put(root, name, age, size=BLOCK):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def test_what_was_used_least_lately_goes_first(cache):
    old, older, renewed = (
        put(cache.root, f"files/ab/{name}", age) for name, age in (("b", 50), ("a", 90), ("c", 99))
    )
    used(renewed)
    collected = cache.collect(cache.size())
    assert not older.exists()
    assert old.exists()
    assert renewed.exists()
    assert (collected.entries, collected.before - collected.after >= BLOCK) == (1, True)


def test_each_kind_of_entry_and_nothing_else(cache):
    kinds = (
        "pages/p",
        "locks/l",
        "files/ab/f",
        "installed/i/x",
        "environments/e/x",
        "requirements/r/x",
        "uv/u/x",
    )
    gone = [put(cache.root, name, 100) for name in kinds]
    kept = [put(cache.root, name, 1000) for name in ("pythons/cpython-3.9/bin/python", "other")]
    cache.collect(0)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)


def test_links_count_once_and_free_with_the_last(cache):
    whole = put(cache.root, "installed/i/x", 10)
    os.utime(whole.parent, (time.time() - 50,) * 2)
    link = cache.root / "environments" / "e" / "x"
    link.parent.mkdir(parents=True)
    os.link(whole, link)
    before = cache.size()
    assert before < 2 * BLOCK + 64 * KIB
    cache.collect(before)  # nine tenths of which are more than is left without the file
    assert not whole.exists()
    assert not link.exists()


def test_links_lead_nowhere(cache, tmp_path):
    outside = put(tmp_path, "outside/precious", 0)
    (cache.root / "files" / "ab").mkdir(parents=True)
    (cache.root / "files" / "ab" / "link").symlink_to(outside.parent)
    cache.collect(0)
    assert outside.exists()


def test_unfinished_work_of_those_who_were_killed_goes(cache):
    left = put(cache.root, "installed/.tmp-abc/x", 0)
    cache.collect(10**9)
    assert not left.exists()


USER = """
import sys, time
from pathlib import Path
from rebuilders.cache import Cache
with Cache(Path(sys.argv[1])).using():
    print("using", flush=True)
    sys.stdin.read()
"""


def test_not_while_it_is_used(cache):
    """By another process; one that is killed uses it no more."""
    path = put(cache.root, "files/ab/f", 10)
    argv = [sys.executable, "-c", USER, str(cache.root)]
    cwd = Path(__file__).parents[2]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd) as process:
        process.stdout.readline()
        assert cache.collect(0, patience=0.3) is None
        assert path.exists()
        with cache.using():  # several may
            pass
        process.kill()
        process.wait()
    assert cache.collect(0) is not None
    assert not path.exists()


def test_it_is_looked_at_once_in_a_while(cache):
    put(cache.root, "files/ab/f", 10)
    assert cache.keep_below(1) is not None
    again = put(cache.root, "files/ab/f", 10)
    assert cache.keep_below(1) is None
    assert again.exists()
    os.utime(cache.root / ".collected", (1, 1))
    assert cache.keep_below(10**9) is None
    os.utime(cache.root / ".collected", (1, 1))
    assert cache.keep_below(1).entries == 1


def test_by_command(tmp_path):
    """0 would mean no bound where nothing else is said."""
    node = NodeDirectory(tmp_path / "node")
    make(node, NodeConfig(version=1, name="node-a.example", operator="A", cache=str(tmp_path / "cache")))
    path = put(tmp_path / "cache", "files/ab/f", 10)
    told = CliRunner().invoke(app, ["gc", str(node.root), "--json"])
    assert json.loads(told.stdout)["entries"] == 0
    assert path.exists()
    told = CliRunner().invoke(app, ["gc", str(node.root), "--quota-mb", "0"])
    assert (told.exit_code, "1 entries" in told.stdout, path.exists()) == (0, True, False)
