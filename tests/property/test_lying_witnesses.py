"""What a network with liars can do to a verdict. `WITNESS_NETWORKS` is how many are tried, 150 by default."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator import CONDUCTS, EVERYTHING, HONEST, Member, ask
from witness.log.watch import LogWatch
from witness.verdict import ACCEPTING

COUNT = int(os.environ.get("WITNESS_NETWORKS", "150"))
NETWORKS = settings(deadline=None, max_examples=COUNT)
ANSWERS = ("honest", "slow")
FAULTS = (*ANSWERS, *HONEST)
COUNTRIES = ("NL", "JP", "BR")
HISTORIES = ("another history", "another, longer history")
accepts = st.sampled_from([frozenset({"bitwise"}), frozenset({"bitwise", "archive"}), EVERYTHING])
rules = st.fixed_dictionaries(
    {
        "accept": accepts,
        "cosigners": st.integers(0, 3),
        "diversity": st.sampled_from([(), (("country", 1),), (("country", 2),)]),
        "max_attempts": st.sampled_from([None, 1]),
    }
)


@st.composite
def networks(draw, honest_truth, conducts=tuple(CONDUCTS), faults=FAULTS):
    """Colluding members, each with up to three nodes, and honest ones, some of which do not answer."""
    colluding = draw(st.integers(0, 3))
    honest = draw(st.integers(1, 4))
    country = st.sampled_from(COUNTRIES)
    liars = [
        Member(number, honest_truth, draw(st.sampled_from(conducts)), draw(st.integers(1, 3)), draw(country))
        for number in range(colluding)
    ]
    others = [
        Member(number, honest_truth, draw(st.sampled_from(faults)), country=draw(country))
        for number in range(colluding, colluding + honest)
    ]
    return liars, others


def names(members):
    return {node.name for member in members for node in member.witnesses}


@given(networks("mismatch"), rules, st.data())
@NETWORKS
def test_fewer_colluders_than_the_threshold_never_get_a_file_accepted_that_others_saw_differ(
    network, rules, data
):
    liars, honest = network
    operators = len(liars) + len(honest)
    threshold = data.draw(st.integers(len(liars) + 1, operators))
    veto = data.draw(st.integers(1, operators))
    verdict = ask([*liars, *honest], threshold=threshold, veto=veto, **rules)
    assert verdict.outcome not in ACCEPTING


@given(networks("mismatch"), rules, st.integers(1, 7))
@NETWORKS
def test_a_dissent_that_is_heard_is_never_hidden(network, rules, threshold):
    liars, honest = network
    verdict = ask([*liars, *honest], threshold=min(threshold, len(liars) + len(honest)), **rules)
    heard = names(member for member in honest if member.conduct in ANSWERS)
    assert heard <= {voice.witness for voice in verdict.dissenting}
    assert not heard or verdict.outcome in ("divergent", "disputed")


HARMLESS = tuple(name for name in CONDUCTS if name != "says mismatch")


@given(networks("match", HARMLESS, ANSWERS), accepts, st.data())
@NETWORKS
def test_enough_honest_operators_reach_reproduced_whatever_the_others_do(network, accept, data):
    liars, honest = network
    threshold = data.draw(st.integers(1, len(honest)))
    different = len({member.country for member in honest})
    verdict = ask(
        [*liars, *honest],
        threshold=threshold,
        accept=accept,
        cosigners=data.draw(st.integers(0, len(honest) - 1)),
        diversity=(("country", data.draw(st.integers(1, different))),),
        max_attempts=data.draw(st.sampled_from([None, 1])),
    )
    assert verdict.outcome in ("reproduced", "equivalent")
    if not liars:
        assert (verdict.outcome, verdict.level) == ("reproduced", "bitwise")


@given(networks("mismatch", HISTORIES), accepts, st.integers(1, 7))
@NETWORKS
def test_a_history_that_only_colluders_cosign_counts_nowhere(network, accept, threshold):
    """Whoever asks for more cosigners than a liar has friends needs no memory to see through him."""
    liars, honest = network
    threshold = min(threshold, len(liars) + len(honest))
    verdict = ask([*liars, *honest], threshold=threshold, accept=accept, cosigners=max(1, len(liars)))
    assert not names(liars) & {voice.witness for voice in verdict.agreeing}
    assert verdict.outcome not in ACCEPTING


@given(
    networks("mismatch", ("another history",), ("omits",)),
    st.lists(st.sampled_from(["another history", "changes its mind", "says match"]), max_size=3),
)
@settings(NETWORKS, max_examples=max(1, COUNT // 5))  # every memory is on disk
def test_whoever_saw_a_log_is_not_shown_another_one_later(network, later):
    """Nor by a thief who has all of its keys, as long as it was seen before him."""
    liars, honest = network
    with tempfile.TemporaryDirectory() as state:
        seen = [replace(member, conduct="honest") for member in liars]
        ask([*seen, *honest], watch=LogWatch(Path(state)), threshold=1)
        for conduct in ("another history", *later):
            shown = [replace(member, conduct=conduct) for member in liars]
            verdict = ask([*shown, *honest], watch=LogWatch(Path(state)), threshold=1)
            assert verdict.agreeing == ()
            assert not liars or verdict.bad_signature
