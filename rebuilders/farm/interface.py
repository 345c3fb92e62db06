"""The Executor seam: jobs are handed out, and outcomes come back, in whatever order and from whatever machine."""

from dataclasses import dataclass
from typing import Protocol

from rebuilders.config import Settings
from witness.observation import Method


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all jobs of a node: in whose name and how its observations are made, within how many seconds."""

    builder: str
    method: Method
    settings: Settings
    timeout: float


@dataclass(frozen=True, slots=True)
class Job:
    """One target to rebuild.

    Attributes:
        claim: comes back with the outcome.
        needs: unless empty, the tag that a worker should have, such as `python3.9`; one that needs nothing may come
            back once with what it turned out to need.
        offered: the tags that other workers have; for the executor to say.
    """

    target: str
    claim: str
    needs: str = ""
    offered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker says of a job: bytes and words, to be believed no more than the worker.

    Attributes:
        result: in a word, or in a sentence where the job is not `complete`.
        statement: the observation as an unsigned statement; empty where there is nothing to observe.
        report: the difference report as JSON; empty where there is none.
        complete: False where it should be tried again.
        received: bytes that the worker got over the network for it.
        needs: with `complete` False, what the next worker must have that this one lacks.
        cause: in a word: why it is not `complete` (rebuilders.node.again.Cause), or why there is nothing to observe.
    """

    claim: str
    result: str
    level: str = ""
    statement: bytes = b""
    report: bytes = b""
    complete: bool = True
    received: int = 0
    needs: str = ""
    cause: str = ""


class Executor(Protocol):
    """Does jobs, some at a time. Not for use by several threads."""

    @property
    def free(self) -> int:
        """How many more jobs can be taken now."""

    @property
    def said(self) -> str:
        """Why nothing can be taken at all, for people; empty where that is not so."""

    @property
    def busy(self) -> int:
        """How many jobs have been taken and not come back."""

    def ready(self, timeout: float) -> bool:
        """Whether something can be taken, within `timeout` seconds."""

    def submit(self, job: Job) -> None:
        """Takes a job; only while something is free."""

    def finished(self, timeout: float) -> list[tuple[Job, Outcome | None]]:
        """The jobs that have ended, after `timeout` seconds at most; None where whoever worked on it has gone.

        Each job that was taken comes back once.
        """

    def close(self) -> None:
        """Breaks off what is under way, and leaves nothing running that it has started."""
