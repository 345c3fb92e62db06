"""The cache of a machine: who uses it, and what is thrown away when it grows beyond its quota.

What a rebuild uses is never taken from under it: rebuilds share a lock, and collecting needs it alone. A turnstile in
front keeps new ones from coming in while a collector waits. Files are kept in the order in which they were last used,
by their time of modification, which `used` renews; times of access are not there on every file system.
"""

import fcntl
import os
import shutil
import stat
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TURNSTILE, _USE, _COLLECTED = ".turnstile", ".use", ".collected"
_KINDS: Final = {  # of entries: how deep below the cache
    "pages": 1,
    "locks": 1,
    "files": 2,
    "installed": 1,
    "environments": 1,
    "requirements": 1,
    "uv": 1,
}
_ROOM: Final = 0.9  # of the quota, which is left when it has been collected
_BETWEEN: Final = 600.0  # seconds between looks at how large it is
_PATIENCE: Final = 30.0  # seconds to wait for those who use it
_LOOK: Final = 0.1


@dataclass(frozen=True, slots=True)
class Collected:
    """Bytes before and after, and how many entries were thrown away."""

    before: int
    after: int
    entries: int


@dataclass(frozen=True, slots=True)
class Cache:
    """The cache in the directory `root`."""

    root: Path

    @contextmanager
    def using(self) -> Iterator[None]:
        """Nothing that is in the cache, or comes into it, is thrown away meanwhile."""
        self.root.mkdir(parents=True, exist_ok=True)
        turnstile, use = self._open(_TURNSTILE), self._open(_USE)
        try:
            fcntl.flock(turnstile, fcntl.LOCK_EX)
            fcntl.flock(use, fcntl.LOCK_SH)
            fcntl.flock(turnstile, fcntl.LOCK_UN)
            yield
        finally:
            os.close(use)
            os.close(turnstile)

    def keep_below(self, quota: int) -> Collected | None:
        """Collects if the cache holds more than `quota` bytes, unless that was looked at a while ago."""
        path = self.root / _COLLECTED
        with suppress(OSError):
            if 0 <= time.time() - path.stat().st_mtime < _BETWEEN:
                return None
        with suppress(OSError):  # a full disk must not keep it from being emptied
            path.touch()
        return self.collect(quota) if self.size() > quota else None

    def collect(self, quota: int, *, patience: float = _PATIENCE) -> Collected | None:
        """Throws away what was used least lately, until less than `quota` bytes are left. None: it is in use."""
        turnstile, use = self._open(_TURNSTILE), self._open(_USE)
        try:
            deadline = time.monotonic() + patience
            if not (_alone(turnstile, deadline) and _alone(use, deadline)):
                return None
            return self._collect(quota)
        finally:
            os.close(use)
            os.close(turnstile)

    def size(self) -> int:
        """Bytes on disk, what is linked twice counted once."""
        return sum(dict(_inodes(self.root)).values())

    def _collect(self, quota: int) -> Collected:
        self._clear()
        before = left = self.size()
        held = [(path, dict(_inodes(path))) for path in self._entries()]
        links = Counter(inode for _, inodes in held for inode in inodes)
        thrown = 0
        for path, inodes in held:
            if left <= quota * _ROOM:
                break
            _remove(path)
            thrown += 1
            links.subtract(inodes.keys())
            left -= sum(size for inode, size in inodes.items() if links[inode] == 0)
        return Collected(before, self.size(), thrown)

    def _entries(self) -> list[Path]:
        """Those that can be thrown away, used least lately first."""
        found: list[tuple[float, Path]] = []
        for kind, depth in _KINDS.items():
            for path in (self.root / kind).glob("/".join("*" * depth)):
                with suppress(OSError):
                    found.append((path.lstat().st_mtime, path))
        return [path for _, path in sorted(found, key=lambda item: (item[0], str(item[1])))]

    def _clear(self) -> None:
        """Removes what was not finished by those who were killed: nobody is at work on it now."""
        for path in list(self.root.rglob(".tmp-*")):
            _remove(path)

    def _open(self, name: str) -> int:
        self.root.mkdir(parents=True, exist_ok=True)
        return os.open(self.root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def used(path: Path) -> None:
    """Says that what is at `path` in a cache is used now."""
    with suppress(OSError):
        os.utime(path)


def _alone(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOOK)
        else:
            return True


def _inodes(path: Path) -> Iterator[tuple[tuple[int, int], int]]:
    """What lies at `path` and below it, with its bytes on disk. Links are not followed."""
    with suppress(OSError):
        about = path.lstat()
        yield (about.st_dev, about.st_ino), about.st_blocks * 512
        if stat.S_ISDIR(about.st_mode):
            with os.scandir(path) as entries:
                for entry in entries:
                    yield from _inodes(Path(entry.path))


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
