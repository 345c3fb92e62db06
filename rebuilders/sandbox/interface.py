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

Ending = Literal["exit", "time", "memory", "disk", "inode", "process", "socket", "output", "log"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or directory of the host at `target`, read-only unless `writable`. `mask` empties parts of it."""

    source: Path
    target: str
    writable: bool = False
    mask: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a job may use. Bytes, but for `seconds` and what is counted.

    A job that goes beyond is ended. A limit at which the kernel would only refuse, lies further out: what is refused
    can be caught, and the job would go on to another result than on a larger machine. The exceptions are `memory`
    and `file`, which are there for what no build does.
    """

    seconds: float = 300.0
    memory: int = 16 * GIB  # address space of each process, refused beyond
    resident: int = 4 * GIB  # memory that all its processes and files hold together
    scratch: int = 2 * GIB  # /build
    shared: int = 64 * MIB  # /dev/shm
    file: int = 4 * GIB  # length of one file, refused beyond
    inodes: int = 500_000  # files and directories in /build, and as many in /dev/shm
    processes: int = 256  # and threads
    sockets: int = 1024
    cpus: float = 0.0  # cores, 0 for all of them; with a control group only
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

    A job that ran into a limit and went on to an end of its own has broken it all the same, as far as that is seen.
    `status` is its exit status, or 128 and the number of the signal that ended it, as shells count; it means nothing
    where a limit was broken.
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

        A job that fails is a result. Raises SandboxUnavailable if the sandbox itself could not be set up, so that
        the job's code has not run; or if this machine, not the job, is why it ended.
        """
