"""What an entry of a log is, told from its bytes, and who may sign one in a witness's name.

An entry is an observation, signed in DSSE or as a Sigstore bundle, or something else that a witness says of itself in
DSSE, under a payload type of its own. All are RFC 8785 texts, so that their first key tells the two forms apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from witness import canonical, dsse
from witness.base64text import decode_base64
from witness.dsse import Opened
from witness.errors import Malformed
from witness.keys import PublicKey
from witness.limits import MAX_ENTRY
from witness.statement import PAYLOAD_TYPE

Kind = Literal["dsse", "sigstore"]

_SIGSTORE_BEGINS: Final = b'{"dsseEnvelope":'


class Authority(Protocol):
    """Whom a consumer lets speak for one witness."""

    def open(self, entry: bytes, index: int) -> Opened:
        """What the entry at `index` of the witness's log says as an observation, signed by who might say so there.

        Raises:
            Malformed: it is no observation in the form that this authority reads.
            Unverified: it is not signed as it must be, or by somebody who may not speak at that index.
        """


@dataclass(frozen=True, slots=True)
class PinnedKeys:
    """An `Authority`: the keys that a policy names, wherever in the log."""

    keys: Sequence[PublicKey]

    def open(self, entry: bytes, index: int) -> Opened:
        """See `Authority.open`."""
        del index
        return dsse.open_envelope(dsse.parse(entry), self.keys)


def kind_of(entry: bytes) -> Kind:
    """The form of `entry`, if it has one at all."""
    return "sigstore" if entry.startswith(_SIGSTORE_BEGINS) else "dsse"


def statement_in(entry: bytes) -> bytes:
    """The statement that `entry` claims to be about, unverified.

    Raises:
        Malformed: it is no observation in either form.
    """
    if kind_of(entry) == "dsse":
        return dsse.parse(entry).payload
    value = canonical.loads_canonical(entry, what="entry", limit=MAX_ENTRY)
    envelope = value.get("dsseEnvelope") if isinstance(value, dict) else None
    if not isinstance(envelope, dict) or envelope.get("payloadType") != PAYLOAD_TYPE:
        raise Malformed("entry: a Sigstore bundle without an in-toto statement")
    payload = envelope.get("payload")
    if not isinstance(payload, str):
        raise Malformed("entry: a Sigstore bundle without a payload")
    return decode_base64(payload, what="entry: payload")
