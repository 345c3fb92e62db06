"""A `Store` that is a directory: what any web server can serve.

A file is written under another name beside its place, flushed, renamed, and the directory flushed, so that neither
`kill -9` nor a power cut leaves half a file. What a killed process leaves behind is called `.tmp-*` and is never read.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from witness.errors import FetchFailed, Incomplete, NotFound, Unverified
from witness.store.interface import check_path


class DirectoryStore:
    """Keeps files below `root`, which is made when the first one is written.

    Everyone may read them, unless they are `private`: then they, and directories that are made for them, are the
    owner's alone.
    """

    def __init__(self, root: Path, *, private: bool = False) -> None:
        self.root = root
        self._mode, self._directory_mode = (0o600, 0o700) if private else (0o644, 0o777)

    def get(self, path: str, *, limit: int) -> bytes:
        """See `Store.get`."""
        check_path(path)
        with _failing(path):
            try:
                with (self.root / path).open("rb") as file:
                    data = file.read(limit + 1)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                raise NotFound(f"{self.root / path}: no such file") from None
        if len(data) > limit:
            raise FetchFailed(f"{self.root / path}: more than the {limit} bytes allowed")
        return data

    def exists(self, path: str) -> bool:
        """See `Store.exists`."""
        check_path(path)
        with _failing(path):
            return (self.root / path).is_file()

    def put(self, path: str, data: bytes) -> None:
        """See `Store.put`."""
        check_path(path)
        target = self.root / path
        with _failing(path):
            _make_directory(target.parent, self._directory_mode)
            _replace(target, data, self._mode)

    def add(self, path: str, data: bytes) -> None:
        """See `Store.add`."""
        try:
            same = self.get(path, limit=len(data)) == data
        except NotFound:
            self.put(path, data)
            return
        except FetchFailed:
            same = False
        if not same:
            raise Unverified(f"{self.root / path}: already there with other bytes")

    def remove(self, path: str) -> None:
        """See `Store.remove`."""
        check_path(path)
        target = self.root / path
        with _failing(path):
            try:
                if target.is_dir() and not target.is_symlink():
                    shutil.rmtree(target)
                else:
                    target.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return
            _flush_directory(target.parent)


@contextmanager
def _failing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Incomplete(f"{path}: {error.strerror or error}") from error


def _replace(target: Path, data: bytes, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".tmp-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _flush_directory(target.parent)


def _make_directory(path: Path, mode: int) -> None:
    if path.is_dir():
        return
    _make_directory(path.parent, mode)
    path.mkdir(mode, exist_ok=True)
    _flush_directory(path.parent)


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
