"""What a verdict makes of each conduct of the simulator, so that none of them is harmless by mistake."""

from datetime import timedelta

import pytest

from tests.integration.trusted_nodes import NOW, stated
from tests.simulator import CONDUCTS, Member, ask
from witness.log.watch import LogWatch

AGREES, DISSENTS = "agrees", "dissents"
FORKED, BAD = "its log was forked", "does not verify: "
TREATED = {
    "honest": DISSENTS,
    "slow": DISSENTS,
    "says match": AGREES,
    "says mismatch": DISSENTS,
    "says archive of another payload": AGREES,
    "says match of another sdist": AGREES,
    "says match after many attempts": AGREES,
    "another history": AGREES,
    "another, longer history": AGREES,
    "contradicts itself": BAD + "demo-1.0-py3-none-any.whl: level bitwise and the same digest go together",
    "equivocates": FORKED,
    "stale head": AGREES,
    "changes its mind": AGREES,
    "copies": BAD,
    "copies the result": AGREES,
    "copies, and commits unseen": AGREES,
    "copies, and friends backdate": AGREES,
    "copies, and opens another's commitment": BAD + "commitment: to something else than this statement",
    "guesses": AGREES,
    "stolen key": BAD,
    "another name": "about the same bytes under another name",
    "another file": "answers with a bundle about another file",
    "repeats": AGREES,
    "old": "older than 400 days",
    "rubbish": BAD,
    "omits": "has nothing about it",
    "dead": "unreachable: no answer",
}


@pytest.mark.parametrize("conduct", CONDUCTS)
def test_what_each_conduct_comes_to(conduct):
    verdict = ask([Member(0, "mismatch", conduct), Member(1, "build-failed", "honest")])
    name, treated = "node-0-0", TREATED[conduct]
    agreeing, dissenting = (
        {voice.witness for voice in part} for part in (verdict.agreeing, verdict.dissenting)
    )
    assert (name in agreeing) == (treated == AGREES)
    assert (name in dissenting) == (treated in (DISSENTS, FORKED))
    if treated not in (AGREES, DISSENTS):
        reasons = [item.reason for item in (*verdict.rejected, *verdict.silent) if item.witness == name]
        assert any(treated in reason for reason in reasons), reasons


@pytest.mark.parametrize(
    ("conduct", "rules", "reason"),
    [
        ("another history", {"cosigners": 1}, "0 of 1 cosigners"),
        ("another, longer history", {"cosigners": 1}, "0 of 1 cosigners"),
        ("says match after many attempts", {"max_attempts": 3}, "equal after 50 attempts"),
    ],
)
def test_what_a_stricter_policy_makes_of_it(conduct, rules, reason):
    verdict = ask([Member(0, "mismatch", conduct), Member(1, "match", "honest")], **rules)
    assert [voice.witness for voice in verdict.agreeing] == ["node-1-0"]
    assert [item.witness for item in verdict.rejected if reason in item.reason] == ["node-0-0"]


@pytest.mark.parametrize("nodes", [1, 3])
def test_many_nodes_of_one_operator_are_one_voice(nodes):
    members = [Member(0, "match", "honest", nodes), Member(1, "match", "dead")]
    assert ask(members).outcome == "insufficient"


COPIES = tuple(
    conduct for conduct in CONDUCTS if conduct.startswith("copies the") or "copies, and" in conduct
)


@pytest.mark.parametrize("commits", [False, True])
@pytest.mark.parametrize("conduct", COPIES)
def test_who_copies_is_a_voice_and_not_an_independent_one(conduct, commits):
    members = [
        Member(0, "match", "honest", commits=True),
        Member(1, "match", "honest", commits=True),
        Member(2, "match", conduct, commits=commits),
    ]
    verdict = ask(members, cosigners=0, independent=2)
    assert set(verdict.independent) == {"node-0-0", "node-1-0"}
    assert verdict.outcome == "reproduced"
    assert ask(members, threshold=3, independent=3).outcome == "insufficient"


@pytest.mark.parametrize("conduct", COPIES)
def test_where_somebody_publishes_at_once_copying_pays(conduct):
    members = [Member(0, "match", "honest"), Member(1, "match", conduct, commits=True)]
    assert ask(members, independent=1).outcome == "insufficient"


def test_a_guess_is_as_independent_as_a_build():
    """What commitments cannot show: it takes a rebuild to find out that there was none."""
    members = [Member(0, "match", "honest", commits=True), Member(1, "mismatch", "guesses")]
    assert ask(members, independent=2).outcome == "reproduced"


def test_more_must_have_seen_a_commitment_than_backdate_for_each_other():
    members = [Member(number, "match", "honest", commits=True) for number in range(2)]
    members += [Member(number, "match", "copies, and friends backdate") for number in (2, 3)]
    assert len(ask(members, cosigners=1).independent) == 4
    assert ask(members, cosigners=2, independent=2).independent == ("node-0-0", "node-1-0")


def test_a_commitment_of_another_history_convicts_its_log(tmp_path):
    """What others cosigned has one entry, and is not how the log that the consumer is shown begins."""
    node = Member(0, "match", "honest", commits=True).witnesses[0]
    at, until = NOW - timedelta(days=3), NOW - timedelta(days=2)
    shown = node.bundle(stated(node))
    hidden = node.committed(stated(node), at=at, until=until)
    watch = LogWatch(tmp_path)
    watch.look(node.identity, [shown])
    assert watch.caught(node.name) == ()
    watch.look(node.identity, [hidden])
    assert len(watch.caught(node.name)) == 1
