"""Re-verifies a whole log as its witness publishes it: tiles, entries, and the shards that consumers are given.

An entry that the log committed to and that is no observation of its witness, or a shard that is not what the log
has, is a fault. Files of the log that are missing or are not what the checkpoint names are errors: nothing was decided.
"""

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from witness import bundle, lookup, statement
from witness.entry import PinnedKeys
from witness.errors import Malformed, NotFound, Unverified
from witness.escape import printable
from witness.limits import MAX_BUNDLE, MAX_SHARD
from witness.log.reader import LogReader, check_log
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.merkle import leaf_hash, verify_inclusion
from witness.tlog.tiles import Fetch
from witness.verification import WitnessIdentity

MAX_FAULTS: Final = 20  # that are told; the others are counted


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Attributes:
        size: the entries of the log, all of them re-verified.
        artifacts: how many files they are about; each has a shard.
        bundles: how many bundles of shards were verified.
        faults: the first of what is wrong, one line each.
        faults_total: how many there are.
        lookups: how many files for lookups by prefix were verified; None where the site has none.
        checkpoints: the distinct signed checkpoints in the bundles, for whoever remembers them.
    """

    size: int
    artifacts: int
    bundles: int
    lookups: int | None
    faults: tuple[str, ...]
    faults_total: int
    checkpoints: tuple[bytes, ...]


@dataclass(slots=True)
class _Found:
    faults: list[str] = field(default_factory=list)
    total: int = 0

    def add(self, fault: str) -> None:
        self.total += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)


def audit(
    fetch: Fetch,
    identity: WitnessIdentity,
    signed: bytes,
    *,
    shards: bool = True,
    progress: Callable[[int], None] = lambda _: None,
) -> Audit:
    """Re-verifies the log at the checkpoint `signed`, which is that of `identity`'s log.

    Args:
        fetch: the site's files.
        identity: the witness, the log's key, and the keys that may sign entries.
        signed: the checkpoint as it was served.
        shards: whether to read every artifact's shard too, a request for each, and the files for lookups.
        progress: called with the number of entries that have just been read.

    Raises:
        Unverified, Malformed: a tile or an entry is not what the checkpoint says.
        Incomplete: a file is missing, or could not be had.
    """
    found = _Found()
    leaves = _Leaves()

    def visit(first: int, entries: tuple[bytes, ...]) -> None:
        for index, entry in enumerate(entries, first):
            leaves.append(leaf_hash(entry), _subject(index, entry, identity, found))
        progress(len(entries))

    held = _pinned(fetch, signed)
    cosigners = (identity.cosigner_key,) if identity.cosigner_key else ()
    verified = check_log(held, identity.log_key, cosigners, visit)
    checked = _Shards(LogReader(signed, verified, held), leaves, identity, found)
    lookups = None
    if shards:
        for sha256 in sorted(leaves.of):
            checked.check(sha256, fetch)
        lookups = _check_lookups(checked, fetch)
    return Audit(
        size=verified.checkpoint.size,
        artifacts=len(leaves.of),
        bundles=checked.bundles,
        lookups=lookups,
        faults=tuple(found.faults),
        faults_total=found.total,
        checkpoints=tuple(checked.checkpoints),
    )


def _pinned(fetch: Fetch, signed: bytes) -> Fetch:
    """`fetch`, but with the checkpoint that was decided on: the log may grow meanwhile."""
    return lambda path: signed if path == "checkpoint" else fetch(path)


class _Leaves:
    """The leaf hash of each entry, and the indexes of each artifact's."""

    def __init__(self) -> None:
        self._hashes = bytearray()
        self.of: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))

    def append(self, leaf: bytes, sha256: str | None) -> None:
        if sha256 is not None:
            self.of[sha256].append(len(self._hashes) // len(leaf))
        self._hashes += leaf

    def __getitem__(self, index: int) -> bytes:
        return bytes(self._hashes[32 * index : 32 * index + 32])


def _subject(index: int, entry: bytes, identity: WitnessIdentity, found: _Found) -> str | None:
    """The artifact of an entry; None, and a fault, if it is not an observation by the witness."""
    try:
        observed = statement.parse(PinnedKeys(identity.keys).open(entry, index).payload)
    except (Malformed, Unverified) as error:
        found.add(f"entry {index}: no observation by {printable(identity.name)}: {error}")
        return None
    name = observed.observation.builder.name
    if name != identity.name:
        found.add(f"entry {index}: made by {printable(name)!r}")
    return observed.sha256


@dataclass(slots=True)
class _Shards:
    reader: LogReader
    leaves: _Leaves
    identity: WitnessIdentity
    found: _Found
    bundles: int = 0
    seen: dict[str, bytes] = field(default_factory=dict)
    checkpoints: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)

    def check(self, sha256: str, fetch: Fetch) -> None:
        path = bundle.shard_path(sha256)
        try:
            data = fetch(path)
        except NotFound:
            self.found.add(f"{path}: missing, though the log has {len(self.leaves.of[sha256])} entries of it")
            return
        self.check_data(path, sha256, data)

    def check_data(self, path: str, sha256: str, data: bytes) -> None:
        """`data` is served at `path` as the artifact's bundles. What was checked before is not checked again."""
        digest = hashlib.sha256(data).digest()
        if self.seen.get(sha256) == digest:
            return
        self.seen[sha256] = digest
        try:
            held = bundle.parse_shard(data)
        except Malformed as error:
            self.found.add(f"{path}: {error}")
            return
        indexes = [self._verify(path, item) for item in held]
        self._check_complete(path, sha256, indexes, full=len(data) > MAX_SHARD - MAX_BUNDLE)

    def _verify(self, path: str, item: bundle.Bundle) -> int:
        index = item.proof.index
        try:
            size, root = self._tree(item.proof.checkpoint)
            leaf = leaf_hash(item.entry)
            verify_inclusion(leaf, index, size, item.proof.hashes, root)
        except (Malformed, Unverified) as error:
            self.found.add(f"{path}: bundle of entry {index}: {error}")
        else:
            # What is newer than this audit's tree is for the next one.
            if index < self.reader.checkpoint.size and leaf != self.leaves[index]:
                self.found.add(f"{path}: bundle of entry {index}: another entry than the log's")
        self.bundles += 1
        return index

    def _tree(self, signed: bytes) -> tuple[int, bytes]:
        if signed not in self.checkpoints:
            tree = open_checkpoint(signed, self.identity.log_key).checkpoint
            self.checkpoints[signed] = tree.size, tree.root
        return self.checkpoints[signed]

    def _check_complete(self, path: str, sha256: str, indexes: Sequence[int], *, full: bool) -> None:
        expected = list(self.leaves.of[sha256])
        shown = [index for index in indexes if index < self.reader.checkpoint.size]
        if full:
            expected = expected[-len(shown) :]  # a shard that is full has lost its oldest
        if shown != expected:
            missing = sorted(set(expected) - set(shown))
            what = f"holds back entries {missing[:5]}" if missing else "not the log's entries in their order"
            self.found.add(f"{path}: {what}")


