"""What a node has committed to and not revealed yet: in the signer's state, private, and whole after any crash.

A statement is written down with its salt before its commitment can be in the log; that its entry is there, is written
down before the log's pending batch is settled (witness.log.journal); and both go when it has been revealed, before
that batch is settled. So whatever was interrupted is found again, and done once.

    statements/<SHA-256>.json   a statement, its salt, and until when it is kept as a canary, if it is one
    committed/<index>.json      an entry of commitments, its statements, and the best proof of it so far
"""

import os
import re
import secrets
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from witness import canonical, commitment
from witness.base64text import decode_base64, encode_base64
from witness.commitment import CLOCKS, SALT_BYTES, Commitments, Opening
from witness.digest import SHA256_HEX, sha256_hex
from witness.errors import Incomplete, Malformed, NotFound
from witness.limits import KIB, MAX_COMMITMENTS, MAX_STATEMENT
from witness.log.reader import LogReader
from witness.note import VerifierKey
from witness.store.directory import DirectoryStore
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.cosignature import CosignerKey
from witness.tlog.proof import MAX_PROOF, Proof

_NAME: Final = re.compile(r"([0-9a-f]{64}|0|[1-9][0-9]{0,18})\.json")
_MAX_WAITING: Final = 2 * MAX_STATEMENT
_MAX_ENTRY: Final = 64 * KIB + 2 * MAX_PROOF


@dataclass(frozen=True, slots=True)
class Waiting:
    """A statement that waits to be revealed. `held_until`: it is a canary, in seconds since 1970; 0 if it is none."""

    statement: bytes
    salt: bytes
    held_until: int = 0

    @property
    def held(self) -> bool:
        """Whether it is a canary."""
        return self.held_until > 0

    @property
    def name(self) -> str:
        """The statement's digest."""
        return sha256_hex(self.statement)

    @property
    def commitment(self) -> str:
        """The digest that is in the log."""
        return commitment.blind(self.salt, self.statement)


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry of commitments in the log, with the names of its statements, and a proof that others cosigned."""

    index: int
    entry: bytes
    names: tuple[str, ...]
    proof: Proof | None = None

    @property
    def commitments(self) -> Commitments:
        """What the entry holds."""
        return commitment.parse(self.entry)


class Hidden:
    """The statements in the directory `root`, for the log's only writer (`open_writer`) or for reading."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._store = DirectoryStore(root, private=True)
        self._kept: dict[str, str] = {}  # commitment to name, of this run

    def keep(self, statement: bytes, held_until: int = 0) -> Waiting:
        """Writes down `statement` with a salt; as it was, if it is there already."""
        try:
            waiting = self._waiting(sha256_hex(statement))
        except NotFound:
            waiting = Waiting(statement, secrets.token_bytes(SALT_BYTES), held_until)
            self._put(waiting)
        self._kept[waiting.commitment] = waiting.name
        return waiting

    def enter(self, index: int, entry: bytes) -> tuple[str, ...]:
        """`entry` is in the log at `index`; returns the names of its statements that are here."""
        digests = commitment.parse(entry).digests
        if not self._kept.keys() >= set(digests):  # an earlier run kept them
            self._kept |= {item.commitment: item.name for item in self.waiting()}
        names = tuple(sorted(self._kept[digest] for digest in digests if digest in self._kept))
        if not self._store.exists(_path(index)):
            self._enter(Entered(index, entry, names))
        return names

    def committed(self) -> frozenset[str]:
        """The names of statements whose commitment is in the log, and that are not revealed yet."""
        return frozenset(name for item in self.entered() for name in item.names)

    def prove(self, reader: LogReader, log_key: VerifierKey, cosigners: Iterable[CosignerKey]) -> None:
        """Keeps the reader's checkpoint as proof of each entry of which more `cosigners` saw it in time."""
        keys = tuple(cosigners)
        for item in self.entered():
            if item.index < reader.checkpoint.size:
                before = item.commitments.not_before
                held = _useful(item.proof.checkpoint, log_key, keys, before) if item.proof else 0
                if _useful(reader.signed, log_key, keys, before) > held:
                    self._enter(replace(item, proof=reader.proof(item.index)))

    def due(self, now: datetime) -> Iterator[bytes]:
        """The statements that may be revealed now, which may be forgotten meanwhile."""
        for item in self.entered():
            if item.commitments.not_before <= now:
                ripe = (waiting for waiting in self._of(item) if waiting.held_until <= now.timestamp())
                yield from (waiting.statement for waiting in ripe)

    def openings(self, names: Iterable[str], proof: Callable[[int], Proof]) -> Mapping[str, Opening]:
        """The opening of each statement of `names` that was committed to.

        `proof` proves the entries of which no cosignature was kept.
        """
        wanted = set(names)
        if not wanted:
            return {}
        return {
            waiting.name: Opening(item.entry, waiting.salt, item.proof or proof(item.index))
            for item in self.entered()
            for waiting in self._of(item, wanted)
        }

    def forget(self, names: Iterable[str]) -> None:
        """The statements of `names` have been revealed."""
        gone = set(names)
        if not gone:
            return
        for name in gone:
            self._store.remove(f"statements/{name}.json")
        for item in self.entered():
            if not any(self._store.exists(f"statements/{name}.json") for name in item.names):
                self._store.remove(_path(item.index))

    def release(self, name: str) -> None:
        """The statement is no canary any more. Raises NotFound."""
        self._put(replace(self._waiting(name), held_until=0))

    def waiting(self) -> Iterator[Waiting]:
        """All statements, those whose commitment was never logged among them."""
        for name in self._names("statements"):
            yield self._waiting(name)

    def entered(self) -> Iterator[Entered]:
        """The entries in the log of which something waits."""
        for name in sorted(self._names("committed"), key=int):
            try:
                data = self._store.get(_path(int(name)), limit=_MAX_ENTRY)
            except NotFound:  # forgotten meanwhile
                continue
            yield _parse_entered(int(name), data)

    def _of(self, item: Entered, wanted: Container[str] | None = None) -> Iterator[Waiting]:
        for name in item.names:
            if wanted is not None and name not in wanted:
                continue
            try:
                yield self._waiting(name)
            except NotFound:  # revealed already
                continue

    def _waiting(self, name: str) -> Waiting:
        return _parse_waiting(self._store.get(f"statements/{name}.json", limit=_MAX_WAITING))

    def _put(self, item: Waiting) -> None:
        value = {
            "heldUntil": item.held_until,
            "salt": encode_base64(item.salt),
            "statement": encode_base64(item.statement),
        }
        self._store.put(f"statements/{item.name}.json", canonical.dumps(value))

    def _enter(self, item: Entered) -> None:
        value = {
            "entry": encode_base64(item.entry),
            "names": list(item.names),
            "proof": item.proof.text if item.proof else None,
        }
        self._store.put(_path(item.index), canonical.dumps(value))

    def _names(self, directory: str) -> list[str]:
        try:
            with os.scandir(self._root / directory) as entries:
                return [match[1] for entry in entries if (match := _NAME.fullmatch(entry.name))]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Incomplete(f"{self._root}: cannot be read: {error.strerror}") from None


