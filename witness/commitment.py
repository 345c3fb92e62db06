"""Commitments: entries of a log that say nothing yet, and bind their node to what it will say (docs/adr/0032).

A node that puts SHA-256(domain, salt, statement) into its log before anybody's statement can be read has not copied
it. An entry holds several such digests and the time before which the node reveals none of their statements. It has no
signature of its own: it counts only by the log's, and what it opens to is signed. Pure; nothing in here is verified.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from witness import canonical
from witness.base64text import decode_base64, encode_base64
from witness.digest import SHA256_HEX
from witness.errors import Malformed
from witness.limits import MAX_COMMITMENTS
from witness.tlog.proof import Proof

MEDIA_TYPE: Final = "application/vnd.wheelwitness.commitments.v1+json"
SALT_BYTES: Final = 32
CLOCKS: Final = timedelta(minutes=5)  # by which those of honest nodes and cosigners may differ
WINDOWS: Final = (
    1,
    2,
    3,
    4,
    6,
    8,
    12,
    24,
)  # hours that a window may have, so that each day begins with a new one

_DOMAIN: Final = b"wheelwitness-commitment-v1\n"
_BEGINS: Final = b'{"commitments":'
_HOUR: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:00:00Z", re.ASCII)
_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"
_MAX_ENTRY: Final = 200 + 67 * MAX_COMMITMENTS  # bytes


@dataclass(frozen=True, slots=True)
class Commitments:
    """Digests, each once and in their order, and the whole hour before which nothing behind them is revealed."""

    digests: tuple[str, ...]
    not_before: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """What shows that a statement was committed to: the log's entry, the salt, and the proof of that entry.

    `Opening.parse(value.wire()) == value`.
    """

    entry: bytes
    salt: bytes
    proof: Proof

    @classmethod
    def parse(cls, value: object) -> "Opening":
        """The opening in a JSON value. Raises `Malformed`."""
        if not isinstance(value, dict) or set(value) != {"entry", "salt", "tlogProof"}:
            raise Malformed("commitment: not an object with exactly entry, salt and tlogProof")
        entry, salt = (
            decode_base64(_text(value, key), what=f"commitment: {key}") for key in ("entry", "salt")
        )
        if len(salt) != SALT_BYTES:
            raise Malformed(f"commitment: a salt of {len(salt)} bytes instead of {SALT_BYTES}")
        parse(entry)
        return cls(entry, salt, Proof.parse(_text(value, "tlogProof")))

    def wire(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "entry": encode_base64(self.entry),
            "salt": encode_base64(self.salt),
            "tlogProof": self.proof.text,
        }


@dataclass(frozen=True, slots=True)
class Committed:
    """That an observation was committed to by entry `log_index` of its log, before it was in there itself.

    Attributes:
        not_before: when its node promised to reveal it at the earliest. The node's own word.
        own_time: when the node cosigned the commitment's checkpoint. The node's own word, too.
        cosigned: operators other than its own, and when each cosigned that checkpoint, oldest first. It existed by
            then, as far as they are believed.
        early: another operator cosigned the observation itself before `not_before`: the promise was broken.
    """

    log_index: int
    not_before: datetime
    own_time: datetime | None
    cosigned: tuple[tuple[str, datetime], ...]
    early: bool

    def proven(self, enough: Callable[[frozenset[str]], bool]) -> datetime | None:
        """The time by which operators had cosigned it that are `enough` together; None if they never were."""
        for number, (_, at) in enumerate(self.cosigned, 1):
            if enough(frozenset(operator for operator, _ in self.cosigned[:number])):
                return at
        return None


def blind(salt: bytes, statement: bytes) -> str:
    """The digest that commits to `statement` and tells nothing of it to whoever does not know `salt`."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt of {len(salt)} bytes")
    return hashlib.sha256(_DOMAIN + salt + statement).hexdigest()


def commit(digests: Iterable[str], not_before: datetime) -> Commitments:
    """Commitments to `digests`, in the one order that there is."""
    return Commitments(tuple(sorted(digests)), not_before)


def encode(commitments: Commitments) -> bytes:
    """The entry. `parse(encode(value)) == value`; raises `Malformed` for what is none."""
    data = canonical.dumps(
        {
            "commitments": list(commitments.digests),
            "mediaType": MEDIA_TYPE,
            "revealNotBefore": commitments.not_before.astimezone(UTC).strftime(_FORM),
        }
    )
    parse(data)
    return data


def parse(entry: bytes) -> Commitments:
    """The commitments in an entry.

    Raises:
        Malformed: too large, not canonical, unknown or missing keys, none or too many digests, a digest twice, another
            order, or no whole hour.
    """
    value = canonical.loads_canonical(entry, what="commitments", limit=_MAX_ENTRY)
    if not isinstance(value, dict) or set(value) != {"commitments", "mediaType", "revealNotBefore"}:
        raise Malformed("commitments: not an object with exactly commitments, mediaType and revealNotBefore")
    if value["mediaType"] != MEDIA_TYPE:
        raise Malformed(f"commitments: mediaType is not {MEDIA_TYPE}")
    digests = value["commitments"]
    if not isinstance(digests, list) or not 0 < len(digests) <= MAX_COMMITMENTS:
        raise Malformed(f"commitments: not from 1 to {MAX_COMMITMENTS} of them")
    if not all(isinstance(item, str) and SHA256_HEX.fullmatch(item) for item in digests):
        raise Malformed("commitments: not a SHA-256 digest in lower-case hex")
    if digests != sorted(set(digests)):
        raise Malformed("commitments: not in order, or one of them twice")
    return Commitments(tuple(digests), _hour(_text(value, "revealNotBefore")))


def is_commitments(entry: bytes) -> bool:
    """Whether `entry` begins as one of commitments does, and as no other does."""
    return entry.startswith(_BEGINS)


def end_of_window(now: datetime, hours: int) -> datetime:
    """The end of the window in which what is committed at `now` can still be cosigned, in UTC.

    Windows of `hours`, one of `WINDOWS`, begin at midnight. In the last quarter of one, it is the end of the next:
    cosigners need time, and what they see too late proves little.
    """
    now = now.astimezone(UTC)
    window = timedelta(hours=hours)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -(-(now + window / 4 - midnight) // window) * window


def _hour(text: str) -> datetime:
    if not _HOUR.fullmatch(text):
        raise Malformed("commitments: revealNotBefore is not a whole hour, as in 2026-01-31T23:00:00Z")
    try:
        return datetime.strptime(text, _FORM).replace(tzinfo=UTC)
    except ValueError:
        raise Malformed("commitments: revealNotBefore is no time") from None


def _text(value: dict[str, Any], key: str) -> str:
    text = value[key]
    if not isinstance(text, str):
        raise Malformed(f"commitment: {key} is not a string")
    return text
