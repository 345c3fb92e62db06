"""A `Store` that is a directory: what any web server can serve.

A file is written under another name beside its place, flushed, renamed, and the directory flushed, so that neither
`kill -9` nor a power cut leaves half a file. What a killed process leaves behind is called `.tmp-*` and is never read.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from witness import files
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
                data = files.patiently(lambda: _read(self.root / path, limit + 1))
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
            files.make_directory(target.parent, self._directory_mode)
            files.replace(target, data, self._mode)

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
            files.flush_directory(target.parent)


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except PermissionError:
        if path.is_dir():  # which is what Windows says of one
            raise IsADirectoryError(f"{path}: a directory") from None
        raise


@contextmanager
def _failing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Incomplete(f"{path}: {error.strerror or error}") from error
