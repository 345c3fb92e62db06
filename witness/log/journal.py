"""What a log's writer remembers beside the log: the batch that is under way, and the newest checkpoint it signed.

The record of a batch has all that its publication needs, down to the signed checkpoint, so finishing an interrupted
batch repeats bytes and never makes new ones: there cannot be two roots, or two times, for one size.
"""

from dataclasses import dataclass
from typing import Any, Final

from witness import canonical
from witness.errors import Malformed, NotFound
from witness.limits import GIB, MAX_CHECKPOINT
from witness.store.interface import Store
from witness.tlog.tiles import pack_entries, unpack_entries

PENDING: Final = "pending"
_CHECKPOINT: Final = "checkpoint"
_MAX_HEADER: Final = 4 * MAX_CHECKPOINT


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries appended at once.

    Attributes:
        previous: the signed checkpoint before them, or nothing for a new log.
        checkpoint: the signed checkpoint after them.
        first: the index of the first of them.
    """

    previous: bytes
    checkpoint: bytes
    first: int
    entries: tuple[bytes, ...]


def encode(batch: Batch) -> bytes:
    """A line of JSON, and the entries as a bundle has them. `parse(encode(batch)) == batch`."""
    header = {
        "checkpoint": batch.checkpoint.decode(),
        "first": batch.first,
        "previous": batch.previous.decode(),
    }
    return canonical.dumps(header) + b"\n" + pack_entries(batch.entries)


def parse(data: bytes) -> Batch:
    """The batch in a record. Raises `Malformed` for anything but what `encode` writes."""
    line, _, packed = data.partition(b"\n")
    header = canonical.loads_canonical(line, what="journal", limit=_MAX_HEADER)
    if not isinstance(header, dict) or set(header) != {"checkpoint", "first", "previous"}:
        raise Malformed("journal: not a record of a batch")
    first = header["first"]
    if not isinstance(first, int) or isinstance(first, bool) or first < 0:
        raise Malformed("journal: first is not an index")
    entries = unpack_entries(packed)
    if not entries:
        raise Malformed("journal: a batch without entries")
    return Batch(_bytes(header, "previous"), _bytes(header, "checkpoint"), first, entries)


class Journal:
    """The records, in a store that is not published."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def pending(self) -> Batch | None:
        """The batch that is under way."""
        data = self._get(PENDING, 4 * GIB)
        return parse(data) if data else None

    @property
    def checkpoint(self) -> bytes:
        """The newest checkpoint that was published when no batch is under way; nothing for a new log."""
        return self._get(_CHECKPOINT, MAX_CHECKPOINT)

    def begin(self, batch: Batch) -> None:
        """From here on, `batch` will be published."""
        self._store.put(PENDING, encode(batch))

    def end(self, batch: Batch) -> None:
        """`batch` has been published, and everything that follows from it has been done."""
        self.adopt(batch.checkpoint)

    def adopt(self, checkpoint: bytes) -> None:
        """The log was recovered, and goes on from the published `checkpoint`; no batch is under way."""
        self._store.put(_CHECKPOINT, checkpoint)
        self._store.remove(PENDING)

    def _get(self, path: str, limit: int) -> bytes:
        try:
            return self._store.get(path, limit=limit)
        except NotFound:
            return b""


def _bytes(header: dict[str, Any], key: str) -> bytes:
    value = header[key]
    if not isinstance(value, str):
        raise Malformed(f"journal: {key} is not a string")
    return value.encode()
