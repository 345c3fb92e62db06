"""What no set of observations may do to a verdict (witness.verdict; peers.md section 7)."""

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.trusted_nodes import NOW, SHA, WHEEL, Node, policy, stated
from witness.errors import InputError
from witness.evidence import Artifact, Evidence, Silence
from witness.observation import LEVELS
from witness.outcome import ACCEPTING
from witness.tightening import tightened
from witness.verdict import decide

NODES = tuple(Node(f"node-{number}", f"Operator {number % 4}") for number in range(6))
KINDS = (
    ("match", "bitwise", "s1", True),
    ("match", "bitwise", "s2", True),
    ("match", "archive", "s1", True),
    ("match", "archive", "s1", False),
    ("match", "content", "s1", False),
    ("mismatch", None, "s1", False),
    ("build-failed", None, "s1", False),
    ("mismatch", None, "s2", False),
)
MISMATCH = 5
OTHER_MISMATCH = 7
ARTIFACT = Artifact(SHA, WHEEL)


@cache
def verified(node: Node, kind: int, index: int):
    result, level, sdist, exact = KINDS[kind]
    digest = {"s1": "1" * 64, "s2": "2" * 64}[sdist]
    return node.verified(stated(node, result, level, sdist=digest, exact=exact), index=index)


def of(nodes, indexes):
    """Plain tuples: a VerifiedObservation hides its seal, so Hypothesis cannot print one."""
    return st.tuples(st.sampled_from(nodes), st.sampled_from(range(len(KINDS))), indexes)


def judged(items, chosen, *more, silent=()):
    observed = tuple(verified(*item) for item in (*items, *more))
    return decide(ARTIFACT, Evidence(observed, silent), chosen, NOW)


observations = st.lists(of(NODES, st.integers(0, 2)), max_size=10)
one_each = st.lists(of(NODES, st.just(0)), max_size=6, unique_by=lambda item: item[0])
rules = st.builds(
    lambda threshold, veto, accept: policy(*NODES, threshold=threshold, veto=veto, accept=frozenset(accept)),
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from([("bitwise",), ("bitwise", "archive"), ("bitwise", "archive", "metadata", "content")]),
)


@given(observations, rules, st.randoms())
@settings(deadline=None)
def test_the_order_of_observations_is_of_no_consequence(items, chosen, random):
    shuffled = list(items)
    random.shuffle(shuffled)
    assert judged(items, chosen) == judged(shuffled, chosen)


@given(one_each, rules)
@settings(deadline=None)
def test_taking_agreement_away_never_makes_it_accepted(items, chosen):
    verdict = judged(items, chosen)
    if verdict.outcome in ACCEPTING:
        return
    for voice in verdict.agreeing:
        fewer = [item for item in items if item[0].name != voice.witness]
        assert judged(fewer, chosen).outcome not in ACCEPTING


@given(observations, rules, st.sampled_from(NODES), st.sampled_from((MISMATCH, OTHER_MISMATCH)))
@settings(deadline=None)
def test_adding_a_mismatch_never_makes_it_accepted(items, chosen, node, kind):
    before, after = judged(items, chosen), judged(items, chosen, (node, kind, 2))
    assert before.outcome in ACCEPTING or after.outcome not in ACCEPTING
    if chosen.veto == 1:
        assert after.outcome in ("divergent", "disputed")


@given(one_each, rules, st.data())
@settings(deadline=None)
def test_silence_never_helps(items, chosen, data):
    before = judged(items, chosen)
    gone = data.draw(st.sets(st.sampled_from(NODES)))
    silent = tuple(Silence(node.name, node.operator, "unreachable", reachable=False) for node in gone)
    after = judged(items, chosen, silent=silent)
    assert (before.outcome in ACCEPTING) == (after.outcome in ACCEPTING)


@given(st.lists(st.sampled_from(range(5)), min_size=1, max_size=8), st.integers(2, 4))
@settings(deadline=None)
def test_one_operator_with_many_witnesses_never_meets_a_threshold_of_two(kinds, threshold):
    crowd = tuple(Node(f"crowd-{number}", "Operator A") for number in range(len(kinds)))
    items = [(node, kind, 0) for node, kind in zip(crowd, kinds, strict=True)]
    chosen = policy(*crowd, *NODES, threshold=threshold, accept=frozenset({"bitwise", "archive", "content"}))
    assert judged(items, chosen).outcome not in ACCEPTING


asks = st.fixed_dictionaries(
    {},
    optional={
        "threshold": st.integers(1, 4),
        "veto": st.integers(1, 3),
        "max-age-days": st.integers(1, 500),
        "max-attempts": st.integers(1, 3),
        "accept": st.lists(st.sampled_from(LEVELS), min_size=1, unique=True),
        "witnesses": st.lists(st.sampled_from([node.name for node in NODES]), min_size=1, unique=True),
    },
)


@given(observations, rules, asks)
@settings(deadline=None)
def test_what_a_project_asks_for_never_has_more_accepted(items, chosen, asked):
    try:
        stricter = tightened(chosen, asked, name="wheelwitness.toml")
    except InputError:
        return
    if judged(items, stricter).outcome in ACCEPTING:
        assert judged(items, chosen).outcome in ACCEPTING
