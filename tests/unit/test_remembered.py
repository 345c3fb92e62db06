"""Verdicts of earlier runs: used while they are young, never longer than they hold, and never if anything is odd."""

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA, NOW, SHA, WHEEL, policy, stated
from tests.mangling import prefixes
from witness.client import Client
from witness.errors import FetchFailed, NotFound
from witness.evidence import Artifact, AsOf
from witness.expiry import kept_until, snapshot_until
from witness.policy import Exemption
from witness.remembered import Memory

FILE = Artifact(SHA, WHEEL, "demo", "1.0")
SEEN = NOW - timedelta(days=1)


class Source:
    """What a witness has, by digest; `asked` counts."""

    def __init__(self, node, *statements, down=False):
        self.node, self.down, self.asked = node, down, 0
        self.lines_of = [node.bundle(item, index=index) for index, item in enumerate(statements)]

    def lines(self, sha256):
        from witness import bundle

        self.asked += 1
        if self.down:
            raise FetchFailed("down")
        if not self.lines_of:
            raise NotFound("nothing")
        return tuple(bundle.encode(item) for item in self.lines_of)


def sources(**changes):
    made = {node.name: Source(node, stated(node)) for node in (ALPHA, BETA)}
    made["gamma"] = Source(GAMMA)
    return made | changes


def judge(root, asked, now=NOW, *, seconds=3600.0, digest="policy", of=None):
    memory = Memory(root, digest, seconds)
    client = Client(of or policy(ALPHA, BETA, GAMMA), asked, memory=memory)
    (verdict,) = client.judge([FILE], now)
    memory.save()
    return verdict, memory


def count(asked):
    return sum(source.asked for source in asked.values())


def test_a_verdict_in_favour_is_used_again_as_it_was(tmp_path):
    asked = sources()
    first, _ = judge(tmp_path, asked)
    second, memory = judge(tmp_path, asked, NOW + timedelta(minutes=59))
    assert first.outcome == "reproduced"
    assert (second, memory.trouble, count(asked)) == (first, "", 3)
    assert memory.path.stat().st_mode & 0o777 == 0o600


def test_being_used_does_not_make_it_younger(tmp_path):
    asked = sources()
    for minutes in (0, 30, 59, 60):
        judge(tmp_path, asked, NOW + timedelta(minutes=minutes))
    assert count(asked) == 6


def test_a_change_counts_as_soon_as_the_verdict_has_run_out(tmp_path):
    judge(tmp_path, sources())
    changed = sources(beta=Source(BETA, stated(BETA), stated(BETA, "mismatch")))
    assert judge(tmp_path, changed, NOW + timedelta(minutes=59))[0].outcome == "reproduced"
    assert judge(tmp_path, changed, NOW + timedelta(minutes=60))[0].outcome == "divergent"
    assert judge(tmp_path, changed, NOW + timedelta(minutes=61))[0].outcome == "divergent"


@pytest.mark.parametrize(
    "changes",
    [
        {"beta": Source(BETA)},
        {"beta": Source(BETA, stated(BETA, "mismatch"))},
        {"gamma": Source(GAMMA, down=True)},
        {"gamma": Source(BETA, stated(BETA))},
    ],
)
def test_nothing_else_is_remembered(tmp_path, changes):
    asked = sources(**changes)
    for minutes in (0, 1):
        judge(tmp_path, asked, NOW + timedelta(minutes=minutes))
    assert count(asked) >= 6


def test_age_alone_ends_it(tmp_path):
    young, ends = policy(ALPHA, BETA, GAMMA, max_age_days=2), SEEN + timedelta(days=2)
    asked = sources()
    assert kept_until(judge(tmp_path, asked, of=young)[0], young, NOW) == ends
    day = 86_400.0 * 3
    judge(tmp_path, asked, ends - timedelta(seconds=1), seconds=day, of=young)
    assert count(asked) == 3
    assert judge(tmp_path, asked, ends + timedelta(seconds=1), seconds=day, of=young)[0].outcome == "stale"


