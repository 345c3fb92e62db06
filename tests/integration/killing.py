"""Starts children that work for ever, and kills them: for the tests of what `kill -9` leaves behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def nursery(module: str, *argv: object) -> Iterator[Callable[[Callable[[], None]], None]]:
    """A function that starts a child of `module`'s, does something for a while, and kills the child.

    The module runs `serve_children`; a fork of it is ready at once, where a new interpreter would take its time.
    """
    with subprocess.Popen(
        [sys.executable, "-m", module, *map(str, argv)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def kill_after(meanwhile: Callable[[], None]) -> None:
            process.stdin.write("go\n")
            process.stdin.flush()
            child = int(process.stdout.readline())
            meanwhile()
            os.kill(child, signal.SIGKILL)
            assert process.stdout.readline().split() == ["dead", str(int(signal.SIGKILL))]

        try:
            yield kill_after
        finally:
            process.stdin.close()


def serve_children(work: Callable[[int], None]) -> None:
    """For each line on standard input, forks a child that does `work` with the round's number; says when it died."""
    for round_, _ in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            work(round_)
            os._exit(0)
        _say(str(child))
        _, status = os.waitpid(child, 0)
        _say(f"dead {status}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
