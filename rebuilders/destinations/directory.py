"""A destination that is a local directory, or one that the system has mounted."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from rebuilders.destinations.interface import MAX_FILE, Held, Item
from rebuilders.destinations.together import for_each
from rebuilders.destinations.walk import is_path
from witness.digest import sha256_hex
from witness.errors import Incomplete
from witness.store.directory import DirectoryStore

_WRITERS: Final = 4  # files that are flushed to disk at once
_UNFINISHED: Final = ".tmp-"  # see witness.files.replace


class DirectoryDestination:
    """Files below `root`, which is made if it is not there. Each is flushed and renamed into its place."""

    at_once = 512

    def __init__(self, root: Path) -> None:
        self.root = root
        self._store = DirectoryStore(root)
        self._pool: ThreadPoolExecutor | None = None

    def get(self, path: str, *, limit: int) -> bytes:
        """See `Destination.get`."""
        return self._store.get(path, limit=limit)

    def held(self) -> Iterator[Held]:
        """See `Destination.held`. Reads every file."""
        for path in self._paths():
            name = path.relative_to(self.root).as_posix()
            if is_path(name) and path.is_file() and not path.is_symlink():
                yield Held(name, sha256_hex(self._store.get(name, limit=MAX_FILE)))

    def fingerprint(self, item: Item) -> str:
        """See `Destination.fingerprint`."""
        return sha256_hex(item.data)

    def send(self, items: Sequence[Item]) -> None:
        """See `Destination.send`."""
        if len(items) == 1:
            self._store.put(items[0].path, items[0].data)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_WRITERS)
        for_each(self._pool, lambda item: self._store.put(item.path, item.data), items)

    def delete(self, paths: Sequence[str]) -> None:
        """See `Destination.delete`. Directories that are empty then go, too."""
        for path in paths:
            self._store.remove(path)
            for parent in (self.root / path).parents:
                if parent == self.root or not _removed(parent):
                    break

    def tidy(self) -> None:
        """See `Destination.tidy`."""
        for path in self._paths():
            if path.name.startswith(_UNFINISHED):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """See `Destination.close`."""
        if self._pool is not None:
            self._pool.shutdown()

    def _paths(self) -> Iterator[Path]:
        try:
            for directory, _, names in os.walk(self.root, onerror=_fail):
                yield from (Path(directory) / name for name in names)
        except FileNotFoundError:
            return
        except OSError as error:
            raise Incomplete(f"{self.root}: {error.strerror}") from None


def _removed(directory: Path) -> bool:
    try:
        directory.rmdir()
    except OSError:  # it is not empty, or not there
        return False
    return True


def _fail(error: OSError) -> None:
    raise error
