"""A job's processes as the host sees them: what they hold together, and that they are gone."""

import contextlib
import json
import os
import select
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_KIB: Final = 1024
_MAX_STATUS: Final = 64 * _KIB
# Page tables too: they are what a process holds that maps much and uses little of it.
_RESIDENT: Final = (b"RssAnon", b"RssShmem", b"VmPTE")
_PROPORTIONAL: Final = (b"Pss_Anon", b"Pss_Shmem")


@dataclass(frozen=True, slots=True)
class Held:
    """What processes hold: `memory` in bytes, pages that they share counted for each; `threads` of all together."""

    memory: int
    threads: int


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

    def held(self) -> Held:
        """What its processes hold, quickly found; `memory` is a bound from above."""
        memory = threads = 0
        for pid in self._pids():
            told = _told(_PROC / str(pid) / "status", (*_RESIDENT, b"Threads"))
            threads += told.pop(b"Threads", 0)
            memory += sum(told.values()) * _KIB
        return Held(memory, threads)

    def memory(self) -> int:
        """The bytes that its processes hold of memory that is nobody else's, shared pages counted once."""
        return sum(map(_proportional, self._pids()))

    def sockets(self) -> int:
        """How many sockets there are in its network namespace, open or on their way from process to process."""
        try:
            first = (_PROC / str(self.pid) / "net" / "sockstat").read_bytes().split(b"\n", 1)[0]
            return int(first.removeprefix(b"sockets: used "))
        except (OSError, ValueError):
            return 0  # ended in the meantime

    def gone(self, seconds: float) -> bool:
        """Waits at most that long for the end of all its processes; says whether they are gone.

        The first process of a namespace ends last, after the kernel has ended the others.
        """
        if self._pidfd is None:
            return True
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def kill(self) -> None:
        """Ends its first process, and by that all others. One that is still being set up does not follow bwrap."""
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

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

    def _pids(self) -> Iterator[int]:
        waiting = [] if self.pid is None else [self.pid]
        while waiting:  # a job may nest its processes deeper than Python its calls
            yield (pid := waiting.pop())
            waiting += _children(pid)


def _children(pid: int) -> Iterator[int]:
    try:
        tasks = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return
    for task in tasks:
        try:
            yield from map(int, (task / "children").read_bytes().split())
        except OSError:
            continue


def _proportional(pid: int) -> int:
    # Closed to other users where a process forbids it: it is counted with all that it has then.
    path = _PROC / str(pid)
    shared = _told(path / "smaps_rollup", _PROPORTIONAL)
    told = {**shared, **_told(path / "status", (b"VmPTE",))} if shared else _told(path / "status", _RESIDENT)
    return sum(told.values()) * _KIB


def _told(path: Path, names: tuple[bytes, ...]) -> dict[bytes, int]:
    """The numbers that a file of `/proc` has under `names`."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return {}  # ended in the meantime
    rows = (line.split(b":", 1) for line in lines if b":" in line)
    return {name: int(value.split()[0]) for name, value in rows if name in names}
