"""Which key speaks where, after which events."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.trusted_nodes import ALPHA, NOW
from tests.keyed_log import FIRST, SECOND, THIRD, KeyedLog, heard, pinning, revocation, rotation, sealed
from tests.signed_log import key
from witness import bundle
from witness.errors import Malformed, Unverified
from witness.keychain import Refused, Withdrawn, described, follow, verify_logged

STRANGER = key("stranger")


@pytest.fixture
def rotated():
    """first at 0, rotation at 1, second at 2, first again at 3."""
    log = KeyedLog()
    log.observe(FIRST)
    log.rotate(FIRST, SECOND)
    log.observe(SECOND)
    log.observe(FIRST)
    return log


def test_a_key_speaks_from_its_own_event_until_it_is_rotated_out(rotated):
    chain = rotated.chain()
    assert heard(chain, rotated, [0, 2, 3]) == [0, 2]
    with pytest.raises(Unverified, match="was rotated out by entry 1"):
        chain.open(rotated.entries[3], 3)
    with pytest.raises(Unverified, match="signs from entry 2 on"):
        chain.open(rotated.entries[2], 1)


@pytest.mark.parametrize(
    ("pins", "counts", "refused"),
    [
        ((FIRST,), [0, 2], []),
        ((FIRST, SECOND), [0, 2], []),
        ((SECOND, FIRST), [0, 2], []),
        ((SECOND,), [2], []),
        ((STRANGER,), [], [False]),
    ],
)
def test_a_policy_may_name_the_first_key_or_later_ones(rotated, pins, counts, refused):
    """A key that a policy names ahead of its own event speaks from its event on all the same."""
    followed = rotated.follow(*pins)
    assert heard(followed.chain, rotated, [0, 2, 3]) == counts
    assert [error.bad for error in followed.refused] == refused


def test_what_came_before_the_policys_keys_is_not_told(rotated):
    rotated.rotate(SECOND, THIRD)
    assert rotated.follow(THIRD).refused == ()
    assert len(rotated.follow(STRANGER).refused) == 2


def test_a_revoked_key_does_not_count_from_there_on():
    log = KeyedLog()
    for _ in range(3):
        log.observe(FIRST)
    log.rotate(FIRST, SECOND)
    log.revoke(FIRST, 1, by=SECOND)
    log.observe(SECOND)
    chain = log.chain()
    assert heard(chain, log, [0, 1, 2, 5]) == [0, 5]
    with pytest.raises(Withdrawn, match="revoked from entry 1 on: stolen"):
        chain.open(log.entries[2], 2)


def test_a_key_can_revoke_itself_and_then_has_no_say():
    log = KeyedLog()
    log.observe(FIRST)
    log.revoke(FIRST, 1, by=FIRST)
    log.observe(FIRST)
    log.rotate(FIRST, SECOND)
    log.observe(SECOND)
    followed = log.follow()
    assert heard(followed.chain, log, [0, 2, 4]) == [0]
    assert [error.bad for error in followed.refused] == [True]


def test_revoking_does_not_reach_back_over_events():
    """Whoever revokes a key cannot undo by that what it was the key's place to say."""
    log = KeyedLog()
    log.rotate(FIRST, SECOND)
    log.revoke(FIRST, 0, by=SECOND)
    log.observe(SECOND)
    assert heard(log.chain(), log, [2]) == [2]


def test_the_earliest_revocation_holds():
    log = KeyedLog()
    log.observe(FIRST)
    log.rotate(FIRST, SECOND)
    log.revoke(FIRST, 1, by=SECOND, reason="lost")
    log.revoke(FIRST, 0, by=SECOND, reason="stolen")
    log.revoke(FIRST, 1, by=SECOND, reason="never mind")
    with pytest.raises(Withdrawn, match="from entry 0 on: stolen"):
        log.chain().open(log.entries[0], 0)


def test_an_expired_key_signs_nothing_dated_later_but_can_be_replaced():
    log = KeyedLog()
    until = NOW - timedelta(days=1)
    log.rotate(FIRST, SECOND, expires=until)
    log.observe(SECOND, finished=until)
    log.observe(SECOND, finished=until + timedelta(seconds=1))
    log.rotate(SECOND, THIRD)
    log.observe(THIRD)
    chain = log.chain()
    assert heard(chain, log, [1, 2, 4]) == [1, 4]
    with pytest.raises(Withdrawn, match="expired at 2026-05-31"):
        chain.open(log.entries[2], 2)


