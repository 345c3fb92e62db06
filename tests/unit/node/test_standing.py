"""`rebuilder status` and `doctor` of a node: what is there, what is in its way, and nothing that a terminal acts on."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from rebuilders.cli.main import app
from rebuilders.node import health
from rebuilders.node.caps import LimitsConfig
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.control import DRAINING, PAUSED
from rebuilders.node.ledger import Want
from rebuilders.node.parts.lasting import Beat
from rebuilders.node.setup import make
from rebuilders.node.signer import publish
from rebuilders.node.standing import read_standing
from rebuilders.node.standing_told import as_json, as_text
from tests.schemas import validate
from witness.errors import Incomplete, InputError
from witness.names import TargetName
from witness.observation import format_time

CONFIG = NodeConfig(
    version=1, name="node-a.example", operator="Operator A", limits=LimitsConfig(**{"free-mb": 0})
)


@pytest.fixture
def node(tmp_path):
    directory = NodeDirectory(tmp_path / "node")
    make(directory, CONFIG)
    return directory


def standing(node, now=None):
    return read_standing(node, CONFIG, now or datetime.now(UTC))


def beat(node, at, **changes):
    place = node.state / "parts"
    place.mkdir(exist_ok=True)
    told = Beat("scheduler", pid=1, started=format_time(at), beat=format_time(at), **changes)
    (place / "scheduler.json").write_text(json.dumps(asdict(told)))


def say(node, *words):
    ledger = node.ledger(CONFIG)
    for word in words:
        ledger.say(word, "yes")
    ledger.close()


def test_a_new_node(node):
    told = as_json(standing(node))
    validate(told)
    assert (told["queued"], told["log"], told["parts"], told["held"]) == (0, None, [], "")
    assert "no log yet" in as_text(standing(node))


def test_a_node_at_work(node):
    ledger = node.ledger(CONFIG)
    ledger.add([Want(TargetName.parse(name)) for name in ("six==1.17.0", "idna==3.20", "demo==1.0")])
    taken = [ledger.take(), ledger.take()]
    ledger.release(taken[0].claim, "hostile \x1b[2J detail", wait=None)
    ledger.close()
    beat(node, datetime.now(UTC), doing="1 running")
    publish(node)
    told = as_json(standing(node))
    validate(told)
    assert [told[state] for state in ("queued", "running", "done", "stuck")] == [1, 1, 0, 1]
    assert told["runningTargets"][0]["target"] == str(taken[1].target)
    assert told["parts"][0]["alive"]
    text = as_text(standing(node))
    assert "\x1b" not in text
    assert "hostile \\x1b[2J detail" in text


@pytest.mark.parametrize(
    ("words", "held"), [((PAUSED,), "paused"), ((DRAINING,), "draining"), ((PAUSED, DRAINING), "draining")]
)
def test_why_nothing_is_handed_out(node, words, held):
    say(node, *words)
    assert standing(node).held == held
    assert f"nothing is handed out: {held}" in as_text(standing(node))


def test_a_part_that_is_silent(node):
    beat(node, datetime.now(UTC) - timedelta(minutes=10), doing="1 running")
    assert "SILENT" in as_text(standing(node))
    with pytest.raises(Incomplete, match="no sign of life from scheduler"):
        health.parts(node, CONFIG)


def test_a_part_that_ended_is_not_missed(node):
    beat(node, datetime.now(UTC) - timedelta(days=1), doing="ended")
    assert "SILENT" not in as_text(standing(node))
    assert health.parts(node, CONFIG) == "none runs"


def test_a_part_that_fails(node):
    beat(node, datetime.now(UTC), doing="1 running", error="the index\x1b is down")
    with pytest.raises(Incomplete, match="the index"):
        health.parts(node, CONFIG)


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"node-a.example/log\nmany\n", b"a\n1\nb\n\n\xe2\x80\x94 x AAAA\n"]
)
def test_a_checkpoint_that_cannot_be_read(node, data):
    (node.site / "checkpoint").write_bytes(data)
    validate(as_json(standing(node)))


def test_observations_that_wait_too_long(node, monkeypatch):
    (node.outbox / f"{'0' * 64}.json").write_bytes(b"{}")
    assert health.outbox(node, CONFIG) == "1 wait"
    monkeypatch.setattr(health, "_WAITING", timedelta(0))
    with pytest.raises(Incomplete, match="1 observations wait"):
        health.outbox(node, CONFIG)


def test_what_was_refused(node):
    (node.outbox / "refused").mkdir()
    (node.outbox / "refused" / "one.json").write_bytes(b"{}")
    says, hint = health.outbox(node, CONFIG)
    assert (says, str(node.outbox) in hint) == ("1 were refused", True)


class TestPublished:
    def test_the_keys_match(self, node):
        assert "node-a.example" in health.published(node, CONFIG)

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"logKey": "node-b.example/log+1+A"}, "another log key"),
            ({"name": "node-b.example"}, "is of node-b"),
        ],
    )
    def test_they_do_not(self, node, change, problem):
        path = node.site / "node.json"
        path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}))
        with pytest.raises(InputError, match=problem):
            health.published(node, CONFIG)

    def test_nothing_there(self, node):
        (node.site / "node.json").write_bytes(b"[]")
        with pytest.raises(InputError, match="cannot be read"):
            health.published(node, CONFIG)


NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"date": "Tue, 24 Nov 2026 12:01:00 GMT"}, "within 120 s"),
        ({}, "not compared"),
        ({"date": "yesterday"}, "not compared"),
    ],
)
def test_clocks_that_agree(headers, told):
    assert told in health.compare_clocks(NOW, headers)


@pytest.mark.parametrize(("date", "how"), [("11:00:00", "ahead of"), ("13:00:00", "behind")])
def test_clocks_that_do_not(date, how):
    with pytest.raises(Incomplete, match=f"3600 s {how}"):
        health.compare_clocks(NOW, {"date": f"Tue, 24 Nov 2026 {date} GMT"})


def test_the_commands(node):
    told = CliRunner().invoke(app, ["status", str(node.root), "--json"])
    validate(json.loads(told.stdout))
    told = CliRunner().invoke(app, ["doctor", str(node.root), "--json", "--offline"])
    value = json.loads(told.stdout)
    validate(value)
    names = [item["name"] for item in value["checks"]]
    assert {"ledger", "parts", "outbox", "node.json", "log", "memory"} < set(names)
    assert not {"index", "clock", "peers"} & set(names)
    found = {item["name"]: item for item in value["checks"]}
    assert found["signing"]["ok"]
    assert found["memory"]["says"]


def test_init_says_what_comes_next(tmp_path):
    place = tmp_path / "new"
    told = CliRunner().invoke(app, ["init", str(place), "--name", "n.example", "--operator", "O"]).stdout
    for command in ("doctor", "add", "run"):
        assert f"rebuilder {command} {place}" in told
