"""Table tests of the rules in witness.verdict, over observations that were really signed and verified."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA, NOW, SHA, WHEEL, Node, policy, stated, wheel
from witness.digest import sha256_hex
from witness.evidence import Artifact, Evidence, Rejection, Silence
from witness.policy import Exemption
from witness.report.details import render
from witness.spread import spread
from witness.tlog import quorum
from witness.verdict import Verdict, decide
from witness.wheel.reader import read_wheel

ARTIFACT = Artifact(SHA, WHEEL, "demo", "1.0")
OLD = NOW - timedelta(days=500)


def nothing(node: Node) -> Silence:
    return Silence(node.name, node.operator, "has nothing about it", reachable=True)


def down(node: Node) -> Silence:
    return Silence(node.name, node.operator, "unreachable: no answer", reachable=False)


def judged(*observations, rules=None, silent=(), rejected=(), artifact=ARTIFACT) -> Verdict:
    evidence = Evidence(tuple(observations), tuple(silent), tuple(rejected))
    return decide(artifact, evidence, rules or policy(ALPHA, BETA, GAMMA), NOW)


def a(*args, index=0, cosigned_by=(), **kwargs):
    return ALPHA.verified(stated(ALPHA, *args, **kwargs), index=index, cosigned_by=cosigned_by)


def b(*args, index=0, cosigned_by=(), **kwargs):
    return BETA.verified(stated(BETA, *args, **kwargs), index=index, cosigned_by=cosigned_by)


def c(*args, index=0, cosigned_by=(), **kwargs):
    return GAMMA.verified(stated(GAMMA, *args, **kwargs), index=index, cosigned_by=cosigned_by)


@pytest.mark.parametrize(
    ("observations", "silent", "outcome", "level"),
    [
        ([a(), b()], [], "reproduced", "bitwise"),
        ([a(), b()], [down(GAMMA)], "reproduced", "bitwise"),
        ([a(), b("match", "archive")], [], "reproduced", "archive"),
        ([a(), b("match", "archive", exact=False)], [], "equivalent", "archive"),
        ([a()], [nothing(BETA), nothing(GAMMA)], "insufficient", None),
        ([a()], [down(BETA)], "insufficient", None),
        ([a(), b("mismatch")], [], "divergent", None),
        ([b("mismatch")], [], "divergent", None),
        ([a(), b(), c("mismatch")], [], "disputed", None),
        ([a("build-failed"), b("not-attempted")], [], "unbuildable", None),
        ([a("build-failed"), b()], [], "insufficient", None),
        ([], [nothing(ALPHA), nothing(BETA), nothing(GAMMA)], "unattempted", None),
        ([], [nothing(ALPHA), nothing(BETA), down(GAMMA)], "insufficient", None),
        ([], [down(ALPHA), down(BETA), down(GAMMA)], "error", None),
        ([a(), b(finished=OLD)], [], "stale", None),
        ([a(finished=OLD)], [nothing(BETA)], "insufficient", None),
        ([a(), b("mismatch", finished=OLD)], [], "divergent", None),
        ([a(), b(sdist=sha256_hex(b"another sdist"))], [], "insufficient", None),
        ([a("match", "archive"), b("match", "archive", payload="other")], [], "insufficient", None),
        ([a("match", "metadata"), b()], [], "insufficient", None),
        ([a(method="static", level="metadata"), b()], [], "insufficient", None),
        ([a("mismatch", method="static"), b(), c()], [], "reproduced", "bitwise"),
    ],
)
def test_outcomes(observations, silent, outcome, level):
    verdict = judged(*observations, silent=silent)
    assert (verdict.outcome, verdict.level) == (outcome, level)


def test_weaker_levels_and_static_checks_count_if_named():
    rules = policy(ALPHA, BETA, accept=frozenset({"bitwise", "metadata", "static", "archive"}))
    assert judged(a("match", "metadata"), b(), rules=rules).outcome == "equivalent"
    assert judged(a("match", "metadata"), b(), rules=rules).level == "metadata"
    assert judged(a(method="static", level="metadata"), b(), rules=rules).outcome == "equivalent"
    assert judged(a("mismatch", method="static"), b(), rules=rules).outcome == "divergent"
    assert judged(a("not-attempted", method="static"), b(), rules=rules).outcome == "insufficient"


STATIC = {"method": "static", "level": "metadata"}


@pytest.mark.parametrize(
    ("accept", "outcome", "reason"),
    [
        ({"bitwise", "metadata"}, "insufficient", "a static check, which the policy does not accept"),
        ({"bitwise", "static"}, "insufficient", "equal at level metadata, which the policy does not accept"),
        ({"metadata", "static"}, "equivalent", ""),
    ],
)
def test_a_static_match_needs_its_method_and_its_level_named(accept, outcome, reason):
    verdict = judged(a(**STATIC), b(**STATIC), rules=policy(ALPHA, BETA, accept=frozenset(accept)))
    assert verdict.outcome == outcome
    assert {item.reason for item in verdict.rejected} == ({reason} if reason else set())


def test_static_checks_of_everyone_never_make_it_reproduced():
    rules = policy(ALPHA, BETA, accept=frozenset({"bitwise", "archive", "metadata", "static"}))
    verdict = judged(a(**STATIC), b(**STATIC), rules=rules)
    assert (verdict.outcome, verdict.level) == ("equivalent", "metadata")


@pytest.mark.parametrize("level", ["metadata", "content"])
def test_a_level_by_rules_counts_only_where_it_is_named_itself(level):
    other = {"metadata": "content", "content": "metadata"}[level]
    for accept, outcome in (
        ({level}, "equivalent"),
        ({other, "bitwise", "archive", "static"}, "insufficient"),
    ):
        rules = policy(ALPHA, BETA, accept=frozenset(accept))
        verdict = judged(a("match", level), b("match", level), rules=rules)
        assert (verdict.outcome, verdict.level) == (outcome, level if outcome == "equivalent" else None)
    both = policy(ALPHA, BETA, accept=frozenset({level, "bitwise"}))
    assert (judged(a("match", level), b(), rules=both).level, judged(a(), b(), rules=both).level) == (
        level,
        "bitwise",
    )


def test_the_newest_observation_of_a_witness_counts():
    assert judged(a("mismatch", index=3), a(index=4), b()).outcome == "reproduced"
    assert judged(a(index=3), a("mismatch", index=4), b()).outcome == "divergent"


@pytest.mark.parametrize("later", ["build-failed", "not-attempted"])
def test_what_compares_nothing_takes_nothing_back(later):
    """The publisher deletes the file or its sdist, or its build requires what is gone: what was seen stays said."""
    assert judged(a("mismatch", index=3), a(later, index=4), b()).outcome == "divergent"
    assert judged(a(index=3), a(later, index=4), b()).outcome == "reproduced"
    assert judged(a("mismatch", index=3), a(later, index=4), a(index=5), b()).outcome == "reproduced"
    assert judged(a(index=3, finished=OLD), a(later, index=4), b()).outcome == "stale"
    told = judged(a(later, index=3), a("not-attempted", index=4), b())
    assert [voice.log_index for voice in told.unable] == [4]


def test_two_mismatches_in_one_place_give_one_alarm_whatever_their_order():
    """They differ in the sdist alone; another operator rebuilt the same other payload from one of them."""
    forks = [a("mismatch"), a("mismatch", sdist=sha256_hex(b"another sdist"))]
    one, other = (judged(*order, b("mismatch")) for order in (forks, forks[::-1]))
    assert (one.alarm, one.reason) == (other.alarm, other.reason)


def test_a_forked_log_is_evidence_and_its_witness_is_not_heard():
    verdict = judged(a(index=2), a("build-failed", index=2), b())
    assert verdict.outcome == "insufficient"
    assert verdict.bad_signature
    assert "two different entries at index 2" in verdict.rejected[0].reason


def test_an_operator_has_one_vote_and_its_worst_is_it():
    twin = Node("twin", "Operator A")
    rules = policy(ALPHA, twin, BETA)
    assert judged(a(), twin.verified(stated(twin)), rules=rules).outcome == "insufficient"
    verdict = judged(
        a(), twin.verified(stated(twin, "mismatch")), b(), rules=policy(ALPHA, twin, BETA, veto=2)
    )
    assert verdict.outcome == "insufficient"
    assert [voice.witness for voice in verdict.agreeing] == ["beta"]
    assert [voice.witness for voice in verdict.dissenting] == ["twin"]
    assert "another witness of its operator dissents" in verdict.rejected[0].reason


def test_veto_counts_distinct_operators():
    rules = policy(ALPHA, BETA, GAMMA, veto=2)
    assert judged(a(), b(), c("mismatch"), rules=rules).outcome == "reproduced"
    assert judged(a(), b("mismatch"), c("mismatch"), rules=rules).outcome == "divergent"


def test_cosigners_are_needed_for_agreement_and_not_for_doubt():
    rules = policy(ALPHA, BETA, GAMMA, cosigners=1)
    bare, signed = a(), a(cosigned_by=[GAMMA])
    assert judged(signed, b(cosigned_by=[GAMMA]), rules=rules).outcome == "reproduced"
    verdict = judged(bare, b(cosigned_by=[GAMMA]), rules=rules)
    assert verdict.outcome == "insufficient"
    assert verdict.rejected == (Rejection("alpha", "Operator A", "0 of 1 cosigners"),)
    assert judged(a(cosigned_by=[ALPHA]), b(cosigned_by=[GAMMA]), rules=rules).outcome == "insufficient"
    assert judged(a("mismatch"), b(cosigned_by=[GAMMA]), rules=rules).outcome == "divergent"


def test_a_quorum_of_cosigners_decides_where_the_policy_has_one():
    """Two of three, of whom the node's own never counts for itself."""
    nodes = (ALPHA, BETA, GAMMA)
    names = " ".join(node.name for node in nodes)
    text = "".join(f"witness {node.name} {node.identity.cosigner_key.text}\n" for node in nodes)
    found = quorum.parse(f"{text}group q 2 {names}\nquorum q\n".encode())
    rules = policy(*nodes, quorum=found)
    both = [a(cosigned_by=[BETA, GAMMA]), b(cosigned_by=[ALPHA, GAMMA])]
    assert judged(*both, rules=rules).outcome == "reproduced"
    verdict = judged(both[0], b(cosigned_by=[BETA, GAMMA]), rules=rules)
    assert verdict.outcome == "insufficient"
    assert [item.reason for item in verdict.rejected] == ["1 cosigners, and not the quorum 'q'"]
    assert judged(both[0], b("mismatch"), rules=rules).outcome == "divergent"


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        (a(finished=NOW + timedelta(days=2)), "dated in the future"),
        (a("mismatch", finished=NOW + timedelta(days=2)), "dated in the future"),
        (a("match", "content"), "level content, which the policy does not accept"),
        (a(filename="evil-1.0-py3-none-any.whl"), "another name: evil-1.0-py3-none-any.whl"),
        (a(sha256=sha256_hex(b"x")), "about another file"),
        (a(finished=OLD), "older than 400 days"),
    ],
)
def test_reasons_of_rejection(observation, reason):
    verdict = judged(observation)
    assert verdict.outcome == "insufficient"
    assert reason in verdict.rejected[0].reason
    assert not verdict.bad_signature


