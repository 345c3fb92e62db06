"""A node at work: workers rebuild what is queued, the signer publishes it, and the cosigner meets the node's peers."""

import fcntl
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from rebuilders.crew import Crew
from rebuilders.node import worker
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.cosigning import cosign_apart
from rebuilders.node.ledger import Ledger
from rebuilders.node.signer import publish_apart
from rebuilders.node.worker import Done
from rebuilders.sandbox.bubblewrap import Bubblewrap, probe
from witness.errors import Incomplete
from witness.names import TargetName

_IDLE: Final = 5.0  # seconds between looks at an empty queue
_MAX_IDLE: Final = 60.0  # seconds between tries of what cannot be completed
_MAX_IN_A_ROW: Final = 3
_ENDED: Final = "the worker process was ended from outside"
_BATCH: Final = 32  # observations that may wait before they are published


def run(directory: NodeDirectory, tell: Callable[[str], None], *, once: bool, index: str = "") -> int:
    """Works off the queue, for good or `once`; returns how many targets could not be completed in the last round.

    `index`, unless empty, is asked instead of the configured one.

    Raises:
        SandboxUnavailable: no sandbox works here, and the node's method needs one; nothing was taken from the queue.
        Incomplete: another process runs this node, or worker after worker was ended from outside.
    """
    config = directory.load()
    if index:
        config = config.model_copy(update={"index": index})
    if config.method == "rebuild":
        probe(Bubblewrap.find())
    with _alone(directory.state):
        ledger = Ledger(directory.state / "ledger.sqlite")
        ledger.requeue()
        idle = _IDLE
        cosigner = _Cosigner(directory, config, tell)
        try:
            while True:
                open_ends = _round(directory, config, ledger, tell)
                cosigner.look()
                if once:
                    return open_ends
                idle = min(2 * idle, _MAX_IDLE) if open_ends else _IDLE
                time.sleep(idle)
        finally:
            ledger.close()


def _round(directory: NodeDirectory, config: NodeConfig, ledger: Ledger, tell: Callable[[str], None]) -> int:
    unpublished = 0
    released: list[tuple[TargetName, str]] = []
    try:
        with closing(_rebuilt(directory, config, ledger)) as rebuilt:
            for target, done in rebuilt:
                tell(f"{done.target}: {done.result}{f' ({done.level})' if done.level else ''}")
                if done.complete:
                    ledger.finish(target, done.result)
                    unpublished += 1
                else:
                    released.append((target, done.result))
                if unpublished >= _BATCH:
                    _publish(directory, tell)
                    unpublished = 0
    finally:
        # Only after the round: what could not be completed now would be taken again at once.
        for target, detail in released:
            ledger.release(target, detail)
    _publish(directory, tell)
    return len(released)


def _rebuilt(
    directory: NodeDirectory, config: NodeConfig, ledger: Ledger
) -> Generator[tuple[TargetName, Done]]:
    """Every queued target, rebuilt; as many at a time as the configuration says."""
    crew = Crew(config.jobs, worker.work, worker.start, (directory, config))
    in_a_row = 0
    for target, done in crew.work_off(iter(ledger.take, None)):
        in_a_row = 0 if done else in_a_row + 1
        yield target, done or Done(str(target), _ENDED, "", complete=False)
        if in_a_row == _MAX_IN_A_ROW:
            raise Incomplete(_ENDED, hint="`rebuilder doctor` says what this machine lacks.")


def _publish(directory: NodeDirectory, tell: Callable[[str], None]) -> None:
    published = publish_apart(directory)
    for refused in published["refused"]:
        tell(f"not signed: {refused['name']}: {refused['reason']}")
    if published["count"]:
        tell(f"published {published['count']} observations; the log has {published['size']}")


class _Cosigner:
    """Meets the peers when it is time again. What fails with them is told, and keeps nothing from being rebuilt."""

    def __init__(self, directory: NodeDirectory, config: NodeConfig, tell: Callable[[str], None]) -> None:
        self._directory, self._tell = directory, tell
        self._seconds = 60.0 * config.cosign_minutes if config.peer else 0.0
        self._next = time.monotonic()

    def look(self) -> None:
        if not self._seconds or time.monotonic() < self._next:
            return
        try:
            told = cosign_apart(self._directory)
        except Incomplete as error:
            self._tell(f"not cosigned: {error}")
        else:
            for line in (*told["done"], *told["accused"], *told["failed"]):
                self._tell(line)
        self._next = time.monotonic() + self._seconds


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    descriptor = os.open(state / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Incomplete(f"{state}: another process runs this node") from None
    try:
        yield
    finally:
        os.close(descriptor)
