"""From unsigned observations in an outbox to signed, logged bundles on a node's site. The process that holds the keys.

Unlinking a file of the outbox (witness.outbox) says that its observation is in the log and that its bundle is
published; or, on a node that commits first, that its commitment is in the log and that it waits in the signer's state
(witness.log.hidden). Whatever the point at which a run ends, the next one loses and doubles nothing: the log's pending
batch (witness.log.writer) lasts until the last file is unlinked.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from witness import bundle, commitment, statement
from witness.commitment import is_commitments
from witness.digest import sha256_hex
from witness.entry import statement_in
from witness.errors import Incomplete, InputError, Malformed, NotFound, Unverified
from witness.escape import printable
from witness.keyevent import is_event
from witness.limits import MAX_CHECKPOINT, MAX_COMMITMENTS
from witness.log.hidden import Hidden
from witness.log.journal import Batch
from witness.log.reader import LogReader, fetch_from
from witness.log.shards import add_bundles, read_shard
from witness.log.writer import COLLECTED, LogWriter, open_writer
from witness.outbox import Refused, Waiting, acknowledge, refuse, waiting
from witness.signing.named import NodeSigners
from witness.store.directory import DirectoryStore
from witness.store.interface import Store
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.cosignature import CosignerKey

MAX_BATCH: Final = 1024  # entries appended, and held in memory, at once
HIDDEN: Final = "hidden"  # of the state: what was committed to
CANARY_TIME: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Published:
    """What a run did.

    Attributes:
        count: observations that it published, those of an interrupted run among them.
        first: the index of the first of them, or None.
        size: the entries in the log now.
        refused: what it would not sign.
        committed: observations that it committed to, to be revealed later.
    """

    count: int
    first: int | None
    size: int
    refused: tuple[Refused, ...]
    committed: int = 0


@dataclass(frozen=True, slots=True)
class Committing:
    """That a node commits to observations first, for windows of so many `hours`, one of `commitment.WINDOWS`.

    `canaries` is how many mismatches it may keep hidden for `CANARY_TIME` longer, to see who says match; it keeps one
    in `one_in`, so that nobody can tell which of those it has not revealed.
    """

    hours: int
    canaries: int = 0
    one_in: int = 4


def publish_outbox(
    outbox: Path,
    site: Store,
    state: Path,
    node: NodeSigners,
    *,
    now: datetime,
    patience: float = 0.0,
    committing: Committing | None = None,
    cosigner_keys: Sequence[str] = (),
) -> Published:
    """Signs, logs and publishes what is in `outbox`, after finishing what an earlier run began.

    Args:
        outbox: the directory that `rebuilders.outbox` writes.
        site: what is served; the log lies at its top.
        state: this node's own directory, not served, for the lock, the journal and what is hidden.
        node: the keys, and the node's name, the only one that it signs for.
        now: the time of the node's cosignature.
        patience: how many seconds to wait for another run, or for `rebuilder cosign`.
        committing: how to commit to what is in `outbox`; None to publish it at once. What an earlier run committed to
            is revealed when it is due, in either case.
        cosigner_keys: vkeys of others, whose cosignatures prove the time of a commitment.

    Raises:
        Incomplete: another run is under way, a disk failed, or who is needed to sign cannot be reached. What was signed
            until then has been published.
        InputError: a directory or a key cannot be used.
        Unverified: the site is not as this node left it.
    """
    cosigners = _keys(cosigner_keys)
    refused: list[Refused] = []
    count, first, committed = 0, None, 0
    with open_writer(site, state, node.log, *node.cosigners, patience=patience) as writer:
        run = _Run(
            outbox, site, node, writer, Hidden(state / HIDDEN), state, now, committing, cosigners, refused
        )
        for batch in run.batches(waiting(outbox, node.name, refused, at_once=MAX_BATCH)):
            revealed = [index for index, _ in _observations(batch)]
            committed += run.finish(batch)
            count += len(revealed)
            first = revealed[0] if first is None and revealed else first
        return Published(count, first, writer.checkpoint.size, tuple(refused), committed)


def settle_outbox(
    outbox: Path, site: Store, state: Path, node: NodeSigners, *, patience: float = 0.0
) -> None:
    """Finishes what an earlier run began, and begins nothing. Signs nothing. Raises as `publish_outbox`."""
    with open_writer(site, state, node.log, *node.cosigners, patience=patience) as writer:
        _Growth(outbox, site, node, writer, Hidden(state / HIDDEN)).settle()


def publish_event(
    outbox: Path,
    site: Store,
    state: Path,
    node: NodeSigners,
    event: Callable[[int], bytes],
    *,
    now: datetime,
    patience: float = 0.0,
) -> int:
    """Logs and publishes the key event that `event` gives for the index that it will have, which is returned.

    Raises:
        Incomplete, InputError, Unverified: see `publish_outbox`.
        whatever `event` raises: nothing was logged.
    """
    with open_writer(site, state, node.log, *node.cosigners, patience=patience) as writer:
        growth = _Growth(outbox, site, node, writer, Hidden(state / HIDDEN))
        growth.settle()
        batch = writer.append([event(writer.checkpoint.size)], at=int(now.timestamp()))
        growth.finish(batch)
        return batch.first


@dataclass(frozen=True, slots=True)
class _Growth:
    """The log in the hands of its only writer, and all that follows from what it grows by."""

    outbox: Path
    site: Store
    node: NodeSigners
    writer: LogWriter
    hidden: Hidden

    def settle(self) -> None:
        """Finishes the batch of an interrupted run, if there is one."""
        if self.writer.pending is not None:
            self.finish(self.writer.pending)

    def finish(self, batch: Batch) -> int:
        """Does all that follows from `batch`; returns how many observations it commits to."""
        commitments = [item for item in enumerate(batch.entries, batch.first) if is_commitments(item[1])]
        names = [name for index, entry in commitments for name in self.hidden.enter(index, entry)]
        self._add_bundles(batch)
        revealed = [sha256_hex(statement_in(entry)) for _, entry in _observations(batch)]
        self.hidden.forget(revealed)
        acknowledge(self.outbox, [*names, *revealed])
        self.writer.settle()
        return len(names)

    def _add_bundles(self, batch: Batch) -> None:
        """Puts a bundle for each entry at the end of its artifact's shard, or of the key events, unless it is there."""
        verified = open_checkpoint(batch.checkpoint, self.node.log.key)
        reader = LogReader(batch.checkpoint, verified, fetch_from(self.site))
        names = {sha256_hex(statement_in(entry)): entry for _, entry in _observations(batch)}
        openings = self.hidden.openings(names, reader.proof)
        add_bundles(
            self.site,
            reader,
            enumerate(batch.entries, batch.first),
            {names[name]: opening for name, opening in openings.items()},
        )


