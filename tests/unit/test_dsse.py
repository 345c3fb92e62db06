import json

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tests.mangling import flips, prefixes
from tests.signed_log import ecdsa_key, key
from witness import dsse
from witness.errors import Malformed, Unverified
from witness.keys import ObservationKey

ANNA, BERT = key("anna"), key("bert")
PAYLOAD = b'{"hello":"world"}'
ENVELOPE = dsse.seal(PAYLOAD, ANNA.public_key, ANNA.sign)
DATA = dsse.encode(ENVELOPE)
CARL = ecdsa_key("carl")


BOTH = pytest.mark.parametrize("signer", [ANNA, CARL], ids=["ed25519", "ecdsa-p256"])


def sealed(signer):
    return dsse.seal(PAYLOAD, signer.public_key, signer.sign)


@BOTH
def test_round_trip(signer):
    envelope = sealed(signer)
    assert dsse.parse(dsse.encode(envelope)) == envelope
    opened = dsse.open_envelope(envelope, [BERT.public_key, CARL.public_key, ANNA.public_key])
    assert opened.payload == PAYLOAD
    assert opened.signer == signer.public_key.key_id


def test_what_is_signed():
    """The PAE of DSSE's protocol.md."""
    kind = b"application/vnd.in-toto+json"
    assert dsse.authenticated(b"hello world") == b"DSSEv1 28 " + kind + b" 11 hello world"


@BOTH
def test_prefixes_are_refused(signer):
    for data in prefixes(dsse.encode(sealed(signer))):
        with pytest.raises(Malformed):
            dsse.parse(data)


def outcome(data):
    try:
        return dsse.parse(data)
    except Malformed:
        return None


def variants(data):
    yield from flips(data, masks=(0x01, 0x20, 0x80))
    for at in range(len(data)):
        for new in (b'"', b"\\", b"\\u0041", b"\n", b"\xc3\xa9", b"\xed\xa0\x80", b" ", b"=", b"{"):
            yield data[:at] + new + data[at:]
            yield data[:at] + new + data[at + len(new) :]


@BOTH
def test_an_envelope_of_the_usual_form_is_read_as_any_other(signer, monkeypatch):
    data = dsse.encode(sealed(signer))
    assert dsse._usual(data, 10_000) == json.loads(data)
    assert dsse._usual(data, len(data) - 1) is None
    at_once = [outcome(changed) for changed in variants(data)]
    monkeypatch.setattr(dsse, "_usual", lambda data, limit: None)
    assert at_once == [outcome(changed) for changed in variants(data)]
    assert any(at_once)


@BOTH
def test_no_flipped_byte_gives_another_payload(signer):
    """The hint alone may change: no key signs it, and the log's proof covers it."""
    envelope = sealed(signer)
    for data in flips(dsse.encode(envelope)):
        try:
            opened = dsse.open_envelope(dsse.parse(data), [signer.public_key])
        except (Malformed, Unverified):
            continue
        assert opened == dsse.open_envelope(envelope, [signer.public_key])
        assert dsse.parse(data).key_id != envelope.key_id


def test_the_other_signature_of_one_ecdsa_value_is_no_envelope():
    envelope = sealed(CARL)
    r, s = decode_dss_signature(envelope.signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    other = dsse.Envelope(PAYLOAD, encode_dss_signature(r, order - s), envelope.key_id)
    with pytest.raises(Malformed, match="higher s"):
        dsse.parse(dsse.encode(other))


@pytest.mark.parametrize("key_id", ["", BERT.public_key.key_id, "anything"])
def test_the_key_id_is_only_a_hint(key_id):
    envelope = dsse.Envelope(PAYLOAD, ENVELOPE.signature, key_id)
    keys: list[ObservationKey] = [BERT.public_key, ANNA.public_key]
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
    with pytest.raises(Malformed, match="more than the 65535 allowed"):
        dsse.encode(dsse.seal(bytes(50_000), ANNA.public_key, ANNA.sign))