def test_a_witness_outside_the_policy_is_not_heard():
    verdict = judged(a(), b(), rules=policy(ALPHA, GAMMA))
    assert verdict.outcome == "insufficient"
    assert verdict.rejected[0].reason == "not a witness of this policy"


@pytest.mark.parametrize(
    ("project", "version", "outcome"),
    [
        ("demo", "1.0", "reproduced"),
        ("demo", "1.0.0", "reproduced"),
        ("demo", "2.0", "insufficient"),
        ("other", "1.0", "insufficient"),
    ],
)
def test_a_hash_of_another_project_is_not_taken_for_the_one_that_was_pinned(project, version, outcome):
    assert judged(a(), b(), artifact=Artifact(SHA, None, project, version)).outcome == outcome


def test_exemptions_end():
    rules = policy(ALPHA, BETA, exemptions=(Exemption("demo", "ours", date(2026, 6, 1)),))
    assert judged(rules=rules).outcome == "exempt"
    ended = policy(ALPHA, BETA, exemptions=(Exemption("demo", "ours", date(2026, 5, 31)),))
    verdict = judged(a("mismatch"), rules=ended)
    assert verdict.outcome == "divergent"
    assert "exemption ended on 2026-05-31" in verdict.reason


def test_a_mismatch_names_what_differs_in_one_printable_line():
    verdict = judged(a("mismatch", paths=("a\n", "b", "c", "d", "e")), b())
    assert verdict.dissenting[0].reason == ("differs: a\\x0a (changed), b (changed), c (changed) and 2 more")


