"""How long a worker process lives: no longer than whoever started it."""

import os
import threading
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess


def end_with_parent() -> None:
    """For the start of a pool's process: it ends when its parent has, however that ended.

    Otherwise, who is killed leaves workers behind that go on building, or wait for ever for more.
    """
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_await, args=(parent,), daemon=True).start()


def _await(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