@dataclass(frozen=True, slots=True)
class _Run(_Growth):
    """One run that publishes an outbox."""

    state: Path
    now: datetime
    committing: Committing | None
    cosigners: tuple[CosignerKey, ...]
    refused: list[Refused]

    def batches(self, waiting: Iterator[list[Waiting]]) -> Iterator[Batch]:
        """The pending batch, what is new, and what is to be revealed: each appended when it is asked for.

        To commit takes no signature, so that nobody who cannot be reached keeps a node from it.
        """
        if self.writer.pending is not None:
            yield self.writer.pending
        self._prove()
        for items in waiting:
            fresh = _without_published(self.site, items, self.hidden.committed())
            if fresh and self.committing:
                yield self._append(self._blinded(fresh, self.committing))
            elif fresh:
                yield from self._sealed((item.data, item.path) for item in fresh)
        due = self.hidden.due(self.now)
        while ripe := sorted(islice(due, MAX_BATCH), key=_finished):
            yield from self._sealed((data, None) for data in ripe)

    def _append(self, entries: Sequence[bytes]) -> Batch:
        return self.writer.append(entries, at=int(self.now.timestamp()))

    def _sealed(self, items: Iterable[tuple[bytes, Path | None]]) -> Iterator[Batch]:
        """What of `items` can be signed; then raises what kept the rest from it. What was signed is worth keeping."""
        entries, failed = [], None
        for data, path in items:
            try:
                entries.append(self.node.sealer.seal(data))
            except Malformed as error:
                # Without a file in the outbox, it stays hidden, and is told again.
                told = Refused(sha256_hex(data), printable(str(error)))
                self.refused.append(refuse(path, str(error)) if path else told)
            except (Incomplete, InputError, Unverified) as error:
                failed = error
                break
        if entries:
            yield self._append(entries)
        if failed is not None:
            raise failed

    def _blinded(self, items: Sequence[Waiting], how: Committing) -> list[bytes]:
        """Entries that commit to `items`, which are kept first."""
        until = commitment.end_of_window(self.now, how.hours)
        kept = []
        for item in items:
            held = until + CANARY_TIME if self._is_canary(item, how) else None
            kept.append(self.hidden.keep(item.data, int(held.timestamp()) if held else 0).commitment)
        parts = (kept[low : low + MAX_COMMITMENTS] for low in range(0, len(kept), MAX_COMMITMENTS))
        return [commitment.encode(commitment.commit(part, until)) for part in parts]

    def _is_canary(self, item: Waiting, how: Committing) -> bool:
        if (
            not how.canaries
            or item.statement.observation.result != "mismatch"
            or secrets.randbelow(how.one_in)
        ):
            return False
        return sum(waiting.held for waiting in self.hidden.waiting()) < how.canaries

    def _prove(self) -> None:
        """Keeps what others have cosigned since, before the log grows and it is gone."""
        for signed in (self._collected(), self.writer.signed):
            if signed and self.cosigners:
                verified = open_checkpoint(signed, self.node.log.key)
                reader = LogReader(signed, verified, fetch_from(self.site))
                self.hidden.prove(reader, self.node.log.key, self.cosigners)

    def _collected(self) -> bytes:
        try:
            return DirectoryStore(self.state).get(COLLECTED, limit=MAX_CHECKPOINT)
        except NotFound:
            return b""


def _keys(texts: Sequence[str]) -> tuple[CosignerKey, ...]:
    try:
        return tuple(map(CosignerKey.parse, texts))
    except Malformed as error:
        raise InputError(f"cosigner-key: {error}", hint="Copy the whole key from the peer.") from None


def _observations(batch: Batch) -> list[tuple[int, bytes]]:
    entries = enumerate(batch.entries, batch.first)
    return [item for item in entries if not is_commitments(item[1]) and not is_event(item[1])]


def _finished(data: bytes) -> tuple[datetime, str]:
    """By which a shard has the newest observation last."""
    return statement.parse(data).observation.attempt.finished_at, sha256_hex(data)


def _without_published(site: Store, waiting: Sequence[Waiting], committed: frozenset[str]) -> list[Waiting]:
    """`waiting` without what is published or `committed` to already, which is acknowledged.

    A rebuilder may say a thing twice.
    """
    shards: dict[str, frozenset[bytes]] = {}
    fresh = []
    for item in waiting:
        path = bundle.shard_path(item.statement.sha256)
        if path not in shards:
            shards[path] = frozenset(statement_in(held.entry) for held in read_shard(site, path))
        if item.data in shards[path] or item.path.stem in committed:
            item.path.unlink(missing_ok=True)
        else:
            fresh.append(item)
    return fresh
