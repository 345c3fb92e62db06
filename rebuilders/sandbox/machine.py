"""The memory of this machine: where it runs short, whatever becomes of a job says nothing about the job.

What the kernel holds on behalf of a job, outside its processes and files, counts for nobody without a control group.
So the machine as a whole is looked at besides.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_KEPT_FREE: Final = 32  # one part of so many, of all memory


@dataclass(slots=True)
class Machine:
    """Watches from its making on. Args: proc: where the kernel tells of itself."""

    proc: Path = _PROC
    _killed: int = field(init=False)

    def __post_init__(self) -> None:
        self._killed = self._number("vmstat", b"oom_kill")

    def short(self) -> bool:
        """Whether so little memory is left that the kernel will soon end some process."""
        total = self._number("meminfo", b"MemTotal:")
        return 0 <= self._number("meminfo", b"MemAvailable:") < total // _KEPT_FREE

    def killed(self) -> bool:
        """Whether the kernel has ended a process for want of memory in the meantime, no matter whose it was."""
        return self._number("vmstat", b"oom_kill") > self._killed

    def _number(self, name: str, key: bytes) -> int:
        """The number behind `key`, or -1 where this kernel does not tell it."""
        try:
            lines = (self.proc / name).read_bytes().splitlines()
        except OSError:
            return -1
        return next((int(line.split()[1]) for line in lines if line.split()[:1] == [key]), -1)
