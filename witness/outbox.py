"""The signer's end of an outbox: unsigned observations, read as what comes from an enemy.

It is written by the process that runs strangers' code, so its files are bounded, parsed strictly and taken as they are,
or refused. A file is `<SHA-256 of its bytes>.json`; rebuilders.outbox writes them.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from witness import statement
from witness.digest import sha256_hex
from witness.errors import Incomplete, InputError, Malformed
from witness.escape import printable
from witness.limits import MAX_STATEMENT
from witness.statement import Statement
from witness.store.directory import DirectoryStore

REFUSED: Final = "refused"

_NAME: Final = re.compile(r"[0-9a-f]{64}\.json")
_NOT_A_FILE: Final = frozenset({errno.ELOOP, errno.ENXIO, errno.EACCES})  # a link, a socket, somebody else's


@dataclass(frozen=True, slots=True)
class Refused:
    """A file of the outbox that was not signed. It is in `refused/`, with the reason in a file beside it."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file of the outbox that may be signed."""

    path: Path
    data: bytes
    statement: Statement


def waiting(
    outbox: Path, builder_name: str, refused: list[Refused], *, at_once: int
) -> Iterator[list[Waiting]]:
    """What may be signed, in lists of `at_once`, oldest first. The rest is moved away, and added to `refused`."""
    paths = _files(outbox)
    for start in range(0, len(paths), at_once):
        items = []
        for path in paths[start : start + at_once]:
            try:
                item = _read(path, builder_name)
            except Malformed as error:
                refused.append(refuse(path, str(error)))
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


def _read(path: Path, builder_name: str) -> Waiting | None:
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
    return Waiting(path, data, parsed)


def refuse(path: Path, reason: str) -> Refused:
    """Moves the file away, with the reason beside it. Raises `Incomplete` if it cannot."""
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


def acknowledge(outbox: Path, digests: Iterable[str]) -> None:
    """Removes the files with these digests. Raises `Incomplete` if it cannot."""
    for digest in digests:
        name = f"{digest}.json"
        try:
            (outbox / name).unlink(missing_ok=True)
        except OSError as error:
            raise Incomplete(f"{outbox / name}: cannot be acknowledged: {error.strerror}") from error
