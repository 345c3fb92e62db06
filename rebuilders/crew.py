"""Processes that work off inputs, several at a time. One that is ended from outside costs its own input, no other.

Each process is a pool of its own. A pool of several learns late that one of them has died: its manager looks at the
processes that it knew when it last woke, and is woken before a new one is made (CPython 3.11 to 3.14).
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import Any, Generic, TypeVar

from rebuilders.lifetime import begin, break_off

Input = TypeVar("Input")
Output = TypeVar("Output")


@dataclass(frozen=True, slots=True)
class Crew(Generic[Input, Output]):
    """`size` processes that each run `start(*given)` once, and then `call` with one input after the other.

    All three are found by name in the processes, which are spawned: a fork would share its parent's connections.
    """

    size: int
    call: Callable[[Input], Output]
    start: Callable[..., None]
    given: tuple[Any, ...]

    def work_off(self, inputs: Iterable[Input]) -> Iterator[tuple[Input, Output | None]]:
        """Each of `inputs` with its output as they finish; with None where its process was ended from outside.

        An input is taken when there is a process for it, and not before. Left early, the processes break off.
        """
        waiting = iter(inputs)
        idle = [self._process() for _ in range(self.size)]
        busy: dict[Future[Output], tuple[Input, ProcessPoolExecutor]] = {}
        try:
            while True:
                for item in islice(waiting, len(idle)):
                    process = idle.pop()
                    busy[process.submit(self.call, item)] = item, process
                if not busy:
                    return
                for future in wait(busy, return_when=FIRST_COMPLETED).done:
                    item, process = busy.pop(future)
                    output, process = self._output(future, process)
                    idle.append(process)
                    yield item, output
        except BaseException:
            break_off()
            raise
        finally:
            for process in (*idle, *(process for _, process in busy.values())):
                process.shutdown(cancel_futures=True)

    def _process(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1, get_context("spawn"), initializer=begin, initargs=(self.start, self.given)
        )

    def _output(
        self, future: Future[Output], process: ProcessPoolExecutor
    ) -> tuple[Output | None, ProcessPoolExecutor]:
        try:
            return future.result(), process
        except BrokenProcessPool:
            process.shutdown()
            return None, self._process()
