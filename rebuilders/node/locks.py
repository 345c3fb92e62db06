"""One process at a time: locks that end with whoever holds them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from witness.errors import Incomplete


@contextmanager
def alone(state: Path, part: str) -> Iterator[None]:
    """Holds the lock of `part` in a node's `state`. Raises Incomplete if another process has it."""
    descriptor = os.open(state / f"{part}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        what = "this node" if part == "run" else f"this node's {part}"
        raise Incomplete(f"{state}: another process runs {what}") from None
    try:
        yield
    finally:
        os.close(descriptor)
