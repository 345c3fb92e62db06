"""Runs one child process to its end or to a limit, and takes in its log and its output, bounded."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rebuilders.sandbox.interface import Ending, Limits
from rebuilders.sandbox.tree import Tree
from witness.errors import SandboxUnavailable

_CHUNK: Final = 256 * 1024
_GRACE: Final = 20.0  # seconds that the kernel gets to end what was killed, and to free its memory
_LOOK: Final = 0.1  # seconds between looks at the memory that a job holds


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


def capture(bwrap: Path, arguments: Sequence[str], descriptors: tuple[int, ...], limits: Limits) -> Captured:
    """Runs bwrap with an empty environment and those open `descriptors`, until all that it started has ended.

    The arguments must have `--die-with-parent` and `--unshare-pid`, so that killing bwrap kills the rest.

    Raises:
        SandboxUnavailable: bwrap cannot be started, or the kernel does not end the job's processes.
    """
    started = time.monotonic()
    told, status = os.pipe()
    with os.fdopen(told, "rb", buffering=0) as reader:
        try:
            child = _start([str(bwrap), "--json-status-fd", str(status), *arguments], (*descriptors, status))
        finally:
            os.close(status)
        assert child.stdout is not None  # noqa: S101 - asked for in _start
        assert child.stderr is not None  # noqa: S101
        log, output, tree = _Log(limits.log_kept), bytearray(), Tree()
        with child.stdout, child.stderr:
            try:
                ended = _drain(
                    _Watch(child, tree, limits, started + limits.seconds), reader.fileno(), log, output
                )
                if ended == "exit":  # bwrap has closed its pipe, and is about to end with the job's status
                    child.wait(_GRACE)
            finally:
                _end(child, tree)
    return Captured(child.returncode, ended, bytes(output), log.text(), time.monotonic() - started)


def _start(argv: list[str], descriptors: tuple[int, ...]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            argv,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=descriptors,
            start_new_session=True,
        )
    except OSError as error:
        raise SandboxUnavailable(f"{argv[0]}: cannot be started: {error.strerror}") from None


@dataclass(slots=True)
class _Watch:
    """What is looked at from time to time while a job runs."""

    child: "subprocess.Popen[bytes]"
    tree: Tree
    limits: Limits
    deadline: float
    _next: float = 0.0

    def broken(self) -> Ending | None:
        """The limit on time or memory that the job has broken."""
        now = time.monotonic()
        if now >= self.deadline:
            return "time"
        if now >= self._next:
            allowed = self.limits.resident
            if self.tree.held_at_most() > allowed and self.tree.held() > allowed:
                return "memory"
            # Looking at many processes takes a while, which must not become all that is done.
            self._next = time.monotonic() + max(_LOOK, 5 * (time.monotonic() - now))
        return None

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return max(0.0, min(self._next, self.deadline) - time.monotonic())


def _drain(watch: _Watch, status: int, log: _Log, output: bytearray) -> Ending:
    """Reads until bwrap's own pipe is closed, which it is when bwrap ends, and then what is left in the others.

    A job may close its output and its log and go on: their end says nothing.
    """
    assert watch.child.stdout is not None  # noqa: S101 - see capture
    assert watch.child.stderr is not None  # noqa: S101
    output_fd, log_fd = watch.child.stdout.fileno(), watch.child.stderr.fileno()
    with selectors.DefaultSelector() as selector:
        for descriptor in (status, log_fd, output_fd):
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            if (broken := watch.broken()) is not None:
                return broken
            for key, _ in selector.select(watch.pause):
                data = os.read(key.fd, _CHUNK)
                if not data:
                    selector.unregister(key.fd)
                elif key.fd == log_fd:
                    log.add(data)
                elif key.fd == output_fd:
                    output += data
                else:
                    watch.tree.feed(data)
            if log.total > watch.limits.log_total:
                return "log"
            if len(output) > watch.limits.output:
                return "output"
    return "exit"


def _end(child: "subprocess.Popen[bytes]", tree: Tree) -> None:
    try:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(_GRACE)
        gone = tree.gone(_GRACE)
    except subprocess.TimeoutExpired:
        gone = False
    finally:
        tree.close()
    if not gone:
        raise SandboxUnavailable("the kernel does not end the processes of a job that was killed")
