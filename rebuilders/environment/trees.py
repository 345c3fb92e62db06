"""Directories that are whole or absent, made aside and renamed; among them such as are links to the files of others."""

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from witness.errors import Incomplete

_STAGING: Final = ".tmp-"
_ABANDONED: Final = 86_400.0  # seconds after which nobody is still at work on it
# Too many links to one file, or a file system that has none.
_CANNOT_LINK: Final = frozenset({errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP})


@contextmanager
def staging_below(root: Path) -> Iterator[Callable[[], Path]]:
    """Gives a function that makes a new directory below `root`; what has not been kept at the end is removed.

    Raises:
        Incomplete: the disk is full, or cannot be written.
    """
    made: list[Path] = []

    def new() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix=_STAGING, dir=root)))
        return made[-1]

    try:
        root.mkdir(parents=True, exist_ok=True)
        _clear(root)
        yield new
    except OSError as error:
        raise cannot_write(root, error.strerror or str(error)) from None
    finally:
        for path in made:
            shutil.rmtree(path, ignore_errors=True)


def keep(staging: Path, path: Path) -> None:
    """Gives `staging` its name, unless another process was first with the same content."""
    staging.chmod(0o755)
    try:
        staging.rename(path)
    except OSError:
        if not path.is_dir():
            raise


def join(path: Path, parts: list[Path]) -> None:
    """Makes the directory `path`: links to all files of `parts`. Of two with one name, the first one counts.

    Raises:
        Incomplete: the disk is full, or cannot be written.
    """
    with staging_below(path.parent) as new:
        staging = new()
        for part in parts:
            _link(part, staging)
        keep(staging, path)


def cannot_write(root: Path, why: str) -> Incomplete:
    return Incomplete(f"{root}: {why}", hint="Free some space, or choose another --cache, and try again.")


def _link(source: Path, target: Path) -> None:
    with os.scandir(source) as entries:
        for entry in entries:
            to = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                to.mkdir(mode=0o755, exist_ok=True)
                _link(Path(entry.path), to)
            elif not os.path.lexists(to):
                _link_file(entry.path, to)


def _link_file(source: str, to: Path) -> None:
    try:
        os.link(source, to, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        shutil.copy2(source, to, follow_symlinks=False)


def _clear(root: Path) -> None:
    """Removes what processes that were killed have left."""
    for left in root.glob(f"{_STAGING}*"):
        try:
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)
        except FileNotFoundError:
            continue
