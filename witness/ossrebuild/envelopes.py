"""OSS Rebuild's bundles: JSON Lines of DSSE envelopes, as Go's encoder writes them, each signed by ECDSA on P-256.

Unlike our own envelopes (witness.dsse) they are in no canonical form, and are entries of no log: one statement may have
many texts. What is not signed in them changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from witness import canonical, dsse
from witness.base64text import decode_base64
from witness.errors import Malformed, Unverified
from witness.keys import EcdsaKey, low_s
from witness.limits import MAX_REBUILD_BUNDLE
from witness.ossrebuild.fields import Fields
from witness.statement import PAYLOAD_TYPE, STATEMENT_TYPE

# Until September 2025 it named the type of the statement where DSSE wants that of the payload.
_PAYLOAD_TYPES: Final = frozenset({PAYLOAD_TYPE, STATEMENT_TYPE})
_MAX_ENVELOPES: Final = 8


@dataclass(frozen=True, slots=True)
class _Envelope:
    payload: bytes
    kind: str
    signature: bytes
    called: str


def open_bundle(data: bytes, keys: Sequence[EcdsaKey]) -> tuple[list[bytes], str]:
    """The payloads of all envelopes in `data`, and the id of the one key of `keys` that signed them.

    Raises:
        Unverified: it is no such bundle, cut off, too large, or not signed so.
    """
    try:
        envelopes = _split(data)
    except Malformed as error:
        raise Unverified(f"not a bundle of OSS Rebuild: {error}") from None
    # What the key is called is not signed, and nothing depends on it; but nobody shall change it unnoticed.
    if len({item.called for item in envelopes}) != 1:
        raise Unverified("envelopes that name different keys")
    signers = {_signer(item, keys) for item in envelopes}
    if len(signers) != 1:
        raise Unverified("envelopes that different keys signed")
    return [item.payload for item in envelopes], signers.pop()


def _split(data: bytes) -> list[_Envelope]:
    """Raises `Malformed`."""
    if len(data) > MAX_REBUILD_BUNDLE:
        raise Malformed(f"{len(data)} bytes, more than the {MAX_REBUILD_BUNDLE} allowed")
    lines = data[:-1].split(b"\n")
    if not data.endswith(b"\n") or len(lines) > _MAX_ENVELOPES:
        raise Malformed(f"cut off, or more than {_MAX_ENVELOPES} envelopes")
    return [_envelope(line) for line in lines]


def _envelope(line: bytes) -> _Envelope:
    """Raises `Malformed`."""
    value = canonical.loads(line, what="envelope", limit=MAX_REBUILD_BUNDLE)
    if not isinstance(value, dict) or set(value) != {"payload", "payloadType", "signatures"}:
        raise Malformed("envelope: not an object with exactly payload, payloadType and signatures")
    fields = Fields("envelope", value)
    (signature, *more) = fields.objects("signatures") or [{}]
    if more or set(signature) != {"keyid", "sig"}:
        raise Malformed("envelope: not exactly one signature with keyid and sig")
    kind = fields.text("payloadType")
    if kind not in _PAYLOAD_TYPES:
        raise Malformed("envelope: a payload of another type")
    inner = Fields("signature", signature)
    payload = decode_base64(fields.text("payload", limit=MAX_REBUILD_BUNDLE), what="envelope: payload")
    return _Envelope(
        payload, kind, decode_base64(inner.text("sig"), what="envelope: sig"), inner.text("keyid")
    )


def _signer(envelope: _Envelope, keys: Sequence[EcdsaKey]) -> str:
    """A key service gives either of the two values that an ECDSA signature can have; here no log depends on which."""
    message = dsse.authenticated(envelope.payload, envelope.kind)
    for key in keys:
        try:
            key.verify(message, low_s(envelope.signature))
        except (Malformed, Unverified):
            continue
        return key.key_id
    raise Unverified(f"not signed by any of the {len(keys)} keys of this service")
