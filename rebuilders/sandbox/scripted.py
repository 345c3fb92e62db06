"""A Sandbox that runs nothing: for the tests of whatever gives jobs to one, here and in other projects."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from rebuilders.sandbox.interface import Finished, Job
from witness.errors import SandboxUnavailable

Answer = Finished | SandboxUnavailable


class ScriptedSandbox:
    """A `Sandbox` that answers from a script and records what it was asked.

    Args:
        script: an answer for each job in turn, or a function that is asked for each. An answer that is an exception
            is raised. Where the script has come to its end, there is no sandbox any more.
    """

    name: Final = "scripted"

    def __init__(self, script: Iterable[Answer] | Callable[[Job], Answer]) -> None:
        self.jobs: list[Job] = []
        self._lock = threading.Lock()
        if callable(script):
            self._answer = script
        else:
            answers = deque(script)
            self._answer = lambda _: answers.popleft() if answers else _AT_ITS_END

    def run(self, job: Job) -> Finished:
        with self._lock:
            self.jobs.append(job)
            answer = self._answer(job)
        if isinstance(answer, SandboxUnavailable):
            raise answer
        return answer


def finished(output: bytes = b"", *, status: int = 0, log: bytes = b"") -> Finished:
    """An answer: the job came to its end by itself."""
    return Finished(status=status, ended="exit", output=output, log=log, seconds=0.0)


_AT_ITS_END: Final = SandboxUnavailable("the script has no answer for another job")