def case_of_a_stolen_old_key(log):
    log.rotate(FIRST, SECOND)
    log.rotate(FIRST, STRANGER)


def case_of_two_rotations(log):
    log.rotate(FIRST, SECOND)
    log.rotate(FIRST, THIRD)


def case_of_a_loop(log):
    log.rotate(FIRST, SECOND)
    log.rotate(SECOND, FIRST)


def case_of_a_longer_loop(log):
    log.rotate(FIRST, SECOND)
    log.rotate(SECOND, THIRD)
    log.rotate(THIRD, SECOND)


def case_of_itself(log):
    log.rotate(FIRST, FIRST)


def case_of_a_stranger(log):
    log.rotate(FIRST, SECOND, by=STRANGER)


def case_of_somebody_elses_key(log):
    """The possession is the thief's, and not that of the key's holder."""
    log.add(sealed(replace(rotation(FIRST, STRANGER), new_key=SECOND.public_key), FIRST))


def case_of_another_witness(log):
    log.rotate(FIRST, SECOND, witness="beta")


def case_of_another_log(log):
    log.rotate(FIRST, SECOND, log="beta.example/log+00000000+AAAA")


def case_of_a_revocation_ahead(log):
    log.revoke(FIRST, 2, by=FIRST)


def case_of_a_revocation_by_a_stranger(log):
    log.revoke(FIRST, 0, by=STRANGER)


def case_of_a_revocation_by_an_old_key(log):
    log.rotate(FIRST, SECOND)
    log.revoke(SECOND, 1, by=FIRST)


CASES = [value for name, value in sorted(globals().items()) if name.startswith("case_of_")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__.removeprefix("case_of_"))
def test_what_is_refused_changes_nothing_and_is_told(case):
    log = KeyedLog()
    log.observe(FIRST)
    case(log)
    followed = log.follow()
    assert [error.bad for error in followed.refused] == [True]
    assert followed.refused[0].index == len(log.entries) - 1
    assert str(followed.refused[0]).startswith(f"entry {len(log.entries) - 1}: a ")
    before = KeyedLog()
    for entry in log.entries[:-1]:
        before.add(entry)
    assert followed.chain == before.chain()


def test_a_stolen_key_that_was_rotated_out_gains_nothing():
    log = KeyedLog()
    log.rotate(FIRST, SECOND)
    log.rotate(FIRST, STRANGER)
    log.revoke(SECOND, 0, by=FIRST)
    log.observe(STRANGER)
    log.observe(FIRST)
    log.observe(SECOND)
    assert heard(log.chain(), log, [3, 4, 5]) == [5]


def test_a_revocation_of_a_key_that_nobody_knows_is_told_and_no_more():
    log = KeyedLog()
    log.revoke(STRANGER, 0, by=FIRST)
    assert [error.bad for error in log.follow().refused] == [False]


def test_events_are_taken_in_the_order_of_the_log(rotated):
    rotated.rotate(SECOND, THIRD)
    assert follow(pinning(), reversed(rotated.events())) == rotated.follow()


def test_malformed_events_extend_nothing(rotated):
    with pytest.raises(Malformed):
        rotated.chain().extended(rotated.entries[0], 5)
    with pytest.raises(Refused):
        rotated.chain().extended(sealed(revocation(SECOND, 9), SECOND), 5)


def test_an_event_must_be_in_the_log(rotated):
    (event,) = rotated.events()
    verify_logged(event, ALPHA.identity)
    elsewhere = bundle.Bundle(sealed(rotation(FIRST, THIRD), FIRST), event.proof)
    with pytest.raises(Unverified):
        verify_logged(elsewhere, ALPHA.identity)
    with pytest.raises(Malformed):
        verify_logged(rotated.bundles()[0], ALPHA.identity)


def test_what_is_described():
    log = KeyedLog()
    log.rotate(FIRST, SECOND, expires=NOW)
    log.observe(SECOND)
    log.rotate(SECOND, THIRD)
    log.revoke(SECOND, 1, by=THIRD, reason="stolen \x1b[31m")
    first, second, third, *events = described(log.follow())
    assert first == f"{FIRST.public_key.text}  no entry"
    assert second.startswith(f"{SECOND.public_key.text}  entries 1 to 1, revoked from 1 on: stolen ")
    assert third == f"{THIRD.public_key.text}  entries 3 on"
    assert [line.split(":")[0] for line in events] == ["entry 0", "entry 2", "entry 3"]
    assert "\x1b" not in "".join((second, *events))
