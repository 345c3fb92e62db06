"""A node that follows its index by itself: published, added late, yanked, deleted. Real processes throughout."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from rebuilders.node.ledger import Ledger, Pages
from rebuilders.node.ledger.tables import FILES, PAGES
from tests.integration.test_node import (  # noqa: F401 - fixtures
    REBUILDER,
    environment,
    index,
    node,
    observations,
    rebuilder,
    renamed,
)
from tests.waiting import wait_until

pytestmark = [pytest.mark.sandbox, pytest.mark.loopback, pytest.mark.enable_socket]

WHEEL, SDIST = "demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz"


def watches(directory, text):
    path = directory.config_path
    path.write_text(f"{path.read_text('utf-8')}\n[watch]\n{text}\n", "utf-8")


@contextmanager
def ledger_of(directory):
    ledger = Ledger(directory.state / "ledger.sqlite")
    try:
        yield ledger
    finally:
        ledger.close()


def later(directory, hours=7):
    """As if so much time had passed, for the feed."""
    now = datetime.now(UTC)
    with ledger_of(directory) as ledger, ledger.database.begin() as connection:
        connection.execute(update(PAGES).values(next=now - timedelta(seconds=1)))
        gone = update(FILES).where(FILES.c.missing.is_not(None))
        connection.execute(gone.values(missing=now - timedelta(hours=hours)))


def told(node, name):  # noqa: F811
    return [
        (item.result, item.published.yanked) for _, item in observations(node[0].site, node[1]).get(name, [])
    ]


def test_what_happens_at_the_index_is_observed(rebuilder, index, node):  # noqa: F811
    directory, _ = node
    index.files["demo"] = renamed("demo")
    watches(directory, 'projects = ["demo", "none"]')
    said = rebuilder("run", directory.root, "--once")
    assert "demo: 1 files of before are queued" in said
    assert "none: the index has no such project" in said
    assert told(node, WHEEL) == [("match", False)]

    # Nothing has changed: one conditional request, and no work.
    later(directory)
    index.answered.clear()
    rebuilder("run", directory.root, "--once")
    assert sorted(index.answered) == [("/simple/demo/", 304), ("/simple/none/", 404)]

    index.yanked.add(WHEEL)
    late = "demo-1.0-2-py3-none-any.whl"
    index.files["demo"][late] = index.files["demo"][WHEEL] + b"\0"
    index.times[late] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    later(directory)
    said = rebuilder("run", directory.root, "--once")
    assert f"{WHEEL}: yanked" in said
    assert f"{late}: late" in said
    assert told(node, WHEEL) == [("match", False), ("match", True)]
    assert len(told(node, late)) == 1

    kept = index.files["demo"].pop(WHEEL)
    later(directory)
    rebuilder("run", directory.root, "--once")
    assert len(told(node, WHEEL)) == 2  # a page without it may be an old one
    later(directory)
    said = rebuilder("run", directory.root, "--once")
    assert f"{WHEEL}: locate: withdrawn" in said
    (before, _), (_, last) = observations(node[0].site, node[1])[WHEEL][-2:]
    assert (last.result, last.failure.cause, last.previous) == ("not-attempted", "withdrawn", before)

    index.files["demo"][WHEEL] = kept
    index.yanked.clear()
    later(directory)
    rebuilder("run", directory.root, "--once")
    assert told(node, WHEEL)[-1] == ("match", False)

    index.files["demo"][WHEEL] = kept + b"\0"
    later(directory)
    said = rebuilder("run", directory.root, "--once")
    assert f"ALARM: {WHEEL}: the index lists another file under the same name" in said
    assert f"{WHEEL}: changed" in said


def pid_of(part):
    """The process of a part of this test's node."""
    found = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal()
        and f"rebuilders.node.parts.{part[0]}\0{part[1]}\0".encode() in _command(entry)
    ]
    return found[0] if found else 0


def _command(entry):
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


