"""Writes the files of a site: each whole or not at all, and only those that change.

A page can be made again, so it is not flushed one by one: `Pages.settle` does that for all of them, before it is noted
anywhere that they are written.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rebuilders.site import paths
from witness.errors import Incomplete
from witness.store.interface import check_path

_UNFINISHED: Final = ".tmp-"  # what no publisher reads, by witness.files
_OURS: Final = (paths.PROJECTS, paths.FILES, paths.BROWSE, paths.SHARDS)


class Pages:
    """The pages in the directory `root`. Methods raise `Incomplete` if the disk fails.

    Attributes:
        written: how many files were written, because there were none or others.
        same: how many were there already as they are.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written = self.same = 0
        self._made: set[Path] = set()
        self._open = 0

    def put(self, path: str, data: bytes) -> None:
        """Makes `data` the bytes of the file at `path`."""
        check_path(path)
        target = self.root / path
        with _failing(path):
            if _has(target, data):
                self.same += 1
                return
            if target.parent not in self._made:
                target.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(target.parent)
            unfinished = target.with_name(_UNFINISHED + target.name)
            unfinished.write_bytes(data)
            unfinished.chmod(0o644)
            unfinished.replace(target)
        self.written += 1
        self._open += 1

    def has(self, path: str) -> bool:
        """Whether there is a file at `path`."""
        return (self.root / path).is_file()

    def settle(self) -> None:
        """Returns when everything that was put is on the disk."""
        if self._open:
            os.sync()
            self._open = 0

    def sweep(self, belongs: Callable[[str], bool]) -> int:
        """Removes what does not belong into the directories that are ours alone. How many files that were."""
        removed = 0
        for top in _OURS:
            with _failing(top):
                for folder, _, names in os.walk(self.root / top):
                    where = Path(folder).relative_to(self.root).as_posix()
                    for name in names:
                        if not belongs(f"{where}/{name}"):
                            (Path(folder) / name).unlink(missing_ok=True)
                            removed += 1
        return removed


def _has(target: Path, data: bytes) -> bool:
    try:
        with target.open("rb") as file:
            return os.fstat(file.fileno()).st_size == len(data) and file.read() == data
    except (FileNotFoundError, NotADirectoryError):
        return False


@contextmanager
def _failing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Incomplete(
            f"{path}: cannot be written: {error.strerror or error}", hint="Free some space, and run it again."
        ) from None