def test_digests_that_are_not_those_of_the_file_at_hand_do_not_count():
    held = read_wheel(wheel())
    at_hand = replace(ARTIFACT, digests=(held.payload_digest, held.dist_info_digest))
    assert judged(a(), b(), artifact=at_hand).outcome == "reproduced"
    verdict = judged(a(), b(payload="x"), c("mismatch", payload="x"), artifact=at_hand)
    assert verdict.outcome == "divergent"  # doubt is heard all the same
    (rejected,) = verdict.rejected
    assert (rejected.witness, rejected.bad) == ("beta", False)
    assert "not those of what the file holds" in rejected.reason
    assert judged(a(), b(), artifact=replace(at_hand, digests=("0" * 64, "0" * 64))).outcome == "insufficient"


def test_a_match_that_took_more_attempts_than_the_policy_accepts_does_not_count():
    rules = policy(ALPHA, BETA, max_attempts=3)
    assert judged(a(attempts=3), b(), rules=rules).outcome == "reproduced"
    verdict = judged(a(attempts=4), b(), rules=rules)
    assert verdict.outcome == "insufficient"
    assert verdict.rejected[0].reason == "equal after 4 attempts, and the policy accepts 3"
    assert judged(a("mismatch", attempts=4), b(), rules=rules).outcome == "divergent"


