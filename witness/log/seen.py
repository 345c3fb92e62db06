"""What a reader has seen of logs before, so that a log cannot show him one history today and another tomorrow.

In a directory of the reader's own: for each log the checkpoints that he saw, and evidence of every contradiction, which
is written before anybody is told of it.

    logs/<SHA-256 of the log's key>.jsonl                            signed checkpoints, a JSON string a line, by size
    evidence/<SHA-256 of the log's key>/<SHA-256 of the file>.json   witness.tlog.contradiction

A log that was convicted once stays so, until the reader removes the evidence.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from witness import canonical
from witness.digest import sha256_hex
from witness.errors import Incomplete, Malformed, NotFound, Unverified
from witness.escape import printable
from witness.limits import MAX_CHECKPOINT
from witness.log.reader import LogReader
from witness.note import VerifierKey
from witness.store.directory import DirectoryStore
from witness.tlog.checkpoint import VerifiedCheckpoint, open_checkpoint
from witness.tlog.contradiction import MAX_CONTRADICTION, Contradiction, Fork, encode, find, parse
from witness.tlog.cosignature import CosignerKey
from witness.tlog.tiles import Fetch

MAX_REMEMBERED: Final = 64  # checkpoints of one log
MAX_CONVICTIONS: Final = 8  # of one log: it need not be convicted without end

_Tree: TypeAlias = tuple[int, bytes]  # size and root


@dataclass(frozen=True, slots=True)
class Caught:
    """A contradiction, what it proves, and where its evidence was saved, if it could be."""

    evidence: Contradiction
    proven: str
    path: str | None

    @property
    def text(self) -> str:
        """One line for people."""
        where = f"evidence: {self.path}" if self.path else "the evidence could not be saved"
        return f"{self.proven} ({where})"


class SeenLog:
    """The memory of one log. `cosigners` are keys whose times are compared, the node's own at least."""

    def __init__(self, state: Path, log_key: VerifierKey, cosigners: Sequence[CosignerKey] = ()) -> None:
        """Raises `Incomplete` if what is remembered cannot be read."""
        self._state = state
        self._store = DirectoryStore(state)
        self._key = log_key
        self._cosigners = tuple(cosigners)
        name = sha256_hex(log_key.text.encode())
        self._path, self._evidence = f"logs/{name}.jsonl", f"evidence/{name}"
        self._saved = self._read()
        self._signed: dict[_Tree, bytes] = {}
        self._opened: dict[_Tree, VerifiedCheckpoint] = {}
        self._order: list[_Tree] = []
        for data in self._saved:
            self._keep(data)
        self._convictions = self._read_evidence()

    @property
    def newest(self) -> bytes | None:
        """The largest checkpoint that is remembered."""
        return self._signed[max(self._signed)] if self._signed else None

    @property
    def convictions(self) -> tuple[Caught, ...]:
        """All that was proven against the log, today or before."""
        return tuple(self._convictions)

    def see(self, signed: bytes) -> tuple[Caught, ...]:
        """Remembers the checkpoint `signed`; what it newly proves together with the others, without the log's tiles.

        Raises:
            Malformed, Unverified: it is not a checkpoint of this log.
        """
        opened = open_checkpoint(signed, self._key, self._cosigners)
        tree = opened.checkpoint.size, opened.checkpoint.root
        if len(self._convictions) >= MAX_CONVICTIONS:
            return ()
        before = len(self._convictions)
        for key in self._neighbours(tree):
            found = find(self._opened[key], opened, (self._signed[key], signed), self._key, self._cosigners)
            if found is not None:
                self.convict(found)
        self._remember(tree, signed, opened)
        return tuple(self._convictions[before:])

    def _neighbours(self, tree: _Tree) -> list[_Tree]:
        """`tree`, and those before and after it by size: with times that go up with sizes, and keys that follow each
        other, only with these can it be at odds.

        However many checkpoints a hostile log makes up, each costs a search.
        """
        at = bisect_left(self._order, tree)
        return self._order[max(0, at - 1) : at + 2]

    def _remember(self, tree: _Tree, signed: bytes, opened: VerifiedCheckpoint) -> None:
        if tree not in self._opened:
            insort(self._order, tree)
        elif len(opened.links) <= len(self._opened[tree].links):
            return
        self._signed[tree] = signed
        self._opened[tree] = opened

    def compare(self, fetch: Fetch) -> tuple[Caught, ...]:
        """Holds every remembered checkpoint against the largest one, whose tiles `fetch` gets.

        Without a contradiction, only the largest is remembered from then on, which stands for the others.

        Raises:
            Unverified, Malformed, FetchFailed: the tiles that it takes are not served as they should be.
        """
        newest = self.newest
        if newest is None:
            return ()
        reader = LogReader(newest, open_checkpoint(newest, self._key), fetch)
        top = max(self._signed)
        forks = [
            fork for key in sorted(self._signed) if (fork := self._fork(reader, self._signed[key], key, top))
        ]
        if not forks:
            self._signed = {top: newest}
            self._opened = {top: self._opened[top]}
            self._order = [top]
        return tuple(map(self.convict, forks[:MAX_CONVICTIONS]))

    def save(self) -> None:
        """Writes down what is remembered. Raises `Incomplete` if it cannot."""
        kept = [self._signed[key] for key in sorted(self._signed)[-MAX_REMEMBERED:]]
        if kept != self._saved:
            self._store.put(self._path, b"".join(canonical.dumps(data.decode()) + b"\n" for data in kept))
            self._saved = kept

    def convict(self, evidence: Contradiction) -> Caught:
        """Writes down `evidence`, unless there is enough, and says where. Raises `Unverified` if it does not hold."""
        proven = evidence.prove()
        known = next((item for item in self._convictions if item.evidence == evidence), None)
        if known is not None:
            return known
        caught = Caught(evidence, proven, None)
        if len(self._convictions) < MAX_CONVICTIONS:
            caught = Caught(evidence, proven, self._write(evidence))
            self._convictions.append(caught)
        return caught

    def _write(self, evidence: Contradiction) -> str | None:
        data = encode(evidence)
        path = f"{self._evidence}/{sha256_hex(data)}.json"
        try:
            self._store.add(path, data)
        except (Incomplete, Unverified):
            return None
        return printable(str(self._state / path))

    def _fork(self, reader: LogReader, signed: bytes, tree: _Tree, top: _Tree) -> Contradiction | None:
        size, root = tree
        found = reader.root_at(size)
        if tree == top or found == root:
            return None
        return Fork(self._key, signed, reader.signed, found, reader.consistency(size))

    def _read(self) -> list[bytes]:
        try:
            data = self._store.get(self._path, limit=2 * MAX_REMEMBERED * MAX_CHECKPOINT)
        except NotFound:
            return []
        lines = data.split(b"\n")[:-1]
        try:
            values = [canonical.loads(line, what="seen", limit=2 * MAX_CHECKPOINT) for line in lines]
            return [value.encode() for value in values if isinstance(value, str)]
        except Malformed as error:
            raise self._unusable(error) from None

    def _read_evidence(self) -> list[Caught]:
        """What earlier runs proved, proven anew."""
        directory = self._state / self._evidence
        try:
            paths = sorted(directory.glob("*.json"))[:MAX_CONVICTIONS] if directory.is_dir() else []
        except OSError as error:
            raise Incomplete(f"{printable(str(directory))}: {error.strerror}") from None
        return [self._prove(path) for path in paths]

    def _prove(self, path: Path) -> Caught:
        shown = printable(str(path))
        try:
            evidence = parse(self._store.get(f"{self._evidence}/{path.name}", limit=MAX_CONTRADICTION))
            proven = evidence.prove()
        except (NotFound, Malformed, Unverified) as error:
            raise Incomplete(f"{shown}: proves nothing: {error}", hint="Move it away.") from None
        if evidence.log_key != self._key:
            raise Incomplete(f"{shown}: against another log", hint="Move it away.")
        return Caught(evidence, proven, shown)

    def _keep(self, data: bytes) -> None:
        try:
            opened = open_checkpoint(data, self._key, self._cosigners)
        except (Malformed, Unverified) as error:
            raise self._unusable(error) from None
        self._remember((opened.checkpoint.size, opened.checkpoint.root), data, opened)

    def _unusable(self, error: Exception) -> Incomplete:
        path = printable(str(self._state / self._path))
        return Incomplete(
            f"{path}: what was remembered of a log cannot be read: {error}", hint="Move it away."
        )
