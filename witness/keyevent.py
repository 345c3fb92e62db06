"""Key events: what a witness says in its log about the keys of its observations. A new key in place of an old one
(`Rotation`), or that a key counts no more from an entry on (`Revocation`).

An event is an entry of the log, in DSSE under a payload type of its own, so that no signature of an observation can be
taken for one. It names the witness and its log's key: it says nothing anywhere else. `encode(parse(data)) == data`.
Whether whoever signed it may say so is for witness.keychain.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from witness import canonical, dsse
from witness.base64text import decode_base64, encode_base64
from witness.dsse import Envelope
from witness.errors import Malformed
from witness.keys import ObservationKey, check_signature_form, parse_key
from witness.limits import KIB
from witness.observation import format_time

PAYLOAD_TYPE: Final = "application/vnd.wheelwitness.key-event+json"
POSSESSION_TYPE: Final = "application/vnd.wheelwitness.key-possession+json"
SCHEMA: Final = "key-event/1"
PATH: Final = "keys.jsonl"  # where a node's site has the bundles of all of its events, in their order

MAX_REASON: Final = 500  # characters
_MAX_EVENT: Final = 8 * KIB
_MAX_NAME: Final = 500
_MAX_INDEX: Final = 2**53 - 1
# The payload in an entry is Base64, which has no quotation mark: nothing else can hold this text.
_MARK: Final = b'"payloadType":"' + PAYLOAD_TYPE.encode() + b'"'
_COMMON: Final = frozenset({"at", "event", "key", "log", "schema", "witness"})


@dataclass(frozen=True, slots=True)
class Rotation:
    """From this entry on, `new_key` signs the observations of `witness` in place of `key`, by whom this is signed.

    `possession` is a signature by `new_key` on everything else in here: nobody can adopt a key of somebody else's.
    Observations that are dated later than `expires` do not count.
    """

    witness: str
    log: str
    at: datetime
    key: ObservationKey
    new_key: ObservationKey
    expires: datetime | None = None
    possession: bytes = b""

    def check_possession(self) -> None:
        """Returns if `new_key` made `possession`. Raises `Unverified` otherwise."""
        self.new_key.verify(_possessed(self), self.possession)


@dataclass(frozen=True, slots=True)
class Revocation:
    """What `key` has signed from the entry `start` of the log on does not count."""

    witness: str
    log: str
    at: datetime
    key: ObservationKey
    start: int
    reason: str


KeyEvent: TypeAlias = Rotation | Revocation


def possessed(rotation: Rotation, sign: Callable[[bytes], bytes]) -> Rotation:
    """`rotation` with its `possession`, where `sign` makes signatures by its new key."""
    return replace(rotation, possession=sign(_possessed(rotation)))


def seal(event: KeyEvent, key: ObservationKey, sign: Callable[[bytes], bytes]) -> bytes:
    """`event` as an entry of a log, where `sign` makes `key`'s signatures."""
    return dsse.encode(dsse.seal(encode(event), key, sign, PAYLOAD_TYPE))


def is_event(entry: bytes) -> bool:
    """Whether `entry` claims to be a key event; no observation does."""
    return _MARK in entry


def read(entry: bytes) -> tuple[Envelope, KeyEvent]:
    """The envelope and the event in an entry, whose signature is still to be verified.

    Raises:
        Malformed: it is not one.
    """
    envelope = dsse.parse(entry, PAYLOAD_TYPE)
    return envelope, parse(envelope.payload)


def encode(event: KeyEvent) -> bytes:
    """The RFC 8785 text that is signed."""
    value = _common(event)
    if isinstance(event, Rotation):
        value["possession"] = encode_base64(event.possession)
    return canonical.dumps(value)


def parse(payload: bytes) -> KeyEvent:
    """The event in `payload`.

    Raises:
        Malformed: too large, not canonical, unknown or missing keys, or a value that cannot be.
    """
    value = canonical.loads_canonical(payload, what="key event", limit=_MAX_EVENT)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise Malformed(f"key event: not of the schema {SCHEMA}")
    kind = value.get("event")
    if kind == "rotate":
        return _rotation(value)
    if kind == "revoke":
        return _revocation(value)
    raise Malformed("key event: neither rotate nor revoke")


def _rotation(value: dict[str, Any]) -> Rotation:
    expires = {"expires"} & set(value)
    _check_keys(value, {"newKey", "possession"} | expires)
    possession = decode_base64(_text(value, "possession", 200), what="key event: possession")
    check_signature_form(possession)
    return Rotation(
        **_shared(value),
        new_key=parse_key(_text(value, "newKey", 200)),
        expires=_time(value, "expires") if expires else None,
        possession=possession,
    )


def _revocation(value: dict[str, Any]) -> Revocation:
    _check_keys(value, {"from", "reason"})
    start = value["from"]
    if not isinstance(start, int) or isinstance(start, bool) or not 0 <= start <= _MAX_INDEX:
        raise Malformed("key event: from is not an index")
    reason = _text(value, "reason", MAX_REASON)
    return Revocation(**_shared(value), start=start, reason=reason)


def _shared(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "witness": _text(value, "witness", _MAX_NAME),
        "log": _text(value, "log", _MAX_NAME),
        "at": _time(value, "at"),
        "key": parse_key(_text(value, "key", 200)),
    }


def _common(event: KeyEvent) -> dict[str, Any]:
    value: dict[str, Any] = {
        "at": format_time(event.at),
        "event": "rotate" if isinstance(event, Rotation) else "revoke",
        "key": event.key.text,
        "log": event.log,
        "schema": SCHEMA,
        "witness": event.witness,
    }
    if isinstance(event, Revocation):
        return value | {"from": event.start, "reason": event.reason}
    if event.expires is not None:
        value["expires"] = format_time(event.expires)
    return value | {"newKey": event.new_key.text}


def _possessed(rotation: Rotation) -> bytes:
    return dsse.authenticated(canonical.dumps(_common(rotation)), POSSESSION_TYPE)


def _check_keys(value: dict[str, Any], own: set[str]) -> None:
    if set(value) != _COMMON | own:
        raise Malformed(f"key event: not an object with exactly {', '.join(sorted(_COMMON | own))}")


def _text(value: dict[str, Any], key: str, most: int) -> str:
    text = value[key]
    if not isinstance(text, str) or not 0 < len(text) <= most:
        raise Malformed(f"key event: {key} is not a string of 1 to {most} characters")
    return text


def _time(value: dict[str, Any], key: str) -> datetime:
    text = _text(value, key, 20)
    try:
        time = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Malformed(f"key event: {key} is not a time") from None
    if format_time(time) != text:
        raise Malformed(f"key event: {key} is a time in another form")
    return time
