"""The Sandbox seam: what runs strangers' code, as data in and data out.

A job sees a file system of its own: the mounts and files named in it, an empty scratch directory, a minimal
/proc and /dev, and nothing else of the host; no network but its own silent loopback; no variable but its own.
Its standard output is its output, and all that leaves it; its standard error is its log. Nothing of it is left
running afterwards.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from witness.limits import GIB, MIB

SCRATCH: Final = "/build"

Ending = Literal["exit", "time", "memory", "output", "log"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or directory of the host at `target`, read-only unless `writable`. `mask` empties parts of it."""

    source: Path
    target: str
    writable: bool = False
    mask: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a job may use. Bytes, but for `seconds` and `processes`."""

    seconds: float = 300.0
    memory: int = 4 * GIB  # address space of each process
    resident: int = 4 * GIB  # memory that all its processes hold together
    scratch: int = 2 * GIB
    shared: int = 64 * MIB  # /dev/shm
    file: int = 1 * GIB
    processes: int = 256
    output: int = 512 * MIB
    log_kept: int = 1 * MIB  # half from the start, half from the end
    log_total: int = 256 * MIB


@dataclass(frozen=True, slots=True)
class Job:
    """One process to run, with all that it may see."""

    argv: tuple[str, ...]
    mounts: tuple[Mount, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Finished:
    """How a job ended: by itself ("exit"), or by the limit that it broke, as `ended` says.

    `status` is its exit status, or 128 and the number of the signal that ended it, as shells count; it means nothing
    where a limit ended it.
    """

    status: int
    ended: Ending
    output: bytes
    log: bytes
    seconds: float

    @property
    def ok(self) -> bool:
        return self.ended == "exit" and self.status == 0


class Sandbox(Protocol):
    """Runs jobs, several at a time if asked from several threads."""

    @property
    def name(self) -> str:
        """What an observation's `isolation` says."""

    def run(self, job: Job) -> Finished:
        """Runs `job` to its end, or to the limit that it breaks; then nothing of it is alive.

        A job that fails is a result. Raises SandboxUnavailable if the sandbox itself could not be set up: the
        job's code has not run then.
        """
