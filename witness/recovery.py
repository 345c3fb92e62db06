"""A node's own log, fetched again from copies that others can read, and never an older tree than any of them shows.

Whoever signs on from an older tree forks his log. So all that is known of the log is asked: copies, checkpoints that
others have kept, and what the node itself remembers; the largest tree counts, and all others must be its beginning.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from witness import note, statement
from witness.commitment import is_commitments
from witness.digest import sha256_hex
from witness.entry import statement_in
from witness.errors import Incomplete, InputError, Malformed, NotFound, Unverified, WheelwitnessError
from witness.fetch import HttpFetcher
from witness.keyevent import is_event
from witness.log.cosigner import cosigned_path
from witness.log.hidden import Hidden
from witness.log.journal import Batch, Journal
from witness.log.location import fetch_at
from witness.log.reader import LogReader, fetch_from
from witness.log.writer import CHECKPOINT, exclusive
from witness.mirror import mirror, only_by
from witness.note import VerifierKey
from witness.outbox import acknowledge
from witness.publish import HIDDEN
from witness.store.directory import DirectoryStore
from witness.tlog.checkpoint import Checkpoint, VerifiedCheckpoint, open_checkpoint
from witness.tlog.cosignature import CosignerKey
from witness.tlog.tiles import Fetch

_PATIENCE: Final = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Recovered:
    """The log's tree now, as signed, and which of those that were asked gave no answer, with the reason."""

    signed: bytes
    verified: VerifiedCheckpoint
    silent: tuple[tuple[str, str], ...]

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self.verified.checkpoint.size


@dataclass(frozen=True, slots=True)
class Rejoined:
    """What a log has more than a node's state knew of: the files observed, and observations not to be signed again."""

    files: tuple[str, ...]
    dropped: int


def publication(state: Path) -> AbstractContextManager[None]:
    """Keeps the log of the node with that state as it is meanwhile. Raises Incomplete after a minute's waiting."""
    return exclusive(state, patience=_PATIENCE)


