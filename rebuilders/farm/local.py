"""Jobs in processes of this machine."""

from rebuilders.crew import Crew
from rebuilders.farm import work
from rebuilders.farm.interface import Job, Outcome, Terms


class LocalExecutor:
    """An `Executor` of `size` worker processes, each of them kept for many jobs."""

    def __init__(self, terms: Terms, size: int) -> None:
        self._crew: Crew[Job, Outcome] = Crew(size, work.work, work.start, (terms,))

    @property
    def free(self) -> int:
        return self._crew.free

    @property
    def busy(self) -> int:
        return self._crew.busy

    def submit(self, job: Job) -> None:
        self._crew.submit(job)

    def finished(self, timeout: float) -> list[tuple[Job, Outcome | None]]:
        return self._crew.finished(timeout)

    def close(self) -> None:
        self._crew.break_off()
