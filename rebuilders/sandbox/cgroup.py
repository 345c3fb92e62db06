"""A control group (cgroup v2) of its own for each job, where the system has left a subtree of them to this process.

In a group the kernel itself counts all that a job holds, files in memory and its own bookkeeping included, remembers
every refusal, and ends the whole of it at once. A subtree is taken where it was delegated: by systemd (`Delegate=yes`),
by a container's runtime, or, to root, on a system that has no other manager of groups. See the kernel's
Documentation/admin-guide/cgroup-v2.rst.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebuilders.sandbox.interface import Ending, Limits
from witness.errors import SandboxUnavailable

HOW_TO_GET_ONE: Final = (
    "systemd-run --user --scope -p Delegate=yes rebuilder …, or Delegate=yes in the unit of a service"
)
_NEEDED: Final = frozenset({"memory", "pids"})
_OWN: Final = "supervisor"  # where this process and its like go: a group that has groups has no processes
_JOB: Final = "wheelwitness-job-"
_DELEGATED: Final = ("user.delegate", "trusted.delegate")  # set by systemd
_PERIOD: Final = 100_000  # microseconds
_OF_BWRAP: Final = 4  # processes that are there besides the job's own
_GRACE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Group:
    """One job's group."""

    path: Path

    def enter(self, argv: list[str]) -> list[str]:
        """A command that puts itself into the group, and becomes `argv`."""
        script = 'echo 0 >"$1" && shift && exec "$@"'
        return ["/bin/sh", "-c", script, "sh", str(self.path / "cgroup.procs"), *argv]

    def broken(self) -> Ending | None:
        """The limit that was broken at any time, whether or not the job went on."""
        if any(
            _events(self.path / "memory.events").get(key) for key in ("oom", "oom_kill", "oom_group_kill")
        ):
            return "memory"
        return "process" if _events(self.path / "pids.events").get("max") else None

    def kill(self) -> None:
        """Ends all that is in it."""
        with contextlib.suppress(
            OSError
        ):  # before Linux 5.14 there is no such file: the PID namespace does it
            (self.path / "cgroup.kill").write_text("1")


@dataclass(frozen=True, slots=True)
class Cgroups:
    """The subtree below `base`, in which the controllers for memory and processes are enabled."""

    base: Path

    @classmethod
    def find(cls, proc: Path = Path("/proc/self")) -> "Cgroups | None":
        """The subtree that is left to this process, or None. This process moves into a leaf of it."""
        own = _own_group(proc)
        if own is None:
            return None
        base = own.parent if own.name == _OWN else own
        if own != base and _enabled(base):
            return cls(base)
        if _delegated(base) and _words(base / "cgroup.controllers") >= _NEEDED and _take(base):
            return cls(base)
        return None

    @contextmanager
    def group(self, limits: Limits) -> Iterator[Group]:
        """A group with `limits`, for as long as the context lasts. Raises SandboxUnavailable."""
        path = self.base / f"{_JOB}{secrets.token_hex(8)}"
        try:
            path.mkdir()
            for name, value in _settings(path, limits):
                (path / name).write_text(value)
            group = Group(path)
        except OSError as error:
            _remove(path)
            raise SandboxUnavailable(f"{path}: no control group can be made: {error.strerror}") from None
        try:
            yield group
        finally:
            group.kill()
            _remove(path)


def _settings(path: Path, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "memory.max", str(limits.resident)
    yield "pids.max", str(limits.processes + _OF_BWRAP)
    for name, value in (("memory.swap.max", "0"), ("memory.oom.group", "1")):
        if (path / name).exists():  # no swap, an older kernel
            yield name, value
    if limits.cpus and (path / "cpu.max").exists():
        yield "cpu.max", f"{int(limits.cpus * _PERIOD)} {_PERIOD}"


def _own_group(proc: Path) -> Path | None:
    """Where the group of this process lies in the file system, if cgroup v2 is mounted."""
    try:
        mounts = [line.split() for line in (proc / "mountinfo").read_text().splitlines()]
        lines = (proc / "cgroup").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    own = next((line[3:] for line in lines if line.startswith("0::/")), None)
    for fields in mounts:  # see proc_pid_mountinfo(5)
        if own is not None and "-" in fields and fields[fields.index("-") + 1] == "cgroup2":
            root, point = fields[3], Path(fields[4])
            if own == root or own.startswith(f"{root.rstrip('/')}/"):
                return point / own[len(root) :].lstrip("/")
    return None


def _delegated(own: Path) -> bool:
    """Whether the group is ours to divide: what an ordinary user may write, was given to him."""
    if not os.access(own / "cgroup.procs", os.W_OK) or not os.access(own, os.W_OK):
        return False
    return os.geteuid() != 0 or own.parent.joinpath("cgroup.procs").exists() is False or _marked(own)


def _marked(own: Path) -> bool:
    for name in _DELEGATED:
        with contextlib.suppress(OSError):
            if os.getxattr(own, name) == b"1":
                return True
    return False


def _take(base: Path) -> bool:
    """Empties `base` of processes and enables the controllers; whether that worked."""
    leaf = base / _OWN
    try:
        leaf.mkdir(exist_ok=True)
        for _ in range(10):  # others may start processes meanwhile
            for pid in (base / "cgroup.procs").read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    (leaf / "cgroup.procs").write_text(pid)
            with contextlib.suppress(OSError):
                available = _words(base / "cgroup.controllers") & {*_NEEDED, "cpu"}
                (base / "cgroup.subtree_control").write_text(
                    " ".join(f"+{name}" for name in sorted(available))
                )
            if _enabled(base):
                break
    except OSError:
        return False
    for left in base.glob(f"{_JOB}*"):
        with contextlib.suppress(OSError):  # somebody is at work in it
            left.rmdir()
    return _enabled(base)


def _enabled(base: Path) -> bool:
    return _words(base / "cgroup.subtree_control") >= _NEEDED


def _words(path: Path) -> frozenset[str]:
    try:
        return frozenset(path.read_text().split())
    except OSError:
        return frozenset()


def _events(path: Path) -> dict[str, int]:
    try:
        rows = [line.split() for line in path.read_text().splitlines()]
        return {key: int(value) for key, value in rows}
    except (OSError, ValueError):
        return {}


def _remove(path: Path) -> None:
    """Removes an empty group; the kernel takes a moment to see that it is."""
    end = time.monotonic() + _GRACE
    while path.exists():
        try:
            path.rmdir()
        except OSError:
            if time.monotonic() >= end:
                return  # whoever next starts here, removes it
            time.sleep(0.01)
