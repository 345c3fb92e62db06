"""What a job's own file systems hold. They are in memory, and no other than the job's mount namespace has them."""

import os
from dataclasses import dataclass, field
from typing import Final

from rebuilders.sandbox.interface import SCRATCH, Ending, Limits
from witness.limits import MIB

_SHARED: Final = "/dev/shm"  # noqa: S108 - inside
_MORE: Final = 64 * MIB


def refused_beyond(limit: int) -> int:
    """The size of a file system of which a job may use `limit` bytes.

    So much larger that a job which fills it is seen to have gone beyond its limit before it is refused anything.
    """
    return 2 * limit + _MORE


@dataclass(slots=True)
class Space:
    """The file systems at `/build` and `/dev/shm` of one job. They stay known after the job has ended."""

    limits: Limits
    _open: dict[str, int] = field(default_factory=dict)

    def enter(self, pid: int) -> None:
        """From now on those of the process `pid` are looked at. It must have been set up: before, it has the host's."""
        for path in (SCRATCH, _SHARED):
            try:
                self._open[path] = os.open(
                    f"/proc/{pid}/root{path}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
                )
            except OSError:
                continue  # ended in the meantime

    @property
    def entered(self) -> bool:
        return bool(self._open)

    def used(self) -> int:
        """Bytes that they hold in memory."""
        return sum(_bytes(os.fstatvfs(descriptor)) for descriptor in self._open.values())

    def broken(self) -> Ending | None:
        """The limit that has been broken."""
        for path, descriptor in self._open.items():
            found = os.fstatvfs(descriptor)
            if _bytes(found) > (self.limits.scratch if path == SCRATCH else self.limits.shared):
                return "disk"
            if found.f_files - found.f_ffree > self.limits.inodes:
                return "inode"
        return None

    def close(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])


def _bytes(found: os.statvfs_result) -> int:
    return (found.f_blocks - found.f_bfree) * found.f_frsize