def known_of(state: Path) -> dict[str, bytes]:
    """What a node's state remembers of its log, for `recover`."""
    signed = Journal(DirectoryStore(state)).checkpoint
    return {"what is to be restored": signed} if signed else {}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A checkpoint of the log, and who showed it."""

    by: str
    signed: bytes
    verified: VerifiedCheckpoint

    @property
    def tree(self) -> Checkpoint:
        return self.verified.checkpoint


def recover(
    copies: Sequence[str],
    peers: Sequence[str],
    directory: Path,
    log_key: str,
    cosigner_key: str,
    *,
    known: Mapping[str, bytes],
    contact: str = "",
) -> Recovered:
    """Makes a verified copy of the log in `directory`, from the largest of `copies`.

    Args:
        copies: addresses or directories of sites with the log.
        directory: where the copy is made, in `site/`.
        log_key: the log's vkey.
        cosigner_key: that of the node's own cosigner.
        peers: the same of nodes that may have cosigned it.
        contact: for the User-Agent.
        known: what is remembered of the log besides: signed checkpoints, by what they are, for messages.

    Raises:
        Incomplete: no copy answers, or somebody has seen a larger tree than every copy has.
        Unverified: a copy contradicts another, or what is remembered: the log was forked before.
    """
    try:
        key, cosigner = VerifierKey.parse(log_key), CosignerKey.parse(cosigner_key)
    except Malformed as error:
        raise InputError(f"the log's own keys: {error}") from None
    fetcher = HttpFetcher(contact=contact)
    try:
        asked = _Asked(key, cosigner)
        found = [(asked.of(at, fetch := fetch_at(at, fetcher), CHECKPOINT), fetch) for at in copies]
        held = [(shown, fetch) for shown, fetch in found if shown is not None]
        for at in peers:
            asked.of(at, fetch_at(at, fetcher), cosigned_path(key.name))
        for name, signed in known.items():
            asked.take(name, signed)
        if not held:
            why = "; ".join(f"{at}: {reason}" for at, reason in asked.silent) or "none was named"
            raise Incomplete(
                f"no copy of {key.name} can be read: {why}", hint="Name another one with --site."
            )
        newest, fetch = max(held, key=lambda item: item[0].tree.size)
        asked.check(newest, fetch)
        copied = mirror(fetch, directory, key, (cosigner,))
        if copied.caught:
            raise Unverified("; ".join(caught.text for caught in copied.caught))
        return Recovered(newest.signed, newest.verified, tuple(asked.silent))
    finally:
        fetcher.close()


class _Asked:
    """What was shown of a log, by whomever."""

    def __init__(self, key: VerifierKey, cosigner: CosignerKey) -> None:
        self._key, self._cosigner = key, cosigner
        self._shown: list[_Shown] = []
        self.silent: list[tuple[str, str]] = []

    def of(self, at: str, fetch: Fetch, path: str) -> _Shown | None:
        """The checkpoint that the site at `at` has; None if it gives no answer, or none of ours."""
        try:
            return self.take(at, fetch(path))
        except NotFound:
            self.silent.append((at, "has nothing of this log"))
        except WheelwitnessError as error:
            self.silent.append((at, str(error)))
        return None

    def take(self, by: str, signed: bytes) -> _Shown:
        """Remembers a checkpoint that `by` showed. Raises Malformed, Unverified."""
        ours = only_by(signed, self._key, (self._cosigner,))
        self._shown.append(_Shown(by, ours, open_checkpoint(ours, self._key)))
        return self._shown[-1]

    def check(self, newest: _Shown, fetch: Fetch) -> None:
        """Raises Incomplete or Unverified unless all that was shown is a beginning of `newest`."""
        reader = LogReader(newest.signed, newest.verified, fetch)
        for shown in self._shown:
            if shown.tree.size > newest.tree.size:
                raise Incomplete(
                    f"{shown.by} knows of {shown.tree.size} entries of {self._key.name}, and {newest.by} has only "
                    f"{newest.tree.size}",
                    hint="Signing on from there would fork the log. Name a newer copy with --site.",
                )
            if reader.root_at(shown.tree.size) != shown.tree.root:
                raise Unverified(
                    f"{shown.by} and {newest.by} show two histories of {self._key.name}",
                    hint="The log has been forked. Start a new one, under a new name.",
                )


def rejoin(site: Path, state: Path, outbox: Path, recovered: Recovered) -> Rejoined:
    """Brings a node's `state` and `outbox` up to its log in `site`, so that it can be signed on from there.

    Raises:
        Unverified: a batch that was under way is not a part of the log.
    """
    journal, hidden = Journal(DirectoryStore(state)), Hidden(state / HIDDEN)
    reader = LogReader(recovered.signed, recovered.verified, fetch_from(DirectoryStore(site)))
    known = Checkpoint.parse(note.parse(journal.checkpoint).text).size if journal.checkpoint else 0
    if not _still_pending(journal.pending, reader):
        journal.adopt(recovered.signed)
    names: list[str] = []
    files: list[str] = []
    for index, entry in enumerate(reader.entries(known, recovered.size), known):
        if is_commitments(entry):
            names += hidden.enter(index, entry)
        elif not is_event(entry):
            data = statement_in(entry)
            names.append(sha256_hex(data))
            files.append(statement.parse(data).filename)
            hidden.forget(names[-1:])
    before = {path.stem for path in outbox.glob("*.json")}
    acknowledge(outbox, names)
    return Rejoined(tuple(files), len(before & set(names)))


def _still_pending(batch: Batch | None, reader: LogReader) -> bool:
    """Whether a batch that was under way is still to be published. Raises Unverified."""
    if batch is None or reader.checkpoint.size == batch.first:
        return batch is not None
    tree = Checkpoint.parse(note.parse(batch.checkpoint).text)
    if reader.checkpoint.size < tree.size or reader.root_at(tree.size) != tree.root:
        raise Unverified(
            f"{tree.origin}: the batch that was under way is not a part of the log as it is published",
            hint="The log has been forked. Start a new one, under a new name.",
        )
    return False
