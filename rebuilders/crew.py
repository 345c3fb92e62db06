"""Processes that work off inputs, several at a time. One that is ended from outside costs its own input, no other.

Each process is a pool of its own. A pool of several learns late that one of them has died: its manager looks at the
processes that it knew when it last woke, and is woken before a new one is made (CPython 3.11 to 3.14).
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import Any, Generic, TypeVar

from rebuilders.lifetime import begin, break_off

Input = TypeVar("Input")
Output = TypeVar("Output")


class Crew(Generic[Input, Output]):
    """`size` processes that each run `start(*given)` once, and then `call` with one input after the other.

    All three are found by name in the processes, which are spawned: a fork would share its parent's connections. They
    are started when there is something to do.
    """

    def __init__(
        self, size: int, call: Callable[[Input], Output], start: Callable[..., None], given: tuple[Any, ...]
    ) -> None:
        self._size, self._call, self._start, self._given = size, call, start, given
        self._idle: list[ProcessPoolExecutor] = []
        self._busy: dict[Future[Output], tuple[Input, ProcessPoolExecutor]] = {}

    @property
    def free(self) -> int:
        """How many inputs can be taken now."""
        return self._size - len(self._busy)

    @property
    def busy(self) -> int:
        """How many inputs are worked on."""
        return len(self._busy)

    def submit(self, item: Input) -> None:
        """Has a free process work on `item`."""
        process = self._idle.pop() if self._idle else self._process()
        self._busy[process.submit(self._call, item)] = item, process

    def finished(self, timeout: float | None = None) -> list[tuple[Input, Output | None]]:
        """What has ended, after `timeout` seconds at most, with its output; or None where its process was ended."""
        ended: list[tuple[Input, Output | None]] = []
        for future in wait(self._busy, timeout, FIRST_COMPLETED).done:
            item, process = self._busy.pop(future)
            try:
                output = future.result()
            except BrokenProcessPool:
                process.shutdown()
                ended.append((item, None))
            except BaseException:
                self._idle.append(process)
                raise
            else:
                self._idle.append(process)
                ended.append((item, output))
        return ended

    def close(self) -> None:
        """Ends the processes, each after what it is working on."""
        for process in (*self._idle, *(process for _, process in self._busy.values())):
            process.shutdown(cancel_futures=True)
        self._idle, self._busy = [], {}

    def break_off(self) -> None:
        """Ends the processes now; what they have begun is put away."""
        break_off()
        self.close()

    def _process(self) -> ProcessPoolExecutor:
        given = (self._start, self._given)
        return ProcessPoolExecutor(1, get_context("spawn"), initializer=begin, initargs=given)

    def work_off(self, inputs: Iterable[Input]) -> Iterator[tuple[Input, Output | None]]:
        """Each of `inputs` with its output as they finish; with None where its process was ended from outside.

        An input is taken when there is a process for it, and not before. Left early, the processes break off.
        """
        waiting = iter(inputs)
        try:
            while True:
                for item in islice(waiting, self.free):
                    self.submit(item)
                if not self._busy:
                    return
                yield from self.finished()
        except BaseException:
            self.break_off()
            raise
        finally:
            self.close()
