"""What the opening in a bundle proves, and to whom."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA, NOW, stated
from tests.mangling import flips, prefixes
from witness import bundle, commitment
from witness.commitment import Opening
from witness.errors import Malformed, Unverified
from witness.verification import verify_bundle

COMMITTED, UNTIL = NOW - timedelta(hours=20), NOW - timedelta(hours=12)
KNOWN = [(node.operator, node.signers.cosigner.key) for node in (ALPHA, BETA, GAMMA)]
STATED = stated(ALPHA)


def made(*cosigners, said=STATED, **changes):
    times = {"at": COMMITTED, "until": UNTIL} | changes
    return ALPHA.committed(said, cosigned_by=cosigners, **times)


def at_least(count):
    return lambda operators: len(operators) >= count


BUNDLE = made(ALPHA, BETA, GAMMA)


def test_others_say_when_it_was_committed_to():
    committed = verify_bundle(BUNDLE, ALPHA.identity, KNOWN).committed
    assert committed.log_index == 0
    assert committed.not_before == UNTIL
    assert committed.own_time == COMMITTED
    assert committed.cosigned == (("Operator B", COMMITTED), ("Operator C", COMMITTED))
    assert not committed.early
    assert [committed.proven(at_least(number)) for number in (1, 2, 3)] == [COMMITTED, COMMITTED, None]


def test_nobody_vouches_for_the_time_of_his_own():
    committed = verify_bundle(made(ALPHA), ALPHA.identity, KNOWN).committed
    assert (committed.own_time, committed.cosigned) == (COMMITTED, ())
    assert committed.proven(at_least(1)) is None


def test_strangers_prove_nothing():
    assert verify_bundle(BUNDLE, ALPHA.identity, []).committed.cosigned == ()


def test_a_bundle_without_an_opening_says_nothing():
    assert verify_bundle(replace(BUNDLE, opening=None), ALPHA.identity, KNOWN).committed is None


@pytest.mark.parametrize(
    ("revealed", "early"),
    [(timedelta(0), False), (timedelta(minutes=-5), False), (timedelta(minutes=-6), True)],
)
def test_what_others_saw_too_early_broke_its_promise(revealed, early):
    item = made(BETA, revealed_at=UNTIL + revealed)
    assert verify_bundle(item, ALPHA.identity, KNOWN).committed.early == early


def other_opening(**changes):
    return replace(BUNDLE, opening=replace(BUNDLE.opening, **changes))


OTHERS = BETA.committed(stated(BETA), at=COMMITTED, until=UNTIL, cosigned_by=(GAMMA,))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (other_opening(salt=bytes(32)), "something else"),
        (other_opening(entry=OTHERS.opening.entry), "something else"),
        (other_opening(proof=OTHERS.opening.proof), "of the log"),
        (replace(BUNDLE, opening=OTHERS.opening), "something else"),
        (replace(BUNDLE, opening=made(said=stated(ALPHA, "mismatch")).opening), "something else"),
        (other_opening(proof=replace(BUNDLE.opening.proof, index=1)), "not before its statement"),
        (other_opening(proof=replace(BUNDLE.opening.proof, hashes=(bytes(32),))), "too long"),
        (
            other_opening(entry=commitment.encode(commitment.commit(
                commitment.parse(BUNDLE.opening.entry).digests, UNTIL - timedelta(hours=1)))),
            "another root",
        ),
    ],
)  # fmt: skip
def test_openings_that_do_not_hold(item, message):
    with pytest.raises(Unverified, match=message):
        verify_bundle(item, ALPHA.identity, KNOWN)


def test_another_nodes_commitment_cannot_be_opened_as_ones_own():
    """A copied digest opens to the other's statement alone, which has the other's name in it."""
    salt, theirs = OTHERS.opening.salt, stated(BETA)
    mine = ALPHA.committed(stated(ALPHA), at=COMMITTED, until=UNTIL)
    stolen = Opening(OTHERS.opening.entry, salt, mine.opening.proof)
    with pytest.raises(Unverified, match="something else"):
        verify_bundle(replace(mine, opening=stolen), ALPHA.identity, KNOWN)
    with pytest.raises(Unverified, match="made by 'beta'"):
        verify_bundle(ALPHA.committed(theirs, at=COMMITTED, until=UNTIL), ALPHA.identity, KNOWN)


def test_bundles_with_an_opening_have_one_text():
    line = bundle.encode(BUNDLE)
    assert bundle.parse(line) == BUNDLE
    for data in prefixes(line):
        with pytest.raises(Malformed):
            bundle.parse(data)


def test_no_flipped_byte_says_anything_else():
    """A flip may hide a cosignature, whose key is then unknown; the rest stays as it was, or is refused."""
    original = verify_bundle(BUNDLE, ALPHA.identity, KNOWN)
    passed = 0
    for data in flips(bundle.encode(BUNDLE), masks=(0x01,)):
        try:
            item = bundle.parse(data)
            verified = verify_bundle(item, ALPHA.identity, KNOWN)
        except (Malformed, Unverified):
            continue
        assert bundle.encode(item) == data
        passed += 1
        assert set(verified.committed.cosigned) <= set(original.committed.cosigned)
        assert (verified.statement, verified.log_index) == (original.statement, original.log_index)
        assert verified.committed.not_before == original.committed.not_before
    names = 2 * sum(len(node.signers.cosigner.name) + 8 for node in (ALPHA, BETA, GAMMA))
    assert passed < names
