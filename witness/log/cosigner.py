"""Cosigns other logs' checkpoints: the role that C2SP calls "witness" (c2sp.org/tlog-witness).

A cosigner vouches that each tree of a log that it signs begins with every tree of that log that it signed before. So
the newest is on disk before its cosignature leaves, and comparing and replacing it is one step, for all threads and
processes that share the state. The state must never be restored from a backup: the cosigner would vouch for trees
that it had vouched against.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from witness import files, note
from witness.digest import sha256_hex
from witness.errors import Incomplete, InputError, Malformed, NotFound, Unverified
from witness.escape import printable
from witness.limits import MAX_CHECKPOINT
from witness.log.reader import LogReader
from witness.note import Note, VerifierKey
from witness.signing.named import CheckpointCosigner
from witness.store.directory import DirectoryStore
from witness.store.interface import Store
from witness.tlog.addition import Addition
from witness.tlog.checkpoint import Checkpoint, VerifiedCheckpoint, open_checkpoint
from witness.tlog.contradiction import Contradiction, Fork, find
from witness.tlog.merkle import EMPTY_ROOT, verify_consistency
from witness.tlog.succession import lines_of_log

_DIRECTORY: Final = "cosigned"


class UnknownLog(Unverified):
    """Of a log that this cosigner was not told to cosign."""


class NotSigned(Unverified):
    """Not signed by the log."""


class Inconsistent(Unverified):
    """Does not follow from what was cosigned, or the log was convicted before. `evidence` is new proof, if any."""

    def __init__(self, message: str, evidence: Contradiction | None = None) -> None:
        super().__init__(message)
        self.evidence = evidence


class OtherSize(Incomplete):
    """The request starts from another tree than the newest that was cosigned, whose size is `size`."""

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


def cosigned_path(origin: str) -> str:
    """Where a node's site has the newest checkpoint of the log `origin` that the node cosigned."""
    return f"{_DIRECTORY}/{sha256_hex(origin.encode())}/checkpoint"


def evidence_path(origin: str) -> str:
    """Where a node's site has evidence against the log `origin`, which the node then cosigns no more."""
    return f"evidence/{sha256_hex(origin.encode())}.json"


