"""Reads a log, by files or over a network, and believes nothing that does not hash to its signed checkpoint."""

from collections.abc import Callable, Iterable, Iterator
from typing import Self

from witness.errors import Incomplete, InputError, NotFound, Unverified
from witness.note import VerifierKey
from witness.store.interface import Store
from witness.tlog.checkpoint import Checkpoint, VerifiedCheckpoint, open_checkpoint
from witness.tlog.cosignature import CosignerKey
from witness.tlog.edge import WIDTH, Edge
from witness.tlog.merkle import consistency_ranges, inclusion_ranges, leaf_hash
from witness.tlog.proof import Proof
from witness.tlog.tiles import (
    ENTRIES,
    Fetch,
    Tile,
    TileReader,
    fetch_entries,
    fetch_hashes,
    limit_of,
    tile_of,
)


def fetch_from(store: Store) -> Fetch:
    """The files of a log that lies at the top of `store`, each within its bound."""
    return lambda path: store.get(path, limit=limit_of(path))


class LogReader:
    """A log as of one signed checkpoint. Every answer has been hashed up to its root.

    Methods raise `Unverified` for files that are not the log's, `Malformed` for files that are none, and whatever the
    `Fetch` raises.
    """

    def __init__(self, signed: bytes, verified: VerifiedCheckpoint, fetch: Fetch) -> None:
        self.signed = signed
        self.verified = verified
        self._tiles = TileReader(verified.checkpoint.size, verified.checkpoint.root, fetch)

    @classmethod
    def open(cls, fetch: Fetch, log_key: VerifierKey, cosigners: Iterable[CosignerKey] = ()) -> Self:
        """The log of `log_key` as it is now. Raises as `open_checkpoint` does, too."""
        signed = fetch("checkpoint")
        return cls(signed, open_checkpoint(signed, log_key, cosigners), fetch)

    @property
    def checkpoint(self) -> Checkpoint:
        """The tree that is read."""
        return self.verified.checkpoint

    def proof(self, index: int) -> Proof:
        """That the entry `index` is in the log. Raises `InputError` if there is none."""
        size = self.checkpoint.size
        if not 0 <= index < size:
            raise InputError(f"log {self.checkpoint.origin}: no entry {index} among {size}")
        return Proof(index, self._tiles.hashes(inclusion_ranges(index, size)), self.signed)

    def consistency(self, old: int) -> tuple[bytes, ...]:
        """The hashes which prove that the log begins with its first `old` entries. Raises `InputError`."""
        size = self.checkpoint.size
        if not 0 <= old <= size:
            raise InputError(f"log {self.checkpoint.origin}: has {size} entries, not yet {old}")
        return self._tiles.hashes(consistency_ranges(old, size))

    def root_at(self, size: int) -> bytes:
        """The root of the tree of the first `size` entries. Raises `InputError` if there are fewer."""
        if not 0 <= size <= self.checkpoint.size:
            raise InputError(f"log {self.checkpoint.origin}: has {self.checkpoint.size} entries, not {size}")
        return self._tiles.hashes([(0, size)])[0]

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The entries from `start` until before `stop`, or the end."""
        stop = self.checkpoint.size if stop is None else min(stop, self.checkpoint.size)
        for bundle in range(start // WIDTH, -(-stop // WIDTH)):
            low = bundle * WIDTH
            yield from self._tiles.entries(bundle)[max(0, start - low) : stop - low]


def check_log(
    fetch: Fetch,
    log_key: VerifierKey,
    cosigners: Iterable[CosignerKey] = (),
    visit: Callable[[int, tuple[bytes, ...]], None] = lambda _first, _entries: None,
) -> VerifiedCheckpoint:
    """The log's checkpoint, after every entry has been hashed again and every tile compared with the outcome.

    Reads each file once and keeps O(log n) of it. `visit` gets each bundle of entries and the index of its first; what
    it gets is only true if no error follows.

    Raises:
        Malformed, Unverified: an entry, a tile, the root or a signature is not as the checkpoint has it.
        Incomplete: a file of the log is missing.
    """
    verified = open_checkpoint(fetch("checkpoint"), log_key, cosigners)
    size = verified.checkpoint.size
    edge = Edge()
    for bundle in range(-(-size // WIDTH)):
        entries = _required(fetch, tile_of(ENTRIES, bundle, size))
        edge, tiles = edge.extended([leaf_hash(entry) for entry in entries])
        visit(bundle * WIDTH, entries)
        for tile in tiles:
            # The partial ones that matter are those of the last size, below.
            if len(tile.hashes) == WIDTH:
                _compare(fetch, Tile(tile.level, tile.index, len(tile.hashes)), tile.hashes)
    for level, row in enumerate(edge.rows):
        if row:
            _compare(fetch, Tile(level, size >> (8 * level + 8), len(row)), row)
    if edge.root != verified.checkpoint.root:
        raise Unverified(f"log {verified.checkpoint.origin}: its entries lead to another root than it signed")
    return verified


def _compare(fetch: Fetch, tile: Tile, hashes: tuple[bytes, ...]) -> None:
    if _required(fetch, tile) != hashes:
        raise Unverified(f"{tile.path}: not the hashes of the log's entries")


def _required(fetch: Fetch, tile: Tile) -> tuple[bytes, ...]:
    try:
        return fetch_entries(fetch, tile) if tile.level == ENTRIES else fetch_hashes(fetch, tile)
    except NotFound:
        raise Incomplete(f"{tile.path}: the log promised this file, and it is missing") from None
