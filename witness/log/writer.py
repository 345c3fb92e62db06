"""The one writer of a node's log: appends batches to a tlog-tiles log in a store (c2sp.org/tlog-tiles).

Order: the journal, bundles of entries, tiles, and last the checkpoint, so that a reader never sees a checkpoint whose
tiles are not there, and a writer that was killed at any point finishes what it began, once. An append reads and writes
the right edge of the tree, O(log n) files.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from witness import files, note
from witness.errors import Incomplete, InputError, NotFound, Unverified
from witness.limits import MAX_CHECKPOINT, MAX_ENTRY
from witness.log.journal import Batch, Journal
from witness.log.reader import fetch_from
from witness.observation import format_time
from witness.signing.named import CheckpointCosigner, LogSigner
from witness.store.directory import DirectoryStore
from witness.store.interface import Store
from witness.tlog.checkpoint import Checkpoint, VerifiedCheckpoint, open_checkpoint
from witness.tlog.edge import WIDTH, Edge, row_width
from witness.tlog.merkle import EMPTY_ROOT, leaf_hash
from witness.tlog.succession import succession_in
from witness.tlog.tiles import ENTRIES, Fetch, Tile, fetch_entries, pack_entries, read_edge, tile_of

CHECKPOINT: Final = "checkpoint"
COLLECTED: Final = (
    "collected"  # in a log's state: the best cosigned checkpoint of its own that a node has gathered
)
_MAX_BACK: Final = 3600  # seconds
_PAUSE: Final = 0.05  # seconds between looks at a lock


@dataclass(frozen=True, slots=True)
class Growth:
    """What appending comes to: the new edge, the files to write in order, and the directories that become useless."""

    edge: Edge
    files: tuple[tuple[str, bytes], ...]
    outdated: tuple[str, ...]


class LogWriter:
    """Appends to the log of `log` in `store`; use `open_writer`, which sees to it that there is only one.

    Each checkpoint is signed by `log`, and by all of `cosigners`, the node's own.

    A batch is `pending` from the moment it is appended until `settle` says that all that follows from it is done;
    it stays so through any crash, and the constructor has published it when it returns.
    """

    def __init__(
        self, store: Store, journal: Journal, log: LogSigner, *cosigners: CheckpointCosigner
    ) -> None:
        """Finishes publishing the pending batch, and signs the tree that is published by the log's newest key.

        Raises:
            Unverified: the log in `store` is not as this journal left it, so that appending could fork it; or it has
                keys that `log` does not lead to.
        """
        self._store = store
        self._journal = journal
        self._log = log
        self._cosigners = cosigners
        self._fetch: Fetch = fetch_from(store)
        self.pending = journal.pending
        current = self._published()
        if self.pending is not None and not _same(current, self.pending.checkpoint):
            self._check_known(current, self.pending.previous)
            self._publish(self.pending, self._grow(self._open(current), self.pending.entries))
        else:
            self._check_known(current, self.pending.checkpoint if self.pending else journal.checkpoint)
            self._sweep()
        self._renew()

    @property
    def checkpoint(self) -> Checkpoint:
        """The tree as it is published."""
        return self._tree(self._open(self._published()))

    @property
    def signed(self) -> bytes:
        """The signed checkpoint as it is published, with whatever cosignatures it has; nothing for a new log."""
        return self._published()

    def append(self, entries: Sequence[bytes], *, at: int) -> Batch:
        """Publishes `entries` in their order, at least one, and returns them as the pending batch.

        Args:
            entries: each at most `MAX_ENTRY` bytes.
            at: the time of the node's own cosignature, in seconds since 1970. It is never set back: a later tree with
                an earlier time would be evidence against the node.

        Raises:
            Incomplete: `at` is more than an hour before the last time; nothing was appended.
        """
        if self.pending is not None:
            raise ValueError("a batch is pending: settle it first")
        if not entries or max(map(len, entries)) > MAX_ENTRY:
            raise ValueError(f"a batch is of one or more entries of at most {MAX_ENTRY} bytes")
        previous = self._published()
        before = self._open(previous)
        growth = self._grow(before, entries)
        batch = Batch(previous, self._sign(growth.edge, before, at), self._tree(before).size, tuple(entries))
        self._journal.begin(batch)
        self.pending = batch
        self._publish(batch, growth)
        return batch

    def settle(self) -> None:
        """Forgets the pending batch: its entries need nothing more. Does nothing if there is none."""
        if self.pending is not None:
            self._journal.end(self.pending)
            self.pending = None

    def _sign(self, edge: Edge, before: VerifiedCheckpoint | None, at: int) -> bytes:
        times = [cosignature.at for cosignature in before.cosignatures] if before else []
        self._check_clock(at, max(times, default=0))
        now = max(at, *times, 0)
        text = Checkpoint(self._log.name, edge.size, edge.root).text
        cosigned = (cosigner.sign(text, now) for cosigner in self._cosigners)
        signed = note.encode(note.Note(text, (*self._log.lines(text), *cosigned)))
        # A signer that fails must fail here, before anything is promised.
        self._open(signed)
        return signed

    def _check_clock(self, at: int, last: int) -> None:
        """A little back is what clocks do when they are set; more is a clock that lies, or one that lied before."""
        if at < last - _MAX_BACK:
            shown = [format_time(datetime.fromtimestamp(time, UTC)) for time in (at, last)]
            raise Incomplete(
                f"log {self._log.name}: the clock says {shown[0]}, and this log was signed at {shown[1]}",
                hint="Set the machine's clock. If it was wrong before, wait until that time has come.",
            )

    def _grow(self, before: VerifiedCheckpoint | None, entries: Sequence[bytes]) -> Growth:
        tree = self._tree(before)
        edge = read_edge(tree.size, tree.root, self._fetch)
        return grow(edge, last_bundle(edge, self._fetch), entries)

    def _publish(self, batch: Batch, growth: Growth) -> None:
        tree = self._tree(self._open(batch.checkpoint))
        if (tree.size, tree.root) != (growth.edge.size, growth.edge.root):
            raise Unverified("journal: the batch does not lead to the checkpoint that was signed for it")
        for path, data in growth.files:
            self._store.add(path, data)
        self._store.put(CHECKPOINT, batch.checkpoint)
        for path in growth.outdated:
            self._store.remove(path)

    def _sweep(self) -> None:
        """Removes what a writer had no time to remove, of the pending batch."""
        if self.pending is not None:
            sizes = (self.pending.first, self.pending.first + len(self.pending.entries))
            for path in _outdated(*sizes):
                self._store.remove(path)

    def _renew(self) -> None:
        """Signs the published tree by the log's newest key, if that has come since. Cosignatures of it stay.

        Raises:
            Unverified: the log has keys that this node does not know of: it would contradict itself.
        """
        signed = self._published()
        opened, held = self._open(signed), self._log.succession
        if opened is None:
            return
        parsed, links = note.parse(signed), held.links if held else ()
        there = succession_in(parsed, self._log.key)
        before = there is not None and there.first != self._log.key.public_key
        if before or opened.links != links[: len(opened.links)]:
            raise Unverified(
                f"log {self._log.name}: its checkpoint leads to another key than this node has",
                hint="restore keys/ as it was in whole, log.succession with it",
            )
        if opened.links == links:
            return
        others = [line for line in parsed.signatures if line.name != self._log.name]
        renewed = note.encode(note.Note(parsed.text, (*self._log.lines(parsed.text), *others)))
        self._open(renewed)
        self._store.put(CHECKPOINT, renewed)

    def _published(self) -> bytes:
        try:
            return self._store.get(CHECKPOINT, limit=MAX_CHECKPOINT)
        except NotFound:
            return b""

    def _open(self, signed: bytes) -> VerifiedCheckpoint | None:
        keys = (cosigner.key for cosigner in self._cosigners)
        return open_checkpoint(signed, self._log.key, keys) if signed else None

    def _tree(self, opened: VerifiedCheckpoint | None) -> Checkpoint:
        return opened.checkpoint if opened else Checkpoint(self._log.name, 0, EMPTY_ROOT)

    def _check_known(self, current: bytes, expected: bytes) -> None:
        if not _same(current, expected):
            raise Unverified(
                f"log {self._log.name}: its checkpoint is not the last one that this node signed",
                hint="restore the site and the state directory as they were together; signing on would fork the log",
            )


@contextmanager
def open_writer(
    store: Store, state: Path, log: LogSigner, *cosigners: CheckpointCosigner, patience: float = 0.0
) -> Iterator[LogWriter]:
    """The log's only writer, by a lock in `state`, a directory of its own that must not be published.

    `patience` is how many seconds to wait for whoever has the lock.

    Raises:
        Incomplete: another process writes to the log now.
        InputError: `state` cannot be used.
        Unverified: see `LogWriter`.
    """
    with exclusive(state, patience=patience):
        yield LogWriter(store, Journal(DirectoryStore(state)), log, *cosigners)


def grow(edge: Edge, bundle: Sequence[bytes], entries: Sequence[bytes]) -> Growth:
    """What to write when `entries` follow the tree with this edge, whose last partial bundle is `bundle`."""
    after, tiles = edge.extended([leaf_hash(entry) for entry in entries])
    packed = [*bundle, *entries]
    first = edge.size // WIDTH
    bundles = [
        (Tile(ENTRIES, first + at // WIDTH, min(WIDTH, len(packed) - at)), packed[at : at + WIDTH])
        for at in range(0, len(packed), WIDTH)
    ]
    files = [(tile.path, pack_entries(held)) for tile, held in bundles]
    files += [(Tile(tile.level, tile.index, len(tile.hashes)).path, b"".join(tile.hashes)) for tile in tiles]
    return Growth(after, tuple(files), _outdated(edge.size, after.size))


def _outdated(old: int, new: int) -> tuple[str, ...]:
    """The directories of partial forms whose full tile came to be between two sizes."""
    paths = []
    for level in range((old.bit_length() + 7) // 8):
        index = old >> (8 * level + 8)
        if row_width(old, level) and tile_of(level, index, new).width == WIDTH:
            paths.append(Tile(level, index).partials)
            if level == 0:
                paths.append(Tile(ENTRIES, index).partials)
    return tuple(paths)


def last_bundle(edge: Edge, fetch: Fetch) -> tuple[bytes, ...]:
    """The entries of the partial bundle at this edge, maybe none. Raises `Unverified` if they are others."""
    if row_width(edge.size, 0) == 0:
        return ()
    tile = tile_of(ENTRIES, edge.size // WIDTH, edge.size)
    entries = fetch_entries(fetch, tile)
    if tuple(map(leaf_hash, entries)) != edge.rows[0]:
        raise Unverified(f"{tile.path}: the entries are not those that the log committed to")
    return entries


def _same(signed: bytes, other: bytes) -> bool:
    """Whether two signed checkpoints are of one tree; cosigners may have added lines to the one or the other."""
    if not signed or not other:
        return signed == other
    return note.parse(signed).text == note.parse(other).text


@contextmanager
def exclusive(state: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Holds the lock of a log's writer, after waiting for it for up to `patience` seconds. Raises as `open_writer`."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise InputError(f"{state}: cannot keep the log's state there: {error.strerror}") from None
    try:
        _lock(descriptor, state, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, state: Path, until: float) -> None:
    while True:
        try:
            files.try_lock(descriptor)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise Incomplete(
                    f"{state}: another process writes to this log", hint="let it finish, then try again"
                ) from None
            time.sleep(_PAUSE)
        else:
            return
