"""What a feed remembers besides pages: when it asks for the list of projects and the changelog, and the day's bytes.

It is kept in the ledger's control, as strict JSON; what cannot be read counts as never written.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from sqlalchemy import Connection

from rebuilders.node.ledger import Ledger

LIST: Final = "feed.list"
CHANGELOG: Final = "feed.changelog"
PINNED: Final = "feed.pinned"  # the digest of all that is pinned
BYTES: Final = "feed.bytes"


@dataclass(frozen=True, slots=True)
class Hints:
    """A source that tells what changed: its `etag` or `serial`, and in seconds of Unix time when it is asked `next`.

    `heard` is when it last answered usefully, and `failures` how often in a row it did not.
    """

    etag: str = ""
    serial: int = 0
    next: float = 0.0
    heard: float = 0.0
    failures: int = 0

    def is_due(self, now: datetime, patience: float) -> bool:
        """Whether it is to be asked; it waits for `patience` seconds at most, however the clock was changed."""
        seconds = now.timestamp()
        return not seconds < self.next <= seconds + patience

    def holds(self, now: datetime, lasts: float) -> bool:
        """Whether it has been heard in the last `lasts` seconds, so that single pages need not be asked for often."""
        return 0 <= now.timestamp() - self.heard < lasts


@dataclass(frozen=True, slots=True)
class Spent:
    """Bytes that were fetched on a day, in UTC."""

    day: str = ""
    count: int = 0

    def on(self, now: datetime) -> int:
        """Bytes so far on the day of `now`."""
        return self.count if self.day == _day(now) else 0

    def and_more(self, now: datetime, count: int) -> "Spent":
        """With `count` bytes more."""
        return Spent(_day(now), self.on(now) + count)


T = TypeVar("T", Hints, Spent)


def load(ledger: Ledger, key: str, kind: type[T]) -> T:
    """What is kept under `key`."""
    try:
        value = json.loads(ledger.control().get(key, "{}"))
        made = kind(**value)
    except (ValueError, TypeError):
        return kind()
    default = kind()
    sound = all(isinstance(getattr(made, name), type(getattr(default, name))) for name in kind.__slots__)
    return made if sound else default


def note(ledger: Ledger, connection: Connection, key: str, value: Hints | Spent) -> None:
    """Keeps `value` under `key`, as a part of the caller's transaction."""
    ledger.note(connection, key, json.dumps(asdict(value)))


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()
