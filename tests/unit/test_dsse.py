import json

import pytest
import rfc8785

from tests.mangling import flips, prefixes
from tests.signed_log import key
from witness import dsse
from witness.errors import Malformed, Unverified
from witness.keys import PublicKey

ANNA, BERT = key("anna"), key("bert")
PAYLOAD = b'{"hello":"world"}'
ENVELOPE = dsse.seal(PAYLOAD, ANNA.public_key, ANNA.sign)
DATA = dsse.encode(ENVELOPE)


def test_round_trip():
    assert dsse.parse(DATA) == ENVELOPE
    opened = dsse.open_envelope(dsse.parse(DATA), [BERT.public_key, ANNA.public_key])
    assert opened.payload == PAYLOAD
    assert opened.signer == ANNA.public_key.key_id


def test_what_is_signed():
    """The PAE of DSSE's protocol.md."""
    kind = b"application/vnd.in-toto+json"
    assert dsse.authenticated(b"hello world") == b"DSSEv1 28 " + kind + b" 11 hello world"


def test_prefixes_are_refused():
    for data in prefixes(DATA):
        with pytest.raises(Malformed):
            dsse.parse(data)


def test_no_flipped_byte_gives_another_payload():
    """The hint alone may change: no key signs it, and the log's proof covers it."""
    for data in flips(DATA):
        try:
            opened = dsse.open_envelope(dsse.parse(data), [ANNA.public_key])
        except (Malformed, Unverified):
            continue
        assert opened == dsse.open_envelope(ENVELOPE, [ANNA.public_key])
        assert dsse.parse(data).key_id != ENVELOPE.key_id


@pytest.mark.parametrize("key_id", ["", BERT.public_key.key_id, "anything"])
def test_the_key_id_is_only_a_hint(key_id):
    envelope = dsse.Envelope(PAYLOAD, ENVELOPE.signature, key_id)
    keys: list[PublicKey] = [BERT.public_key, ANNA.public_key]
    assert dsse.open_envelope(envelope, keys).signer == ANNA.public_key.key_id


@pytest.mark.parametrize("keys", [[], [BERT.public_key]])
def test_other_keys_open_nothing(keys):
    with pytest.raises(Unverified, match=f"any of the {len(keys)} keys"):
        dsse.open_envelope(ENVELOPE, keys)


def changed(**changes):
    value = json.loads(DATA)
    value.update(changes)
    return rfc8785.dumps({name: item for name, item in value.items() if item is not None})


SIGNATURE = json.loads(DATA)["signatures"][0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "exactly payload"),
        (changed(extra=1), "exactly payload"),
        (changed(payload=None), "exactly payload"),
        (changed(payload=1), "payload is not a string"),
        (changed(payload="eyJ9"[:3]), "not Base64"),
        (changed(payload="AB=="), "canonical"),
        (changed(payloadType="text/plain"), "payloadType"),
        (changed(signatures=[]), "exactly one signature"),
        (changed(signatures={}), "exactly one signature"),
        (changed(signatures=[SIGNATURE, SIGNATURE]), "exactly one signature"),
        (changed(signatures=["x"]), "exactly keyid"),
        (changed(signatures=[{**SIGNATURE, "cert": ""}]), "exactly keyid"),
        (changed(signatures=[{"sig": SIGNATURE["sig"]}]), "exactly keyid"),
        (changed(signatures=[{**SIGNATURE, "keyid": None}]), "keyid is not a string"),
        (changed(signatures=[{**SIGNATURE, "keyid": "x" * 129}]), "key id of 129"),
        (changed(signatures=[{**SIGNATURE, "sig": "AAAA"}]), "signature of 3 bytes"),
        (json.dumps(json.loads(DATA)).encode(), "canonical form"),
        (DATA + b"\n", "canonical form"),
        (changed(payload="AAAA" * 16384), "more than the 65535"),
    ],
)
def test_what_is_no_envelope(data, message):
    with pytest.raises(Malformed, match=message):
        dsse.parse(data)


def test_an_envelope_too_large_for_an_entry_is_not_made():
    with pytest.raises(Malformed, match="log's entry"):
        dsse.encode(dsse.seal(bytes(50_000), ANNA.public_key, ANNA.sign))
