"""Key events as bytes: one text for each, and no other thing taken for one."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.integration.trusted_nodes import ALPHA, NOW
from tests.keyed_log import FIRST, SECOND, THIRD, observation, revocation, rotation, sealed
from tests.mangling import flips, prefixes
from witness import canonical, dsse, keyevent
from witness.entry import PinnedKeys, statement_in
from witness.errors import Malformed, Unverified

ROTATION = rotation(FIRST, SECOND, expires=datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC))
REVOCATION = revocation(FIRST, 7)
BOTH = pytest.mark.parametrize("event", [ROTATION, rotation(SECOND, THIRD), REVOCATION])


@BOTH
def test_round_trip(event):
    assert keyevent.parse(keyevent.encode(event)) == event
    envelope, read = keyevent.read(sealed(event, FIRST))
    assert read == event
    assert dsse.open_envelope(envelope, [FIRST.public_key]).payload == keyevent.encode(event)


@BOTH
def test_prefixes_are_refused(event):
    for data in prefixes(keyevent.encode(event)):
        with pytest.raises(Malformed):
            keyevent.parse(data)


@BOTH
def test_a_flipped_byte_is_another_event_or_none(event):
    data = keyevent.encode(event)
    for other in flips(data):
        try:
            parsed = keyevent.parse(other)
        except Malformed:
            continue
        assert parsed != event
        assert keyevent.encode(parsed) == other


def test_no_flipped_byte_keeps_the_possession():
    data = keyevent.encode(ROTATION)
    for other in flips(data, masks=(0x01,)):
        try:
            parsed = keyevent.parse(other)
        except Malformed:
            continue
        if isinstance(parsed, keyevent.Rotation):
            with pytest.raises(Unverified):
                parsed.check_possession()


def changed(event, /, **changes):
    value = {**json.loads(keyevent.encode(event)), **changes}
    return canonical.dumps({key: item for key, item in value.items() if item is not None})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "schema"),
        (b"[]", "schema"),
        (changed(ROTATION, schema="key-event/2"), "schema"),
        (changed(ROTATION, event="replace"), "neither rotate nor revoke"),
        (changed(ROTATION, event=["rotate"]), "neither rotate nor revoke"),
        (changed(ROTATION, more=1), "exactly"),
        (changed(ROTATION, witness=None), "exactly"),
        (changed(ROTATION, possession=None), "exactly"),
        (changed(ROTATION, reason="why"), "exactly"),
        (changed(REVOCATION, expires="2027-01-02T03:04:05Z"), "exactly"),
        (changed(ROTATION, at="2027-01-02 03:04:05"), "not a time"),
        (changed(ROTATION, at="2027-1-02T03:04:05Z"), "another form"),
        (changed(ROTATION, expires=1), "not a string"),
        (changed(ROTATION, witness=""), "1 to 500"),
        (changed(ROTATION, witness="x" * 501), "1 to 500"),
        (changed(ROTATION, key="rsa:AAAA"), "begins neither"),
        (changed(ROTATION, newKey="ed25519:AAAA"), "of 3 bytes"),
        (changed(ROTATION, possession="AAAA"), "signature of 3 bytes"),
        (changed(REVOCATION, **{"from": -1}), "not an index"),
        (changed(REVOCATION, **{"from": True}), "not an index"),
        (changed(REVOCATION, **{"from": "7"}), "not an index"),
        (changed(REVOCATION, reason=""), "1 to 500"),
        (changed(REVOCATION, reason="x" * 501), "1 to 500"),
        (json.dumps(json.loads(keyevent.encode(ROTATION))).encode(), "canonical"),
        (keyevent.encode(ROTATION) + b" " * 9000, "allowed"),
    ],
)
def test_what_is_no_event(data, message):
    with pytest.raises(Malformed, match=message):
        keyevent.parse(data)


def test_an_observation_is_no_event_and_the_other_way_round():
    entry, event = observation(FIRST), sealed(ROTATION, FIRST)
    assert not keyevent.is_event(entry)
    assert keyevent.is_event(event)
    with pytest.raises(Malformed, match="payloadType"):
        keyevent.read(entry)
    with pytest.raises(Malformed, match="payloadType"):
        statement_in(event)
    with pytest.raises(Malformed, match="payloadType"):
        PinnedKeys(ALPHA.identity.keys).open(event, 0)


def test_a_possession_is_of_this_event_and_this_key():
    ROTATION.check_possession()
    for other in (
        replace(ROTATION, witness="beta"),
        replace(ROTATION, log="another"),
        replace(ROTATION, key=THIRD.public_key),
        replace(ROTATION, new_key=THIRD.public_key),
        replace(ROTATION, expires=None),
        replace(ROTATION, at=datetime(2027, 1, 1, tzinfo=UTC)),
    ):
        assert other.at >= NOW
        with pytest.raises(Unverified):
            other.check_possession()
    # Nor can a signature of the event itself, which the new key makes later of others, be taken for it.
    own = replace(
        ROTATION, possession=SECOND.sign(dsse.authenticated(keyevent.encode(ROTATION), keyevent.PAYLOAD_TYPE))
    )
    with pytest.raises(Unverified):
        own.check_possession()
