"""Starts children that work for ever, and kills them: for the tests of what `kill -9` leaves behind."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.signed_log import observed, put_in
from witness import statement

CROWD = 60


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


def talk(outbox: Path, said: list[bytes], chance: random.Random, seconds: float) -> None:
    """Puts observations into `outbox`, and what they say into `said`, for up to `seconds`.

    Several are of one artifact, so that they share a shard, and some are said twice.
    """
    until = time.monotonic() + chance.uniform(0.0, seconds)
    while time.monotonic() < until:
        # What waits is bounded, as a publisher that reads all of it would be killed before it got anywhere.
        crowded = sum(1 for _ in outbox.iterdir()) > CROWD
        for _ in range(0 if crowded else chance.choice((0, 1, 1, 2, 9))):
            number = len(said)
            said.append(statement.encode(observed(number, artifact=number % 7 * chance.randint(0, 9))))
            put_in(outbox, said[-1])
        if said and chance.random() < 0.3:
            put_in(outbox, chance.choice(said))
        time.sleep(chance.uniform(0.0, 0.05))
