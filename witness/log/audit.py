"""Re-verifies a whole log as its witness publishes it: tiles, entries, and the files that consumers are given.

An entry that is neither an observation nor a key event of the log's witness, nor a set of commitments, or a shard or a
list of events that is not what the log has, is a fault. Files of the log that are missing or are not what the
checkpoint names are errors: nothing was decided.
"""

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from witness import bundle, commitment, keyevent, lookup, statement
from witness.commitment import Opening
from witness.entry import Authority, statement_in
from witness.errors import Malformed, NotFound, Unverified
from witness.escape import printable
from witness.keychain import KeyChain, Withdrawn
from witness.limits import MAX_BUNDLE, MAX_SHARD
from witness.log.reader import LogReader, check_log
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.merkle import leaf_hash, verify_inclusion
from witness.tlog.proof import Proof
from witness.tlog.tiles import Fetch
from witness.verification import WitnessIdentity

MAX_FAULTS: Final = 20  # that are told; the others are counted


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found.

    Attributes:
        size: the entries of the log, all of them re-verified.
        artifacts: how many files they are about; each has a shard.
        bundles: how many bundles of shards and events were verified.
        chain: the witness's keys, after all events of the log.
        faults: the first of what is wrong, one line each.
        faults_total: how many there are.
        lookups: how many files for lookups by prefix were verified; None where the site has none.
        checkpoints: the distinct signed checkpoints in the bundles, for whoever remembers them.
        commitments: how many observations the log has committed to.
        opened: how many of them bundles of shards have opened. Who commits to several outcomes, and opens the one that
            suits him, leaves the others.
    """

    size: int
    artifacts: int
    bundles: int
    chain: KeyChain
    lookups: int | None
    faults: tuple[str, ...]
    faults_total: int
    checkpoints: tuple[bytes, ...]
    commitments: int = 0
    opened: int = 0


@dataclass(slots=True)
class _Found:
    faults: list[str] = field(default_factory=list)
    total: int = 0
    commitments: set[str] = field(default_factory=set)

    def add(self, fault: str) -> None:
        self.total += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)


def audit(
    fetch: Fetch,
    identity: WitnessIdentity,
    signed: bytes,
    *,
    authority: Authority | None = None,
    shards: bool = True,
    progress: Callable[[int], None] = lambda _: None,
) -> Audit:
    """Re-verifies the log at the checkpoint `signed`, which is that of `identity`'s log.

    Args:
        fetch: the site's files.
        identity: the witness, the log's key, and the keys that may sign entries.
        signed: the checkpoint as it was served.
        authority: who may sign entries, if it is not those keys.
        shards: whether to read every artifact's shard too, a request for each, and the files for lookups.
        progress: called with the number of entries that have just been read.

    Raises:
        Unverified, Malformed: a tile or an entry is not what the checkpoint says.
        Incomplete: a file is missing, or could not be had.
    """
    found = _Found()
    leaves = _Leaves()
    reading = _Entries(identity.name, KeyChain.pinned(identity), found, authority)

    def visit(first: int, entries: tuple[bytes, ...]) -> None:
        for index, entry in enumerate(entries, first):
            leaves.append(leaf_hash(entry), reading.path_of(index, entry))
        progress(len(entries))

    held = _pinned(fetch, signed)
    cosigners = (identity.cosigner_key,) if identity.cosigner_key else ()
    verified = check_log(held, identity.log_key, cosigners, visit)
    checked = _Shards(LogReader(signed, verified, held), leaves, identity, found)
    checked.check(keyevent.PATH, fetch)
    paths = sorted(set(leaves.of) - {keyevent.PATH})
    lookups = None
    if shards:
        for path in paths:
            checked.check(path, fetch)
        lookups = _check_lookups(checked, fetch)
    return Audit(
        size=verified.checkpoint.size,
        artifacts=len(paths),
        bundles=checked.bundles,
        chain=reading.chain,
        lookups=lookups,
        faults=tuple(found.faults),
        faults_total=found.total,
        checkpoints=tuple(checked.checkpoints),
        commitments=len(found.commitments),
        opened=len(checked.opened),
    )


def _pinned(fetch: Fetch, signed: bytes) -> Fetch:
    """`fetch`, but with the checkpoint that was decided on: the log may grow meanwhile."""
    return lambda path: signed if path == "checkpoint" else fetch(path)


class _Leaves:
    """The leaf hash of each entry, and the indexes of those whose bundles each file of the site should have."""

    def __init__(self) -> None:
        self._hashes = bytearray()
        self.of: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))

    def append(self, leaf: bytes, path: str | None) -> None:
        if path is not None:
            self.of[path].append(len(self._hashes) // len(leaf))
        self._hashes += leaf

    def __getitem__(self, index: int) -> bytes:
        return bytes(self._hashes[32 * index : 32 * index + 32])


@dataclass(slots=True)
class _Entries:
    """Judges each entry by `authority`, or by the keys that speak at its place, as the entries before it have them."""

    name: str
    chain: KeyChain
    found: _Found
    authority: Authority | None = None

    def path_of(self, index: int, entry: bytes) -> str | None:
        """The file that should have the entry's bundle.

        None for commitments, and, with a fault, for what is nothing that the witness says.
        """
        if keyevent.is_event(entry):
            return self._event(index, entry)
        try:
            if commitment.is_commitments(entry):
                self.found.commitments.update(commitment.parse(entry).digests)
                return None
            observed = statement.parse(self._payload(index, entry))
        except (Malformed, Unverified) as error:
            self.found.add(f"entry {index}: no observation by {printable(self.name)}: {error}")
            return None
        name = observed.observation.builder.name
        if name != self.name:
            self.found.add(f"entry {index}: made by {printable(name)!r}")
        return bundle.shard_path(observed.sha256)

    def _payload(self, index: int, entry: bytes) -> bytes:
        try:
            return (self.authority or self.chain).open(entry, index).payload
        except Withdrawn as error:
            self.found.add(str(error))
            return statement_in(entry)

    def _event(self, index: int, entry: bytes) -> str | None:
        try:
            self.chain = self.chain.extended(entry, index)
        except Malformed as error:
            self.found.add(f"entry {index}: {error}")
            return None
        except Unverified as error:
            self.found.add(str(error))
        return keyevent.PATH


@dataclass(slots=True)
class _Shards:
    reader: LogReader
    leaves: _Leaves
    identity: WitnessIdentity
    found: _Found
    bundles: int = 0
    seen: dict[str, bytes] = field(default_factory=dict)
    checkpoints: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)

    def check(self, path: str, fetch: Fetch) -> None:
        """Holds the file at `path` against the log: the same entries in their order, each with a proof that holds."""
        expected = len(self.leaves.of.get(path, ()))
        try:
            data = fetch(path)
        except NotFound:
            if expected:
                self.found.add(f"{path}: missing, though the log has {expected} entries of it")
            return
        self.check_data(path, path, data)

    def check_data(self, path: str, shard: str, data: bytes) -> None:
        """`data` is served at `path` as what is in `shard`. What was checked before is not checked again."""
        digest = hashlib.sha256(data).digest()
        if self.seen.get(shard) == digest:
            return
        self.seen[shard] = digest
        try:
            held = bundle.parse_shard(data)
        except Malformed as error:
            self.found.add(f"{path}: {error}")
            return
        indexes = [self._verify(path, item) for item in held]
        self._check_complete(path, shard, indexes, full=len(data) > MAX_SHARD - MAX_BUNDLE)

    def _verify(self, path: str, item: bundle.Bundle) -> int:
        index = item.proof.index
        try:
            self._prove(item.entry, item.proof)
            if item.opening is not None:
                self._open(item, item.opening)
        except (Malformed, Unverified) as error:
            self.found.add(f"{path}: bundle of entry {index}: {error}")
        self.bundles += 1
        return index

    def _prove(self, entry: bytes, proof: Proof) -> None:
        size, root = self._tree(proof.checkpoint)
        leaf = leaf_hash(entry)
        verify_inclusion(leaf, proof.index, size, proof.hashes, root)
        # What is newer than this audit's tree is for the next one.
        if proof.index < self.reader.checkpoint.size and leaf != self.leaves[proof.index]:
            raise Unverified("another entry than the log's")

    def _open(self, item: bundle.Bundle, opening: Opening) -> None:
        self._prove(opening.entry, opening.proof)
        digest = commitment.blind(opening.salt, statement_in(item.entry))
        if digest not in commitment.parse(opening.entry).digests:
            raise Unverified("its commitment is to something else")
        self.opened.add(digest)

    def _tree(self, signed: bytes) -> tuple[int, bytes]:
        if signed not in self.checkpoints:
            tree = open_checkpoint(signed, self.identity.log_key).checkpoint
            self.checkpoints[signed] = tree.size, tree.root
        return self.checkpoints[signed]

    def _check_complete(self, path: str, shard: str, indexes: Sequence[int], *, full: bool) -> None:
        expected = list(self.leaves.of.get(shard, ()))
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
    for shard in set(checked.leaves.of) - {keyevent.PATH}:
        sha256 = bundle.artifact_of(shard)
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
        checked.check_data(path, bundle.shard_path(sha256), b"".join(line + b"\n" for line in lines))
