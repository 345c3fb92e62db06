"""How long worker processes live, and how they end: no longer than whoever started them, and leaving nothing behind."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

_GRACE: Final = 5.0  # seconds in which a process without its parent puts away what it has begun
_STOPPED: Final = 128 + signal.SIGTERM
_stopping = False  # of a worker process
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Workers:
    """Processes that work one call at a time each."""

    pool: ProcessPoolExecutor

    def submit(self, work: Callable[..., Result], *given: object) -> Future[Result]:
        return self.pool.submit(_unless_stopping, work, *given)


@contextmanager
def workers(count: int, start: Callable[..., None], *given: object) -> Iterator[Workers]:
    """`count` processes, in which `start(*given)` runs first. Left by an exception, they break off what they do.

    They are spawned: a fork would share this process's connections and threads.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, context, initializer=_start, initargs=(start, given)) as pool:
        try:
            yield Workers(pool)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _start(start: Callable[..., None], given: tuple[object, ...]) -> None:
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a terminal sends it to all: whoever started this one, decides
    _end_with_parent()
    start(*given)
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: object) -> None:
    """Breaks off what the process is at, by an exception, so that whatever it has begun is put away."""
    global _stopping  # noqa: PLW0603 - one for the process, as the signal is
    del number, frame
    if not _stopping:
        _stopping = True
        raise SystemExit(_STOPPED)


def _unless_stopping(work: Callable[..., Result], *given: object) -> Result:
    if _stopping:  # what was already in the queue
        raise SystemExit(_STOPPED)
    return work(*given)


def _end_with_parent() -> None:
    """Otherwise, who is killed leaves workers behind that go on building, or wait for ever for more."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_await, args=(parent,), daemon=True).start()


def _await(parent: Any) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)
