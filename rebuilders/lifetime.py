"""How long a worker process lives, and how it ends: no longer than whoever started it, and leaving nothing behind."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, Final

_GRACE: Final = 5.0  # seconds in which a process without its parent puts away what it has begun
_STOPPED: Final = 128 + signal.SIGTERM


def begin(start: Callable[..., None], given: tuple[Any, ...]) -> None:
    """For the initializer of a pool: runs `start(*given)`. From then on, SIGTERM breaks off what the process is at.

    SIGINT, which a terminal sends to all, is for whoever started the process to act upon.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    start(*given)
    signal.signal(signal.SIGTERM, _break_off)


def break_off() -> None:
    """Has every process that this one has started break off what it is at."""
    for process in multiprocessing.active_children():
        process.terminate()


def end_with_parent() -> None:
    """Ends this process when its parent has ended, however that was.

    Otherwise, who is killed leaves workers behind that go on building, or wait for ever for more.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_await, args=(parent,), daemon=True).start()


def _await(parent: Any) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)


def _break_off(number: int, frame: object) -> None:
    """By an exception, so that whatever was begun is put away."""
    del frame
    signal.signal(number, signal.SIG_IGN)  # once is enough
    raise SystemExit(_STOPPED)
