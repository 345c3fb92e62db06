"""What a verdict makes of each conduct of the simulator, so that none of them is harmless by mistake."""

import pytest

from tests.simulator import CONDUCTS, Member, ask

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