def test_a_node_that_runs_by_itself_and_whose_feed_is_killed(environment, index, node):  # noqa: F811
    directory, _ = node
    index.files["demo"] = renamed("demo")
    watches(directory, 'projects = ["demo"]\nminutes = 1')
    argv = [*REBUILDER, "run", str(directory.root), "--log", "text"]
    unbuffered = {**environment, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        argv, env=unbuffered, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            wait_until(lambda: published(directory) == 1)
            first = pid_of(("feed", str(directory.root)))
            os.kill(first, signal.SIGKILL)
            wait_until(lambda: pid_of(("feed", str(directory.root))) not in (0, first))
            index.yanked.add(WHEEL)
            index.files["more"] = renamed("more")
            with ledger_of(directory) as ledger:
                Pages(ledger.database).hasten(["demo"], datetime.now(UTC))
            wait_until(lambda: published(directory) == 2)
        finally:
            process.terminate()
            said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert re.search(r"^feed: ended with status -9; started again in", said, re.MULTILINE)
    assert told(node, WHEEL) == [("match", False), ("match", True)]
    assert not any(path.startswith("/simple/more") for path, _ in index.answered)


def published(directory):
    """How many observations are in the site, which may be in the middle of being written."""
    found = (directory.site / "observations").rglob("*.jsonl")
    return sum(path.read_bytes().count(b"\n") for path in found)


def test_a_feed_that_is_killed_again_and_again_queues_everything_once(environment, index, node):  # noqa: F811
    directory, _ = node
    names = [f"p{number}" for number in range(60)]
    for name in names:
        index.files[name] = {f"{name}-1.0-py3-none-any.whl": name.encode()}
    watches(directory, f"projects = {names}\nrequests-per-second = 20.0")
    argv = [sys.executable, "-P", "-m", "rebuilders.node.parts.feed", str(directory.root)]
    chance, queued = random.Random(20261124), 0
    for _ in range(40):
        with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL) as process:
            time.sleep(chance.uniform(0.7, 2.0))
            process.kill()
        with ledger_of(directory) as ledger:
            pages = Pages(ledger.database)
            rows = [row.target for row in ledger.rows("queued", limit=1000)]
            for name in names:  # a tag is there only with what was queued because of it
                page, files = pages.get(name)
                assert page is None or bool(page.etag) == bool(files) == (
                    f"{name}-1.0-py3-none-any.whl" in rows
                )
        assert len(rows) == len(set(rows)) >= queued
        queued = len(rows)
        if queued == len(names):
            break
    assert queued == len(names)
    full = [path for path, status in index.answered if status == 200]
    assert len(full) <= len(names) + 40  # at most the one that was under way is asked for again


def test_the_queue_for_people(rebuilder, node, tmp_path):  # noqa: F811
    directory, _ = node
    listed = tmp_path / "targets.txt"
    listed.write_text("# for a while\nsix==1.17.0\nidna==3.20\n", "utf-8")
    assert rebuilder("add", directory.root, "--file", listed, "six==1.17.0") == "2 queued, 0 were already\n"
    with ledger_of(directory) as ledger:
        ledger.release(ledger.take().claim, "no such luck\x1b[2J", wait=None)
    shown = rebuilder("queue", directory.root)
    assert re.search(r"^stuck +six==1\.17\.0 \(added\) - no such luck", shown, re.MULTILINE)
    assert re.search(r"^queued +idna==3\.20 \(added\) due 20", shown, re.MULTILINE)
    assert shown.endswith("1 stuck, 0 running, 1 queued, 0 done\n")
    assert "\x1b" not in shown
    told = json.loads(rebuilder("queue", directory.root, "--json", "--only", "stuck"))
    assert (told["schema"], told["counts"]) == ("queue/1", {"stuck": 1, "running": 0, "queued": 1, "done": 0})
    assert [(row["target"], row["state"], row["failures"]) for row in told["targets"]] == [
        ("six==1.17.0", "stuck", 1)
    ]
    assert (
        rebuilder("drop", directory.root, "six==1.17.0", "idna==3.20", "none==1")
        == "2 dropped, 1 did not wait\n"
    )
    assert rebuilder("queue", directory.root) == "0 stuck, 0 running, 0 queued, 0 done\n"
    rebuilder("add", directory.root, expect=2)
    rebuilder("drop", directory.root, "what is this", expect=2)
