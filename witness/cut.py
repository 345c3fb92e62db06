"""A site as of one checkpoint, so that it can be copied while its node is at work.

The writer of a log publishes a checkpoint first, and the shards and lookup files that follow from it a moment later.
`take` gives a checkpoint from which everything has followed already. Files that are read afterwards have all of it, and
perhaps more: a shard may hold bundles that a newer tree proves. Those verify by themselves, since a bundle comes with
the checkpoint that it is proven by.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from witness import lookup, note
from witness.errors import Incomplete, Malformed, NotFound, Unverified, WheelwitnessError
from witness.escape import printable
from witness.limits import MAX_CHECKPOINT
from witness.log.journal import PENDING, Journal
from witness.log.lookups import read_width
from witness.log.reader import LogReader, fetch_from
from witness.log.seen import SeenLog
from witness.log.shards import by_shard
from witness.note import VerifierKey
from witness.store.directory import DirectoryStore
from witness.store.interface import Store
from witness.tlog.checkpoint import VerifiedCheckpoint, open_checkpoint
from witness.tlog.contradiction import Fork
from witness.tlog.edge import WIDTH
from witness.tlog.tiles import ENTRIES, Fetch, Tile, edge_tiles, limit_of, tile_of

CHECKPOINT: Final = "checkpoint"
_PAUSE: Final = 0.05  # seconds between looks at a writer that is at work
_STEP: Final = 4 * WIDTH  # entries that are held in memory at once


@dataclass(frozen=True, slots=True)
class Cut:
    """What is copied: the signed checkpoint, and how many bits name a lookup file (None: there are no such files)."""

    signed: bytes
    verified: VerifiedCheckpoint = field(repr=False)
    bits: int | None

    @property
    def size(self) -> int:
        """The entries of the tree."""
        return self.verified.checkpoint.size


def take(site: Store, state: Store, log_key: VerifierKey, *, held: bytes = b"", patience: float = 5.0) -> Cut:
    """A checkpoint of the node's log from which everything in `site` has followed.

    Args:
        site: the node's site.
        state: where the log's journal is, if it has one; a copy by `rebuilder mirror` has its checkpoint written last.
        log_key: the log's key.
        held: the signed checkpoint of the copy, or nothing. If the site's is of the same tree, it is not gone behind.
        patience: how many seconds to wait for a writer that is at work, before the tree before its batch is taken.

    Raises:
        Incomplete: there is no such checkpoint yet.
        Unverified, Malformed: the site's checkpoint is not the log's.
    """
    until = time.monotonic() + patience
    while True:
        signed = _get(site)
        if not signed:
            raise Incomplete("the site has no checkpoint yet", hint="`rebuilder publish` signs what waits.")
        # In this order: a checkpoint that was there when no batch was under way is one that all has followed from.
        if not state.exists(PENDING) or same_tree(signed, held):
            break
        if time.monotonic() >= until:
            batch = Journal(state).pending
            if batch is not None:
                signed = batch.previous
                break
        time.sleep(_PAUSE)
    if not signed:
        raise Incomplete("the log's first batch is not published in full yet", hint="Try again when it is.")
    return Cut(signed, open_checkpoint(signed, log_key), read_width(site))


def same_tree(signed: bytes, other: bytes) -> bool:
    """Whether two signed checkpoints are of one tree. What is no checkpoint is of none."""
    try:
        return bool(signed and other) and note.parse(signed).text == note.parse(other).text
    except WheelwitnessError:
        return False


def judge(cut: Cut, held: bytes, log_key: VerifierKey, site: Fetch, copy: Fetch, *, evidence: Path) -> int:
    """How many entries the copy has, whose signed checkpoint is `held`, if the cut's tree begins with them.

    Args:
        cut: what is to be copied.
        held: the copy's checkpoint, from a place where others may write; nothing if there is none.
        log_key: the log's key.
        site: the files of the node's site.
        copy: the files of the copy.
        evidence: a directory for both checkpoints, and what they prove, if the copy must not be replaced.

    Raises:
        Unverified: the copy's is of another log, or newer, or of another history.
        Incomplete, Malformed: a file of either is missing, or is not one.
    """
    if not held:
        return 0
    try:
        theirs = open_checkpoint(held, log_key)
    except WheelwitnessError as error:
        raise _refused(cut, held, evidence, f"it has no checkpoint of this log: {error}") from None
    if theirs.checkpoint.size <= cut.size:
        reader = LogReader(cut.signed, cut.verified, site)
        if proven := _fork(evidence, log_key, held, reader):
            raise _refused(cut, held, evidence, proven)
        return theirs.checkpoint.size
    why = f"it has {theirs.checkpoint.size} entries, and this site {cut.size}"
    # Where its tiles are not there, nothing can be proven; what it has signed is enough to refuse.
    with suppress(Incomplete, Malformed, Unverified):
        why = _fork(evidence, log_key, cut.signed, LogReader(held, theirs, copy)) or why
    raise _refused(cut, held, evidence, why)


def _fork(evidence: Path, log_key: VerifierKey, smaller: bytes, larger: LogReader) -> str:
    """What the two checkpoints prove, if the larger tree does not begin with the smaller; then it is written down."""
    tree = open_checkpoint(smaller, log_key).checkpoint
    root = larger.root_at(tree.size)
    if root == tree.root:
        return ""
    fork = Fork(log_key, smaller, larger.signed, root, larger.consistency(tree.size))
    return SeenLog(evidence, log_key).convict(fork).text


def _refused(cut: Cut, held: bytes, evidence: Path, why: str) -> Unverified:
    store = DirectoryStore(evidence)
    store.put("here.checkpoint", cut.signed)
    store.put("there.checkpoint", held)
    return Unverified(
        f"its checkpoint is not replaced: {why}",
        hint=f"Both checkpoints are in {printable(str(evidence))}. If this site was restored from a backup, "
        "do not sign with it: that would fork the log.",
    )


def needed(cut: Cut) -> Iterator[tuple[str, ...]]:
    """The files that the cut cannot do without: for each the paths of which one must be there.

    That is the tiles, the bundles of entries, and the lookup files. See `shards` for the rest.
    """
    for index in range(-(-cut.size // WIDTH)):
        yield _forms(tile_of(ENTRIES, index, cut.size))
    level = 0
    while full := cut.size >> (8 * level + 8):
        for index in range(full):
            yield _forms(Tile(level, index))
        level += 1
    yield from map(_forms, edge_tiles(cut.size))
    yield from lookups(cut)


def lookups(cut: Cut) -> Iterator[tuple[str]]:
    """The lookup files among them."""
    if cut.bits is not None:
        yield from ((lookup.path_of(cut.bits, prefix),) for prefix in lookup.prefixes(cut.bits))


def shards(cut: Cut, first: int, site: Fetch) -> Iterator[str]:
    """The paths of the shards, and of the key events, that the entries from `first` on are in; some more than once."""
    reader = LogReader(cut.signed, cut.verified, site)
    for low in range(first, cut.size, _STEP):
        yield from by_shard(enumerate(reader.entries(low, min(low + _STEP, cut.size)), low))


def site_fetch(site: Store) -> Fetch:
    """The files of a log in `site`."""
    return fetch_from(site)


def copy_fetch(get: Callable[..., bytes]) -> Fetch:
    """The files of a log where `get(path, limit=…)` gives them."""
    return lambda path: get(path, limit=limit_of(path))


def _forms(tile: Tile) -> tuple[str, ...]:
    # When a tile is full, the writer removes its partial forms, and readers ask for the full one.
    return (tile.path,) if tile.width == WIDTH else (tile.path, tile.full.path)


def _get(site: Store) -> bytes:
    try:
        return site.get(CHECKPOINT, limit=MAX_CHECKPOINT)
    except NotFound:
        return b""