def in_countries(rules, *countries):
    """`rules` with a country for each witness, if any, and two of them asked for."""
    witnesses = tuple(
        replace(witness, traits=(("country", country),) if country else ())
        for witness, country in zip(rules.witnesses, countries, strict=True)
    )
    return replace(rules, witnesses=witnesses, diversity=(("country", 2),))


@pytest.mark.parametrize(
    ("countries", "outcome"),
    [
        (("NL", "NL", "JP"), "insufficient"),
        (("NL", "JP", "JP"), "reproduced"),
        (("NL", None, "JP"), "insufficient"),
        ((None, None, None), "insufficient"),
    ],
)
def test_agreement_from_one_place_is_not_enough_where_the_policy_asks_for_two(countries, outcome):
    verdict = judged(a(), b(), rules=in_countries(policy(ALPHA, BETA, GAMMA), *countries))
    assert verdict.outcome == outcome
    assert ("of 2 different values of country" in verdict.reason) == (outcome == "insufficient")


def test_diversity_does_not_soften_a_dissent():
    rules = in_countries(policy(ALPHA, BETA, GAMMA), "NL", "NL", "NL")
    assert judged(a("mismatch"), b(), rules=rules).outcome == "divergent"


@pytest.mark.parametrize(
    ("witnesses", "count"),
    [
        ([("A", "NL"), ("A", "JP")], 1),
        ([("A", "NL"), ("A", "JP"), ("B", "NL")], 2),
        ([("A", "NL"), ("B", "NL"), ("C", "NL")], 1),
        ([("A", "NL"), ("A", "JP"), ("B", "NL"), ("B", "JP"), ("C", "NL")], 2),
        ([("A", "1"), ("A", "2"), ("B", "1"), ("C", "2"), ("C", "3")], 3),
        ([], 0),
    ],
)
def test_an_operator_in_two_places_stands_in_one_of_them(witnesses, count):
    traits = [(who, (("country", where),)) for who, where in witnesses]
    assert (spread(traits, "country"), spread(traits, "hosting")) == (count, 0)


def test_a_group_that_meets_the_policy_is_preferred_to_a_larger_one_that_does_not():
    nodes = [Node(f"n{number}", f"Operator {number}") for number in range(5)]
    rules = in_countries(policy(*nodes), "NL", "NL", "NL", "JP", "US")
    observed = [
        node.verified(stated(node, sdist=sha256_hex(b"one" if number < 3 else b"another")))
        for number, node in enumerate(nodes)
    ]
    verdict = judged(*observed, rules=rules)
    assert (verdict.outcome, [voice.witness for voice in verdict.agreeing]) == ("reproduced", ["n3", "n4"])


def test_operators_that_rebuilt_one_other_payload_raise_the_alarm():
    verdict = judged(a("mismatch"), b("mismatch"), c())
    assert verdict.outcome == "divergent"
    assert verdict.alarm.operators == ("Operator A", "Operator B")
    assert verdict.alarm.payload_digest == sha256_hex(b"other payload")
    assert "Operator A, Operator B rebuilt one and the same other payload" in verdict.reason


@pytest.mark.parametrize(
    "observations",
    [
        [a("mismatch"), b("mismatch", other="yet another")],
        [a("mismatch"), b("mismatch", sdist=sha256_hex(b"another sdist"))],
        [a("mismatch"), b()],
        [a("mismatch", payload="x", other="x"), b("mismatch", payload="x", other="x")],
        [a("mismatch", method="static"), b("mismatch", method="static")],
    ],
)
def test_what_is_no_alarm(observations):
    rules = policy(ALPHA, BETA, accept=frozenset({"bitwise", "metadata", "static"}))
    verdict = judged(*observations, rules=rules)
    assert (verdict.outcome, verdict.alarm) == ("divergent", None)


def test_one_operator_with_two_nodes_raises_no_alarm():
    twin = Node("twin", "Operator A")
    rules = policy(ALPHA, twin, BETA)
    assert judged(a("mismatch"), twin.verified(stated(twin, "mismatch")), rules=rules).alarm is None


def test_witnesses_that_built_alike_are_named():
    assert judged(a(), b()).correlated == (("alpha", "beta"),)
    assert judged(a(), b(recipe="another")).correlated == ()
    text = render(judged(a(), b()), Evidence())
    assert "note: built alike, by one recipe in equal environments: alpha, beta" in text


def test_of_two_entries_of_a_forked_log_that_are_alike_the_order_does_not_decide():
    """Both differ, in what was built: which of them is heard must not depend on who came first."""
    one, other = a("mismatch", sdist="1" * 64), a("mismatch", sdist="2" * 64)
    assert judged(one, other, b("mismatch", sdist="2" * 64)) == judged(
        other, one, b("mismatch", sdist="2" * 64)
    )
