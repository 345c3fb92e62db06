"""A job's processes as the host sees them: what they hold in memory together, and that they are gone."""

import json
import os
import select
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_KIB: Final = 1024
_MAX_STATUS: Final = 64 * _KIB


@dataclass(slots=True)
class Tree:
    """The process namespace of a job. Its first process is known once bwrap has told it (`--json-status-fd`)."""

    pid: int | None = None
    _told: bytearray = field(default_factory=bytearray)
    _pidfd: int | None = None

    def feed(self, data: bytes) -> None:
        """Takes in what bwrap writes of itself: JSON objects, one a line."""
        self._told += data[:_MAX_STATUS]
        while self.pid is None and b"\n" in self._told:
            line, _, rest = self._told.partition(b"\n")
            self._told = bytearray(rest)
            try:
                pid = json.loads(line).get("child-pid")
            except (ValueError, AttributeError):
                continue
            if isinstance(pid, int):
                self._open(pid)

    def held(self) -> int:
        """The bytes that its processes hold of memory that is nobody else's, shared pages counted once."""
        pids = list(_descendants(self.pid)) if self.pid is not None else []
        return sum(map(_proportional, pids))

    def held_at_most(self) -> int:
        """A bound on `held` that is quickly found: pages that processes share are counted for each."""
        return sum(map(_resident, _descendants(self.pid))) if self.pid is not None else 0

    def gone(self, seconds: float) -> bool:
        """Waits at most that long for the end of all its processes; says whether they are gone.

        The first process of a namespace ends last, after the kernel has ended the others.
        """
        if self._pidfd is None:
            return True
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def close(self) -> None:
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def _open(self, pid: int) -> None:
        self.pid = pid
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._pidfd = None  # it has ended already


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    try:
        tasks = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return
    for task in tasks:
        try:
            children = (task / "children").read_bytes().split()
        except OSError:
            continue
        for child in children:
            yield from _descendants(int(child))


def _resident(pid: int) -> int:
    return _sum(_PROC / str(pid) / "status", (b"RssAnon:", b"RssShmem:"))


def _proportional(pid: int) -> int:
    # Closed to other users where a process forbids it: it is counted with all that it has then.
    return _sum(_PROC / str(pid) / "smaps_rollup", (b"Pss_Anon:", b"Pss_Shmem:")) or _resident(pid)


def _sum(path: Path, names: tuple[bytes, ...]) -> int:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return 0  # ended in the meantime
    return sum(int(line.split()[1]) * _KIB for line in lines if line.startswith(names))
