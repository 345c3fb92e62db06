"""What an entry is, told from its bytes."""

import pytest

from tests.signed_log import node, observed
from witness import canonical, dsse, statement
from witness.base64text import encode_base64
from witness.entry import PinnedKeys, kind_of, statement_in
from witness.errors import Malformed, Unverified
from witness.statement import PAYLOAD_TYPE

NODE = node()
PAYLOAD = statement.encode(observed(0))
SIGNER = NODE.observations
ENTRY = dsse.encode(dsse.seal(PAYLOAD, SIGNER.public_key, SIGNER.sign))


def sigstore_like(**changes):
    """The shape of a Sigstore bundle around `PAYLOAD`, without what would make it true."""
    envelope = {"payload": encode_base64(PAYLOAD), "payloadType": PAYLOAD_TYPE, "signatures": []}
    return canonical.dumps({"dsseEnvelope": envelope | changes, "mediaType": "m", "verificationMaterial": {}})


def test_both_forms_are_told_apart_and_hold_a_statement():
    assert (kind_of(ENTRY), statement_in(ENTRY)) == ("dsse", PAYLOAD)
    assert (kind_of(sigstore_like()), statement_in(sigstore_like())) == ("sigstore", PAYLOAD)


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"{}",
        b'{"dsseEnvelope":',
        b'{"dsseEnvelope":{}}',
        b'{"dsseEnvelope":1}',
        sigstore_like(payloadType="text/plain"),
        sigstore_like(payload=1),
        sigstore_like(payload="e30"),
        sigstore_like()[:-1] + b" }",
        dsse.encode(dsse.seal(PAYLOAD, SIGNER.public_key, SIGNER.sign, "text/plain")),
    ],
)
def test_what_is_no_observation_has_no_statement(entry):
    with pytest.raises(Malformed):
        statement_in(entry)


def test_pinned_keys_speak_anywhere_in_the_log():
    other = node("Other").observations.public_key
    assert PinnedKeys((SIGNER.public_key,)).open(ENTRY, 7).signer == SIGNER.public_key.key_id
    with pytest.raises(Unverified, match="not signed by any"):
        PinnedKeys((other,)).open(ENTRY, 7)


def test_a_signature_is_of_one_payload_type_alone():
    sealed = dsse.seal(PAYLOAD, SIGNER.public_key, SIGNER.sign, "text/plain")
    with pytest.raises(Malformed, match="payloadType is not"):
        dsse.parse(dsse.encode(sealed))
    assert dsse.parse(dsse.encode(sealed), "text/plain") == sealed
    retyped = dsse.Envelope(sealed.payload, sealed.signature, sealed.key_id)
    with pytest.raises(Unverified):
        dsse.open_envelope(retyped, [SIGNER.public_key])
