"""Files that are there whole or not at all, and locks between processes, on Linux, macOS and Windows.

The one module that asks which of them it runs on. What was written survives a power cut as far as the system can
promise it: Windows has no way to flush a directory, and macOS may leave what was flushed in its disk's memory.
"""

import os
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

T = TypeVar("T")

EVERYBODY_READS: Final = 0o644
_DIRECTORY: Final = 0o777
# Seconds between attempts where Windows refuses what another process is about to be done with, half a second in all.
_PAUSES: Final = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2)
_POLL: Final = 0.05


def patiently(step: Callable[[], T]) -> T:
    """What `step` gives. Windows refuses for a moment to open or to replace what another process has open."""
    for pause in _PAUSES if sys.platform == "win32" else ():
        try:
            return step()
        except PermissionError:
            time.sleep(pause)
    return step()


def replace(target: Path, data: bytes, mode: int = EVERYBODY_READS) -> None:
    """Makes `data` the bytes of `target`, in place of any before: a reader, or a power cut, finds the one or the other.

    What a killed process leaves behind beside it is called `.tmp-*`. Raises OSError.
    """
    descriptor, name = tempfile.mkstemp(prefix=".tmp-", dir=target.parent)
    made = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        made.chmod(mode)
        patiently(lambda: made.replace(target))
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    flush_directory(target.parent)


def make_directory(path: Path, mode: int = _DIRECTORY) -> None:
    """Makes `path` and the directories above it that are not there. Raises OSError."""
    if path.is_dir():
        return
    make_directory(path.parent, mode)
    path.mkdir(mode, exist_ok=True)
    flush_directory(path.parent)


def flush_directory(path: Path) -> None:
    """Returns when the names in `path` are on disk, where the system can say so. Raises OSError."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> None:
    """Takes the lock of the open file, until it is closed. Raises BlockingIOError if somebody else has it."""
    if sys.platform == "win32":
        os.lseek(descriptor, 0, os.SEEK_SET)  # what is locked is the byte at the position
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            raise BlockingIOError("locked by somebody else") from None
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock(descriptor: int) -> None:
    """Like `try_lock`, after waiting for whoever has it."""
    while True:
        try:
            return try_lock(descriptor)
        except BlockingIOError:
            time.sleep(_POLL)


def may_be_others(found: os.stat_result) -> bool:
    """Whether somebody else than the user may have written it. Where a mode says nothing, his directory is his."""
    if sys.platform == "win32":
        return False
    return found.st_uid not in (os.geteuid(), 0) or bool(found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