def _check_lookups(checked: _Shards, fetch: Fetch) -> int | None:
    """How many files for lookups by prefix there are, after each was held against the log; None if it has none."""
    try:
        bits = lookup.parse_width(fetch(lookup.WIDTH_PATH))
    except NotFound:
        return None
    except Malformed as error:
        checked.found.add(str(error))
        return None
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for sha256 in checked.leaves.of:
        wanted[lookup.prefix_of(sha256, bits)].append(sha256)
    for prefix in lookup.prefixes(bits):
        path = lookup.path_of(bits, prefix)
        try:
            held = lookup.parse(fetch(path), bits, prefix)
        except NotFound:
            checked.found.add(f"{path}: missing")
        except lookup.Full:
            pass  # it says so to everyone who asks
        except Malformed as error:
            checked.found.add(f"{path}: {error}")
        else:
            for sha256 in sorted({*held, *wanted[prefix]}):
                _check_held(checked, path, prefix, sha256, held.get(sha256, ()))
    return 1 << bits


def _check_held(checked: _Shards, path: str, prefix: str, sha256: str, lines: tuple[bytes, ...]) -> None:
    if not lines:
        checked.found.add(f"{path}: without the bundles of {sha256}")
    elif prefix != lookup.prefix_of(sha256, int(path.split("/")[1])):
        checked.found.add(f"{path}: bundles of {sha256}, which has another prefix")
    else:
        checked.check_data(path, sha256, b"".join(line + b"\n" for line in lines))
