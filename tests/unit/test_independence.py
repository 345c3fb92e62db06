"""Who cannot have copied whom, and what a policy makes of it."""

from datetime import timedelta

import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA, NOW, SHA, WHEEL, Node, policy, stated
from witness.evidence import Artifact, Evidence
from witness.independence import independent
from witness.verdict import decide
from witness.verification import verify_bundle

DELTA = Node("delta", "Operator D")
SECOND = Node("alpha-2", "Operator A")
NODES = (ALPHA, BETA, GAMMA, DELTA, SECOND)
KNOWN = [(node.operator, node.signers.cosigner.key) for node in NODES]
ARTIFACT = Artifact(SHA, WHEEL, "demo", "1.0")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MONDAY = NOW - 5 * DAY
TUESDAY, WEDNESDAY = MONDAY + DAY, MONDAY + 2 * DAY
WATCHER = Node("watcher", "Operator W")
KEYS = [*KNOWN, (WATCHER.operator, WATCHER.signers.cosigner.key)]


def plain(node, at=MONDAY + HOUR, **changes):
    return verify_bundle(node.bundle(stated(node, finished=at, **changes)), node.identity, KEYS)


def blind(node, at=MONDAY + HOUR, until=TUESDAY, *, by=(WATCHER,), seen=None, revealed=NOW, **changes):
    """A vote made at `at`, whose commitment others cosigned an hour later, and that was revealed after `until`."""
    item = node.committed(
        stated(node, finished=at, **changes),
        at=seen or at + HOUR, until=until, cosigned_by=by, revealed_at=revealed,
    )  # fmt: skip
    return verify_bundle(item, node.identity, KEYS)


def judged(*observations, independent=0, **rules):
    return decide(ARTIFACT, Evidence(observations), policy(*NODES, independent=independent, **rules), NOW)


LATE = TUESDAY + HOUR


@pytest.mark.parametrize(
    ("observations", "names"),
    [
        pytest.param([blind(ALPHA), blind(BETA)], ["alpha", "beta"], id="one window"),
        pytest.param([blind(ALPHA), blind(BETA, LATE, WEDNESDAY)], ["alpha"], id="the later window could read"),
        pytest.param([blind(ALPHA), blind(BETA, until=WEDNESDAY)], ["alpha", "beta"], id="before any was revealed"),
        pytest.param([plain(ALPHA), plain(BETA)], [], id="nobody committed"),
        pytest.param([blind(ALPHA), plain(BETA)], [], id="one that was to be read at once"),
        pytest.param([blind(ALPHA), plain(BETA, LATE)], ["alpha"], id="one that was made later"),
        pytest.param([blind(ALPHA), blind(BETA, by=())], ["alpha"], id="nobody else saw the commitment"),
        pytest.param([blind(ALPHA), blind(BETA, by=(BETA,))], ["alpha"], id="its own word"),
        pytest.param([blind(ALPHA), blind(BETA, seen=TUESDAY - timedelta(minutes=4))], ["alpha"], id="clocks differ"),
        pytest.param([blind(ALPHA), blind(BETA, seen=TUESDAY - timedelta(minutes=6))], ["alpha", "beta"], id="in time"),
        pytest.param([blind(ALPHA, revealed=MONDAY + 3 * HOUR), blind(BETA)], [], id="a promise that was broken"),
        pytest.param([blind(ALPHA, until=NOW + DAY), blind(BETA)], [], id="read before the time it names"),
        pytest.param([blind(ALPHA), blind(BETA), plain(GAMMA)], [], id="a third that both could read"),
        pytest.param([blind(ALPHA), blind(SECOND), plain(BETA, LATE)], ["alpha", "alpha-2"], id="of one operator"),
        pytest.param([blind(ALPHA)], ["alpha"], id="alone"),
        pytest.param([plain(ALPHA, LATE)], [], id="alone, without a commitment"),
    ],
)  # fmt: skip
def test_who_is_independent(observations, names):
    assert sorted(judged(*observations, threshold=1).independent) == names


def test_what_cannot_be_a_source_spoils_nothing():
    """Another sdist's match, a mismatch and a failure could not have been copied."""
    others = [
        plain(GAMMA, sdist="5" * 64),
        plain(DELTA, result="mismatch"),
        plain(SECOND, result="build-failed"),
    ]
    verdict = judged(blind(ALPHA), blind(BETA), *others, veto=2)
    assert sorted(verdict.independent) == ["alpha", "beta"]


def test_a_match_that_does_not_count_could_be_copied_all_the_same():
    weak = plain(GAMMA, level="metadata")
    assert judged(blind(ALPHA), blind(BETA), weak).independent == ()


def at_index(node, index, **changes):
    return verify_bundle(node.bundle(stated(node, **changes), index=index), node.identity, KEYS)


def test_who_looks_again_keeps_what_was_proven():
    again = at_index(ALPHA, 7, finished=NOW - HOUR)
    assert judged(blind(ALPHA), again, blind(BETA)).independent == ("alpha", "beta")


def test_a_stronger_claim_needs_a_commitment_of_its_own():
    again = at_index(ALPHA, 7, finished=NOW - HOUR)
    assert judged(blind(ALPHA, level="metadata"), again, blind(BETA)).independent == ("beta",)


def test_what_was_readable_before_a_second_look_spoils():
    earlier = plain(ALPHA, MONDAY - DAY)
    again = at_index(ALPHA, 7, finished=NOW - HOUR)
    assert judged(earlier, again, blind(BETA), blind(GAMMA)).independent == ()


@pytest.mark.parametrize(("asked", "outcome"), [(0, "reproduced"), (1, "reproduced"), (2, "insufficient")])
def test_a_policy_can_ask_for_independent_operators(asked, outcome):
    verdict = judged(blind(ALPHA), blind(BETA, LATE, WEDNESDAY), independent=asked)
    assert verdict.outcome == outcome
    assert ("1 of 2 independent" in verdict.reason) == (asked == 2)


def test_nodes_of_one_operator_are_independent_once():
    votes = blind(ALPHA), blind(SECOND), plain(BETA, LATE)
    assert judged(*votes, independent=1).outcome == "reproduced"
    assert judged(*votes, independent=2).outcome == "insufficient"


def test_as_many_must_have_cosigned_a_commitment_as_the_policy_asks_for():
    two = {"by": (WATCHER, GAMMA)}
    many = judged(blind(ALPHA, **two), blind(BETA, **two), cosigners=2, independent=2)
    assert many.outcome == "reproduced"
    assert judged(blind(ALPHA, **two), blind(BETA), cosigners=2).independent == ("alpha",)
    assert judged(blind(ALPHA), blind(BETA), cosigners=2).independent == ()


@pytest.mark.parametrize(
    ("operator", "since", "names"),
    [
        ("Google", MONDAY - DAY, []),
        ("Google", MONDAY + 2 * HOUR, []),  # clocks differ
        ("Google", TUESDAY, ["Operator A", "Operator B"]),
        ("Operator A", MONDAY - DAY, ["Operator A"]),
    ],
)
def test_what_a_service_without_a_log_said_could_be_copied_too(operator, since, names):
    found = independent((blind(ALPHA), blind(BETA)), NOW, bool, [(operator, since)])
    assert {claim.operator for claim in found} == set(names)
