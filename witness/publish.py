"""From unsigned observations in an outbox to signed, logged bundles on a node's site. The process that holds the keys.

The outbox is written by the process that runs strangers' code, so its files are bounded, parsed strictly and signed
as they are, or refused. A file is `<SHA-256 of its bytes>.json`; unlinking it says that its observation is in the log
and that its bundle is published. Whatever the point at which a run ends, the next one loses and doubles nothing:
the log's pending batch (witness.log.writer) lasts until the last file is unlinked.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from witness import bundle, dsse, statement
from witness.digest import sha256_hex
from witness.entry import statement_in
from witness.errors import Incomplete, InputError, Malformed
from witness.escape import printable
from witness.limits import MAX_STATEMENT
from witness.log.journal import Batch
from witness.log.reader import LogReader, fetch_from
from witness.log.shards import add_bundles, read_shard
from witness.log.writer import LogWriter, open_writer
from witness.signing.named import LogSigner, NodeSigners
from witness.statement import Statement
from witness.store.directory import DirectoryStore
from witness.store.interface import Store
from witness.tlog.checkpoint import open_checkpoint

MAX_BATCH: Final = 1024  # entries appended, and held in memory, at once
REFUSED: Final = "refused"

_NAME: Final = re.compile(r"[0-9a-f]{64}\.json")
_NOT_A_FILE: Final = frozenset({errno.ELOOP, errno.ENXIO, errno.EACCES})  # a link, a socket, somebody else's


@dataclass(frozen=True, slots=True)
class Refused:
    """A file of the outbox that was not signed. It is in `refused/`, with the reason in a file beside it."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Published:
    """What a run did.

    Attributes:
        count: observations that it published, those of an interrupted run among them.
        first: the index of the first of them, or None.
        size: the entries in the log now.
        refused: what it would not sign.
    """

    count: int
    first: int | None
    size: int
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A file of the outbox that may be signed."""

    path: Path
    data: bytes
    statement: Statement


def publish_outbox(
    outbox: Path, site: Store, state: Path, node: NodeSigners, *, now: datetime, patience: float = 0.0
) -> Published:
    """Signs, logs and publishes what is in `outbox`, after finishing what an earlier run began.

    Args:
        outbox: the directory that `rebuilders.outbox` writes.
        site: what is served; the log lies at its top.
        state: this node's own directory, not served, for the lock and the journal.
        node: the keys, and the node's name, the only one that it signs for.
        now: the time of the node's cosignature.
        patience: how many seconds to wait for another run, or for `rebuilder cosign`.

    Raises:
        Incomplete: another run is under way, or a disk failed.
        InputError: a directory cannot be used.
        Unverified: the site is not as this node left it.
    """
    refused: list[Refused] = []
    count, first = 0, None
    with open_writer(site, state, node.log, node.cosigner, patience=patience) as writer:
        for batch in _batches(writer, _waiting(outbox, node.name, refused), site, node, now):
            _add_bundles(site, batch, node.log)
            _acknowledge(outbox, batch)
            writer.settle()
            count += len(batch.entries)
            first = batch.first if first is None else first
        return Published(count, first, writer.checkpoint.size, tuple(refused))


def _batches(
    writer: LogWriter, waiting: Iterator[list[_Waiting]], site: Store, node: NodeSigners, now: datetime
) -> Iterator[Batch]:
    """The pending batch, and then new ones, each appended when it is asked for."""
    if writer.pending is not None:
        yield writer.pending
    sign, key = node.observations.sign, node.observations.public_key
    for items in waiting:
        fresh = _without_published(site, items)
        if fresh:
            entries = [dsse.encode(dsse.seal(item.data, key, sign)) for item in fresh]
            yield writer.append(entries, at=int(now.timestamp()))


def _waiting(outbox: Path, builder_name: str, refused: list[Refused]) -> Iterator[list[_Waiting]]:
    """What may be signed, in bounded lists, oldest first. The rest is moved away, and added to `refused`."""
    paths = _files(outbox)
    for start in range(0, len(paths), MAX_BATCH):
        items = []
        for path in paths[start : start + MAX_BATCH]:
            try:
                item = _read(path, builder_name)
            except Malformed as error:
                refused.append(_refuse(path, str(error)))
                continue
            if item is not None:
                items.append(item)
        # A shard has the newest observation last.
        items.sort(key=lambda item: (item.statement.observation.attempt.finished_at, item.path.name))
        yield items


def _files(outbox: Path) -> list[Path]:
    """The files in the order in which they were written."""
    try:
        with os.scandir(outbox) as entries:
            found = [
                (entry.stat(follow_symlinks=False).st_mtime_ns, entry.name)
                for entry in entries
                if _NAME.fullmatch(entry.name)
            ]
    except OSError as error:
        raise InputError(f"{outbox}: cannot read the outbox: {error.strerror}") from None
    return [outbox / name for _, name in sorted(found)]


def _read(path: Path, builder_name: str) -> _Waiting | None:
    """The file, or None if it has gone. Raises `Malformed` if it must not be signed."""
    try:
        # A link could lead to a file of the signer's, and a pipe could keep it waiting.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno not in _NOT_A_FILE:
            raise Incomplete(f"{path}: cannot be read: {error.strerror}") from error
        raise Malformed(f"{path.name}: cannot be read: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Malformed(f"{path.name}: not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_STATEMENT + 1)
    finally:
        os.close(descriptor)
    if sha256_hex(data) != path.stem:
        raise Malformed(f"{path.name}: its bytes have another digest than its name says")
    parsed = statement.parse(data)
    name = parsed.observation.builder.name
    if name != builder_name:
        raise Malformed(f"{path.name}: made by {printable(name)!r}, and this node is {builder_name!r}")
    return _Waiting(path, data, parsed)


def _refuse(path: Path, reason: str) -> Refused:
    directory = path.parent / REFUSED
    shown = printable(reason)
    try:
        if directory.is_symlink():
            raise InputError(f"{directory}: a link, and nothing is moved through it", hint="remove it")
        # The reason first: a file that is moved without one would never get it.
        DirectoryStore(directory).put(f"{path.name}.reason", f"{shown}\n".encode())
        path.replace(directory / path.name)
    except OSError as error:
        raise Incomplete(f"{path}: cannot be moved to {REFUSED}/: {error.strerror}") from error
    return Refused(path.name, shown)


def _without_published(site: Store, waiting: Sequence[_Waiting]) -> list[_Waiting]:
    """`waiting` without what is published already, which is acknowledged: a rebuilder may say a thing twice."""
    shards: dict[str, frozenset[bytes]] = {}
    fresh = []
    for item in waiting:
        path = bundle.shard_path(item.statement.sha256)
        if path not in shards:
            shards[path] = frozenset(statement_in(held.entry) for held in read_shard(site, path))
        if item.data in shards[path]:
            item.path.unlink(missing_ok=True)
        else:
            fresh.append(item)
    return fresh


def _add_bundles(site: Store, batch: Batch, log: LogSigner) -> None:
    """Puts a bundle for each entry at the end of its artifact's shard, unless it is there."""
    reader = LogReader(batch.checkpoint, open_checkpoint(batch.checkpoint, log.key), fetch_from(site))
    add_bundles(site, reader, enumerate(batch.entries, batch.first))


def _acknowledge(outbox: Path, batch: Batch) -> None:
    for entry in batch.entries:
        name = f"{sha256_hex(statement_in(entry))}.json"
        try:
            (outbox / name).unlink(missing_ok=True)
        except OSError as error:
            raise Incomplete(f"{outbox / name}: cannot be acknowledged: {error.strerror}") from error
