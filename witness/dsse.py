"""Envelopes: DSSE v1 (secure-systems-lab/dsse), around an in-toto statement if nothing else is said, with exactly one
signature.

The bytes of an envelope are the RFC 8785 text of its JSON, so `encode(parse(data)) == data`, and what a log holds is
exactly what was signed for. The key id is a hint: it says which key to try first, and is never believed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from witness import canonical
from witness.base64text import decode_base64, encode_base64
from witness.errors import Malformed, Unverified
from witness.keys import ObservationKey, check_signature_form
from witness.limits import MAX_ENTRY
from witness.statement import PAYLOAD_TYPE

_MAX_KEY_ID: Final = 128
# As key ids of ours are. RFC 8785 has no other text for these values.
_USUAL: Final = re.compile(
    rb'\{"payload":"([^"]*)","payloadType":"([a-z0-9.+/-]+)","signatures":\[\{"keyid":"([0-9a-f]*)","sig":"([^"]*)"\}\]\}'
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A well-formed envelope; whether the signature holds is for `open_envelope` to say."""

    payload: bytes
    signature: bytes
    key_id: str
    payload_type: str = PAYLOAD_TYPE


@dataclass(frozen=True, slots=True)
class Opened:
    """A payload and who signed it: the id of a key, or a name that somebody else vouches for."""

    payload: bytes
    signer: str


def seal(
    payload: bytes, key: ObservationKey, sign: Callable[[bytes], bytes], payload_type: str = PAYLOAD_TYPE
) -> Envelope:
    """`payload` signed, where `sign` makes `key`'s signatures."""
    return Envelope(payload, sign(authenticated(payload, payload_type)), key.key_id, payload_type)


def encode(envelope: Envelope, *, limit: int = MAX_ENTRY) -> bytes:
    """The canonical bytes, which are an entry of a log.

    Raises:
        Malformed: they are more than `limit`, by default what an entry can have.
    """
    data = canonical.dumps(
        {
            "payload": encode_base64(envelope.payload),
            "payloadType": envelope.payload_type,
            "signatures": [{"keyid": envelope.key_id, "sig": encode_base64(envelope.signature)}],
        }
    )
    if len(data) > limit:
        raise Malformed(f"envelope: {len(data)} bytes, more than the {limit} allowed")
    return data


def parse(data: bytes, payload_type: str = PAYLOAD_TYPE, *, limit: int = MAX_ENTRY) -> Envelope:
    """The envelope around a payload of `payload_type` in `data`, of at most `limit` bytes.

    Raises:
        Malformed: too large, not canonical, unknown or missing keys, another payload type, or not one signature.
    """
    value = _usual(data, limit) or canonical.loads_canonical(data, what="envelope", limit=limit)
    _check_keys(value, {"payload", "payloadType", "signatures"})
    if value["payloadType"] != payload_type:
        raise Malformed(f"envelope: payloadType is not {payload_type}")
    signatures = value["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise Malformed("envelope: not exactly one signature")
    _check_keys(signatures[0], {"keyid", "sig"})
    key_id = _text(signatures[0], "keyid")
    if len(key_id) > _MAX_KEY_ID:
        raise Malformed(f"envelope: a key id of {len(key_id)} characters")
    signature = decode_base64(_text(signatures[0], "sig"), what="envelope: sig")
    try:
        check_signature_form(signature)
    except Malformed as error:
        raise Malformed(f"envelope: {error}") from None
    payload = decode_base64(_text(value, "payload"), what="envelope: payload")
    return Envelope(payload, signature, key_id, payload_type)


def open_envelope(envelope: Envelope, keys: Sequence[ObservationKey]) -> Opened:
    """The payload, signed by one of `keys`.

    Raises:
        Unverified: none of them made the signature.
    """
    message = authenticated(envelope.payload, envelope.payload_type)
    for key in sorted(keys, key=lambda key: key.key_id != envelope.key_id):
        try:
            key.verify(message, envelope.signature)
        except Unverified:
            continue
        return Opened(envelope.payload, key.key_id)
    raise Unverified(f"envelope: not signed by any of the {len(keys)} keys of this witness")


def authenticated(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """PAE(payload_type, payload): what is signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _usual(data: bytes, limit: int) -> dict[str, Any] | None:
    """The value of an envelope of the usual form, told at once. `payload` and `sig` are canonical only as Base64."""
    found = _USUAL.fullmatch(data) if len(data) <= limit else None
    if found is None or not data.isascii():
        return None
    payload, kind, key_id, signature = (group.decode("ascii") for group in found.groups())
    return {
        "payload": payload,
        "payloadType": kind,
        "signatures": [{"keyid": key_id, "sig": signature}],
    }


def _check_keys(value: Any, keys: set[str]) -> None:
    if not isinstance(value, dict) or set(value) != keys:
        raise Malformed(f"envelope: not an object with exactly {', '.join(sorted(keys))}")


def _text(value: dict[str, Any], key: str) -> str:
    text = value[key]
    if not isinstance(text, str):
        raise Malformed(f"envelope: {key} is not a string")
    return text
