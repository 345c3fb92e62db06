"""What a network with liars can do to a verdict. `WITNESS_NETWORKS` is how many are tried, 150 by default."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator import CONDUCTS, EVERYTHING, Member, ask
from witness.verdict import ACCEPTING

NETWORKS = settings(deadline=None, max_examples=int(os.environ.get("WITNESS_NETWORKS", "150")))
FAULTS = ("honest", "honest", "dead", "omits")
accepts = st.sampled_from([frozenset({"bitwise"}), frozenset({"bitwise", "archive"}), EVERYTHING])


@st.composite
def networks(draw, honest_truth, conducts=tuple(CONDUCTS), faults=FAULTS):
    """Colluding members, each with up to three nodes, and honest ones, some of which do not answer."""
    colluding = draw(st.integers(0, 3))
    honest = draw(st.integers(1, 4))
    liars = [
        Member(number, honest_truth, draw(st.sampled_from(conducts)), draw(st.integers(1, 3)))
        for number in range(colluding)
    ]
    others = [
        Member(number, honest_truth, draw(st.sampled_from(faults)))
        for number in range(colluding, colluding + honest)
    ]
    return liars, others


@given(networks("mismatch"), accepts, st.data())
@NETWORKS
def test_fewer_colluders_than_the_threshold_never_get_a_file_accepted_that_others_saw_differ(
    network, accept, data
):
    liars, honest = network
    operators = len(liars) + len(honest)
    threshold = data.draw(st.integers(len(liars) + 1, operators))
    veto = data.draw(st.integers(1, operators))
    verdict = ask([*liars, *honest], threshold=threshold, veto=veto, accept=accept)
    assert verdict.outcome not in ACCEPTING


@given(networks("mismatch"), accepts, st.integers(1, 7))
@NETWORKS
def test_a_dissent_that_is_heard_is_never_hidden(network, accept, threshold):
    liars, honest = network
    verdict = ask([*liars, *honest], threshold=min(threshold, len(liars) + len(honest)), accept=accept)
    heard = {node.name for member in honest if member.conduct == "honest" for node in member.witnesses}
    assert heard <= {voice.witness for voice in verdict.dissenting}
    assert not heard or verdict.outcome in ("divergent", "disputed")


HARMLESS = tuple(name for name in CONDUCTS if name != "says mismatch")


@given(networks("match", HARMLESS, ("honest",)), accepts, st.data())
@NETWORKS
def test_enough_honest_operators_reach_reproduced_whatever_the_others_do(network, accept, data):
    liars, honest = network
    threshold = data.draw(st.integers(1, len(honest)))
    verdict = ask([*liars, *honest], threshold=threshold, accept=accept)
    assert verdict.outcome in ("reproduced", "equivalent")
    if not liars:
        assert (verdict.outcome, verdict.level) == ("reproduced", "bitwise")


COPYING = tuple(conduct for conduct in CONDUCTS if conduct.startswith(("copies the", "copies, and")))


@given(st.data())
@NETWORKS
def test_fewer_than_the_policy_asks_for_are_never_enough_whoever_copies_them(data):
    """Some who built, of whom some committed first, and some who copied; more see a commitment than collude."""
    built = [
        Member(n, "match", "honest", 1, data.draw(st.booleans())) for n in range(data.draw(st.integers(1, 4)))
    ]
    copied = [
        Member(len(built) + n, "match", data.draw(st.sampled_from(COPYING)), 1, data.draw(st.booleans()))
        for n in range(data.draw(st.integers(0, 3)))
    ]
    threshold = data.draw(st.integers(1, len(built) + len(copied)))
    independent = data.draw(st.integers(0, threshold))
    cosigners = len(copied) if "copies, and friends backdate" in {item.conduct for item in copied} else 0
    verdict = ask(
        [*built, *copied],
        threshold=threshold,
        independent=independent,
        cosigners=cosigners,
        accept=EVERYTHING,
    )
    first = [member for member in built if member.commits]
    assert set(verdict.independent) <= {node.name for member in first for node in member.witnesses}
    if len(first) < independent:
        assert verdict.outcome not in ACCEPTING


@given(st.integers(2, 5), st.lists(st.tuples(st.sampled_from(COPYING), st.booleans()), max_size=3), st.data())
@NETWORKS
def test_who_builds_and_commits_is_heard_whatever_others_copy(builders, copying, data):
    built = [Member(n, "match", "honest", 1, commits=True) for n in range(builders)]
    copied = [Member(builders + n, "match", how, 1, commits) for n, (how, commits) in enumerate(copying)]
    independent = data.draw(st.integers(1, builders))
    verdict = ask([*built, *copied], threshold=builders, independent=independent)
    assert verdict.outcome == "reproduced"
