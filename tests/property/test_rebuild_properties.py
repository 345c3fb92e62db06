"""What no attestation of OSS Rebuild may do to a verdict (witness.vote, witness.verdict)."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.trusted_nodes import NOW, SHA, WHEEL, policy
from tests.property.test_verdict_properties import ARTIFACT, NODES, observations, verified
from tests.rebuild_service import Service
from witness.digest import sha256_hex
from witness.evidence import Evidence
from witness.ossrebuild.rebuild import verify_rebuild
from witness.outcome import ACCEPTING
from witness.verdict import decide

SERVICES = (Service(), Service("another", "Operator 0", "another"))
LEVELS = ("bitwise", "stabilized")


@cache
def rebuilt(service: Service, level: str):
    other = None if level == "bitwise" else sha256_hex(b"what was built")
    return verify_rebuild(service.bundle(SHA, rebuilt=other), service.identity, WHEEL, SHA)


def judged(items, rebuilds, chosen):
    evidence = Evidence(
        tuple(verified(*item) for item in items), rebuilds=tuple(rebuilt(*item) for item in rebuilds)
    )
    return decide(ARTIFACT, evidence, chosen, NOW)


rebuilds = st.lists(st.tuples(st.sampled_from(SERVICES), st.sampled_from(LEVELS)), max_size=3)
rules = st.builds(
    lambda threshold, veto, accept, levels: policy(
        *NODES,
        threshold=threshold,
        veto=veto,
        accept=frozenset(accept),
        services=tuple(service.trusted(*levels) for service in SERVICES),
    ),
    st.integers(1, 5),
    st.integers(1, 3),
    st.sampled_from([("bitwise",), ("bitwise", "archive", "metadata", "content")]),
    st.sampled_from([("bitwise",), LEVELS]),
)


@given(observations, rebuilds, rules, st.randoms())
@settings(deadline=None)
def test_their_order_is_of_no_consequence(items, told, chosen, random):
    shuffled, retold = list(items), list(told)
    random.shuffle(shuffled)
    random.shuffle(retold)
    assert judged(items, told, chosen) == judged(shuffled, retold, chosen)


@given(observations, rebuilds, rules)
@settings(deadline=None)
def test_taking_one_away_never_makes_it_accepted(items, told, chosen):
    if judged(items, told, chosen).outcome in ACCEPTING:
        return
    for number in range(len(told)):
        kept = [item for item in told if item[0] != told[number][0]]
        assert judged(items, kept, chosen).outcome not in ACCEPTING


@given(observations, rebuilds, rules)
@settings(deadline=None)
def test_none_takes_a_dissent_back(items, told, chosen):
    before, after = judged(items, [], chosen), judged(items, told, chosen)
    assert {voice.witness for voice in after.dissenting} == {voice.witness for voice in before.dissenting}
    if before.outcome in ("divergent", "disputed"):
        assert after.outcome in ("divergent", "disputed")


@given(observations, rebuilds, rules)
@settings(deadline=None)
def test_each_lends_the_vote_of_one_operator_at_most(items, told, chosen):
    verdict = judged(items, told, chosen)
    if verdict.outcome in ACCEPTING:
        operators = {voice.operator for voice in verdict.agreeing}
        assert len(operators) >= chosen.threshold
        assert len([voice for voice in verdict.agreeing if voice.log_index is None]) <= len(SERVICES)


@given(observations, rules)
@settings(deadline=None)
def test_stabilized_alone_never_reaches_a_level(items, chosen):
    told = [(service, "stabilized") for service in SERVICES]
    with_them, without = judged(items, told, chosen), judged(items, [], chosen)
    assert with_them.level in (None, without.level)
    if with_them.outcome == "reproduced":
        assert without.outcome == "reproduced"
