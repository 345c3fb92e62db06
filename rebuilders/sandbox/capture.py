"""Runs one child process to its end or to a limit, and takes in its log and its output, bounded."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rebuilders.sandbox.interface import Ending, Limits

_CHUNK: Final = 256 * 1024
_GRACE: Final = 5.0  # seconds that the kernel gets to end what was killed


@dataclass(frozen=True, slots=True)
class Captured:
    """See `Finished`, which this becomes."""

    status: int
    ended: Ending
    output: bytes
    log: bytes
    seconds: float


@dataclass(slots=True)
class _Log:
    """The beginning and the end of a log, and how much there was in all."""

    kept: int
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    total: int = 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self.kept // 2 - len(self.head)
        self.head += data[:room]
        self.tail += data[room:] if room > 0 else data
        if len(self.tail) > self.kept:
            del self.tail[: len(self.tail) - self.kept // 2]

    def text(self) -> bytes:
        tail = bytes(self.tail[-(self.kept // 2) :])
        cut = self.total - len(self.head) - len(tail)
        middle = b"\n[... %d bytes cut ...]\n" % cut if cut > 0 else b""
        return bytes(self.head) + middle + tail


def capture(argv: Sequence[str], descriptors: tuple[int, ...], limits: Limits) -> Captured:
    """Runs `argv` with an empty environment and those open `descriptors`.

    The child must take all that it starts with it when it is killed (`bwrap --die-with-parent --unshare-pid`).
    """
    started = time.monotonic()
    child = subprocess.Popen(
        list(argv),
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=descriptors,
        start_new_session=True,
    )
    assert child.stdout is not None  # noqa: S101 - asked for above
    assert child.stderr is not None  # noqa: S101
    log, output = _Log(limits.log_kept), bytearray()
    with child.stdout, child.stderr:
        try:
            ended = _drain((child.stdout.fileno(), child.stderr.fileno()), log, output, limits, started)
            if ended == "exit":
                ended = _await(child, started + limits.seconds)
        finally:
            _kill(child)
    return Captured(child.returncode, ended, bytes(output), log.text(), time.monotonic() - started)


def _drain(pipes: tuple[int, int], log: _Log, output: bytearray, limits: Limits, started: float) -> Ending:
    """Reads until both ends are closed. A job that closes them and goes on is left to `_await`."""
    output_fd, log_fd = pipes
    with selectors.DefaultSelector() as selector:
        selector.register(log_fd, selectors.EVENT_READ)
        selector.register(output_fd, selectors.EVENT_READ)
        while selector.get_map():
            left = started + limits.seconds - time.monotonic()
            if left <= 0:
                return "time"
            for key, _ in selector.select(left):
                data = os.read(key.fd, _CHUNK)
                if not data:
                    selector.unregister(key.fd)
                elif key.fd == log_fd:
                    log.add(data)
                else:
                    output += data
            if log.total > limits.log_total:
                return "log"
            if len(output) > limits.output:
                return "output"
    return "exit"


def _await(child: "subprocess.Popen[bytes]", deadline: float) -> Ending:
    try:
        child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return "time"
    return "exit"


def _kill(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait(_GRACE)
