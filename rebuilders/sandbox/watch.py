"""What is looked at from time to time while a job runs, so that one that goes beyond its limits is ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from rebuilders.sandbox.cgroup import Group
from rebuilders.sandbox.interface import Ending, Limits
from rebuilders.sandbox.machine import Machine
from rebuilders.sandbox.space import Space
from rebuilders.sandbox.tree import Tree
from witness.errors import SandboxUnavailable

_LOOK: Final = 0.02  # seconds between looks


@dataclass(slots=True)
class Watch:
    """Over one job. `group` is its control group, where it has one."""

    tree: Tree
    limits: Limits
    group: Group | None
    deadline: float
    space: Space = field(init=False)
    machine: Machine = field(default_factory=Machine)
    _answered: bool = False
    _next: dict[Callable[[], Ending | None], float] = field(init=False)

    def __post_init__(self) -> None:
        self.space = Space(self.limits)
        self._next = dict.fromkeys((self._processes, self.space.broken), 0.0)

    def begun(self) -> None:
        """To be told once the sandbox is set up."""
        if self.tree.pid is not None and not self.space.entered:
            self.space.enter(self.tree.pid)

    def broken(self) -> Ending | None:
        """The limit that the job has broken. Raises SandboxUnavailable where this machine's memory runs short."""
        if time.monotonic() >= self.deadline:
            return "time"
        for look in self._next:
            begun = time.monotonic()
            if begun >= self._next[look]:
                if (found := look()) is not None:
                    return found
                now = time.monotonic()
                # Looking at many processes takes a while, which must not become all that is done.
                self._next[look] = now + max(_LOOK, 5 * (now - begun))
        return None

    def broken_at_answer(self) -> Ending | None:
        """To be asked before output is read: what a job holds is looked at once more, when it begins to answer."""
        if self._answered or not self.space.entered:
            return None
        self._answered = True
        return self._processes() or self.space.broken()

    def broken_at_last(self) -> Ending | None:
        """The limit that a job has broken which has ended by itself. Raises SandboxUnavailable as well."""
        if self.group is not None:
            return self.group.broken() or self.space.broken()
        if self.machine.killed():
            raise _short("the kernel ended a process for want of memory")
        return self.space.broken()

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return max(0.0, min(*self._next.values(), self.deadline) - time.monotonic())

    def _processes(self) -> Ending | None:
        if self.group is not None and (found := self.group.broken()) is not None:
            return found
        allowed = self.limits.resident
        files = self.space.used()
        held = self.tree.held()
        if held.memory + files > allowed and self.tree.memory() + files > allowed:
            return "memory"
        if held.threads > self.limits.processes:
            return "process"
        if self.tree.sockets() > self.limits.sockets:
            return "socket"
        if self.group is None and self.machine.short():
            raise _short("memory runs short")
        return None


def _short(what: str) -> SandboxUnavailable:
    return SandboxUnavailable(
        f"{what} on this machine while a job ran, which says nothing about the job",
        hint="Run fewer rebuilds at a time, or on a machine with more memory.",
    )