class Cosigner:
    """Cosigns the logs in `logs`, by their origins, by each of `keys`, which are one cosigner's.

    All of them sign the same trees at the same times, by one state, so that none can be played off against another.

    Args:
        state: a directory of its own, not published, which decides what may be signed.
        site: where consumers and logs find the cosigned checkpoints.
    """

    def __init__(
        self, keys: Sequence[CheckpointCosigner], logs: Mapping[str, VerifierKey], state: Path, site: Store
    ) -> None:
        self._keys = tuple(keys)
        self._logs = dict(logs)
        self._state = state
        self._store = DirectoryStore(state)
        self._site = site

    def newest(self, origin: str) -> bytes | None:
        """The newest checkpoint of `origin` that was cosigned, with the cosignature. Raises `Incomplete`."""
        try:
            return self._store.get(cosigned_path(origin), limit=MAX_CHECKPOINT)
        except NotFound:
            return None

    def add(self, request: Addition, *, at: int) -> tuple[note.Signature, ...]:
        """The cosignatures of the checkpoint in `request`, once they are on disk; `at` is in seconds since 1970.

        Raises:
            Malformed: what it holds is no checkpoint, or smaller than its old size.
            UnknownLog, NotSigned: nothing to cosign.
            OtherSize: it does not start from the newest tree that was cosigned.
            Inconsistent: it does, and does not follow from it.
            Incomplete: the disk failed; nothing was signed.
        """
        tree, opened = self._open(request)
        with self._alone():
            known = self.newest(tree.origin)
            keys = [key.key for key in self._keys]
            before = open_checkpoint(known, self._logs[tree.origin], keys) if known else None
            self._check(request, opened, known, before)
            times = [cosignature.at for cosignature in before.cosignatures] if before else []
            text, now = tree.text, max(at, *times, 0)
            signatures = tuple(key.sign(text, now) for key in self._keys)
            signed = note.encode(Note(text, (*self._of_the_log(request, tree.origin), *signatures)))
            open_checkpoint(signed, self._logs[tree.origin], keys)  # no signer that fails is believed
            path = cosigned_path(tree.origin)
            self._store.put(path, signed)
            self._site.put(path, signed)
        return signatures

    def _open(self, request: Addition) -> tuple[Checkpoint, VerifiedCheckpoint]:
        tree = Checkpoint.parse(note.parse(request.checkpoint).text)
        if tree.origin not in self._logs:
            raise UnknownLog(f"not a log to be cosigned here: {printable(tree.origin)!r}")
        try:
            opened = open_checkpoint(request.checkpoint, self._logs[tree.origin])
        except Unverified as error:
            raise NotSigned(str(error)) from None
        if self._site.exists(path := evidence_path(tree.origin)):
            raise Inconsistent(f"{printable(tree.origin)}: contradicted itself before (evidence: {path})")
        if tree.size < request.old:
            raise Malformed(f"add-checkpoint: {tree.size} entries cannot follow {request.old}")
        return tree, opened

    def _check(
        self,
        request: Addition,
        opened: VerifiedCheckpoint,
        known: bytes | None,
        before: VerifiedCheckpoint | None,
    ) -> None:
        tree = opened.checkpoint
        old = before.checkpoint if before else Checkpoint(tree.origin, 0, EMPTY_ROOT)
        shown = printable(tree.origin)
        if request.old != old.size:
            raise OtherSize(f"{shown}: the newest tree that was cosigned has {old.size} entries", old.size)
        if known is not None and before is not None:
            found = find(before, opened, (known, request.checkpoint), self._logs[tree.origin])
            if found is not None:
                raise Inconsistent(f"{shown}: {found.prove()}", found)
            # Else what was heard of the log's new key would be forgotten.
            if len(opened.links) < len(before.links):
                raise NotSigned(f"{shown}: signed by a key that the log has replaced")
        try:
            verify_consistency(old.size, old.root, tree.size, tree.root, request.proof)
        except Unverified as error:
            raise Inconsistent(f"{shown}: {error}") from None

    def _of_the_log(self, request: Addition, origin: str) -> tuple[note.Signature, ...]:
        return lines_of_log(note.parse(request.checkpoint), self._logs[origin])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Waits for whoever is at it."""
        try:
            self._state.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise InputError(
                f"{self._state}: cannot keep the cosigner's state there: {error.strerror}"
            ) from None
        try:
            files.lock(descriptor)
            yield
        finally:
            os.close(descriptor)


def pull(
    cosigner: Cosigner, reader: LogReader, log_key: VerifierKey, *, at: int
) -> tuple[note.Signature, ...]:
    """Cosigns the log that `reader` has opened, with the consistency proof from its own tiles.

    Raises:
        Inconsistent: the log does not begin with what was cosigned; there is evidence.
        Incomplete: it is older than what was cosigned, or a file could not be had.
        Unverified, Malformed: its tiles are not those of its checkpoint.
    """
    tree = reader.checkpoint
    known = cosigner.newest(tree.origin)
    if known is None:
        return cosigner.add(Addition(0, (), reader.signed), at=at)
    before = open_checkpoint(known, log_key).checkpoint
    shown = printable(tree.origin)
    if tree.size < before.size:
        raise Incomplete(f"{shown}: serves {tree.size} entries, and {before.size} were cosigned before")
    root, proof = reader.root_at(before.size), reader.consistency(before.size)
    if root != before.root:
        fork = Fork(log_key, known, reader.signed, root, proof)
        raise Inconsistent(f"{shown}: {fork.prove()}", fork)
    return cosigner.add(Addition(before.size, proof, reader.signed), at=at)