def _useful(signed: bytes, log_key: VerifierKey, cosigners: tuple[CosignerKey, ...], before: datetime) -> int:
    """How many of `cosigners` cosigned the checkpoint well before that time."""
    opened = open_checkpoint(signed, log_key, cosigners)
    return len(
        {item.key for item in opened.cosignatures if datetime.fromtimestamp(item.at, UTC) + CLOCKS < before}
    )


def _path(index: int) -> str:
    return f"committed/{index}.json"


def _parse_waiting(data: bytes) -> Waiting:
    value = _object(data, _MAX_WAITING, {"heldUntil", "salt", "statement"})
    held, salt, statement = value["heldUntil"], value["salt"], value["statement"]
    if type(held) is not int or not isinstance(salt, str) or not isinstance(statement, str):
        raise Malformed("hidden: a statement that this program has not written")
    return Waiting(
        decode_base64(statement, what="hidden: statement"), decode_base64(salt, what="hidden: salt"), held
    )


def _parse_entered(index: int, data: bytes) -> Entered:
    value = _object(data, _MAX_ENTRY, {"entry", "names", "proof"})
    entry, names, proof = value["entry"], value["names"], value["proof"]
    if not isinstance(entry, str) or not isinstance(names, list) or len(names) > MAX_COMMITMENTS:
        raise Malformed("hidden: an entry that this program has not written")
    if not all(isinstance(name, str) and SHA256_HEX.fullmatch(name) for name in names):
        raise Malformed("hidden: a name that is no digest")
    if proof is not None and not isinstance(proof, str):
        raise Malformed("hidden: a proof that is no text")
    parsed = Proof.parse(proof) if proof is not None else None
    return Entered(index, decode_base64(entry, what="hidden: entry"), tuple(names), parsed)


def _object(data: bytes, limit: int, keys: set[str]) -> dict[str, Any]:
    value = canonical.loads_canonical(data, what="hidden", limit=limit)
    if not isinstance(value, dict) or set(value) != keys:
        raise Malformed("hidden: not a record that this program has written")
    return value