def test_a_snapshot_ends_as_soon_as_one_of_its_logs_was_seen_too_long_ago():
    asked = replace(policy(ALPHA, BETA, GAMMA), max_snapshot_days=10)
    seen = {1: ALPHA, 8: BETA, 12: GAMMA}
    as_of = [AsOf(node.name, node.operator, NOW - timedelta(days=ago)) for ago, node in seen.items()]
    assert snapshot_until(as_of, asked, NOW) == NOW + timedelta(days=2)
    assert snapshot_until(as_of[2:], asked, NOW) == datetime.max.replace(tzinfo=UTC)


def test_an_exemption_ends_with_its_day():
    exempt = policy(ALPHA, BETA, exemptions=(Exemption("demo", "ours", date(2026, 6, 2)),))
    (verdict,) = Client(exempt, {}).judge([FILE], NOW)
    assert kept_until(verdict, exempt, NOW) == datetime(2026, 6, 3, tzinfo=UTC)


@pytest.mark.parametrize("now", [NOW - timedelta(seconds=1), NOW + timedelta(hours=2)])
def test_a_clock_that_was_set_back_or_on_asks_again(tmp_path, now):
    asked = sources()
    judge(tmp_path, asked)
    judge(tmp_path, asked, now)
    assert count(asked) == 6


def test_another_policy_evidence_or_change_of_keys_has_nothing_of_it(tmp_path):
    asked = sources()
    judge(tmp_path, asked)
    judge(tmp_path, asked, digest="another")
    assert count(asked) == 6
    (tmp_path / "evidence" / "log").mkdir(parents=True)
    (tmp_path / "evidence" / "log" / "x.json").write_text("{}")
    judge(tmp_path, asked)
    assert count(asked) == 9
    (tmp_path / "keys").mkdir(exist_ok=True)
    (tmp_path / "keys" / "log.jsonl").write_text("{}\n")
    judge(tmp_path, asked)
    assert count(asked) == 12


def test_another_file_name_or_project_is_another_question(tmp_path):
    judge(tmp_path, sources())
    memory = Memory(tmp_path, "policy", 3600)
    assert memory.recall(FILE, NOW) is not None
    for other in (
        replace(FILE, filename="x.whl"),
        replace(FILE, project="other"),
        replace(FILE, sha256="a" * 64),
    ):
        assert memory.recall(other, NOW) is None


def test_what_is_damaged_is_ignored_and_said(tmp_path):
    _, memory = judge(tmp_path, sources())
    whole = memory.path.read_bytes()
    damaged = [*list(prefixes(whole))[::97], b"[]", b"\xff", whole.replace(b"verdicts/1", b"verdicts/2")]
    for data in damaged:
        memory.path.write_bytes(data)
        again = Memory(tmp_path, "policy", 3600)
        assert again.recall(FILE, NOW) is None
        assert "ignored, and written anew" in again.trouble
        assert again.trouble.isprintable()
    asked = sources()
    judge(tmp_path, asked)
    judge(tmp_path, asked)
    assert count(asked) == 3


def test_what_others_could_have_written_is_ignored(tmp_path):
    _, memory = judge(tmp_path, sources())
    memory.path.chmod(0o666)
    assert "others may have written it" in Memory(tmp_path, "policy", 3600).trouble


def test_a_key_that_is_not_known_is_refused_or_means_nothing(tmp_path):
    _, memory = judge(tmp_path, sources())
    value = json.loads(memory.path.read_bytes())
    value["verdicts"][0]["verdict"]["outcome"] = "fine"
    memory.path.write_text(json.dumps(value))
    assert Memory(tmp_path, "policy", 3600).trouble


def test_what_nobody_can_use_any_more_is_removed(tmp_path):
    _, memory = judge(tmp_path, sources())
    os.utime(memory.path, (1e9, 1e9))
    _, other = judge(tmp_path, sources(), digest="another")
    assert sorted(tmp_path.glob("verdicts/*")) == [other.path]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_cannot_be_written_to_costs_time_alone(tmp_path):
    tmp_path.chmod(0o500)
    verdict, memory = judge(tmp_path, sources())
    assert (verdict.outcome, "cannot be written" in memory.trouble) == ("reproduced", True)
