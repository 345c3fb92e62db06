"""Runs one child process to its end or to a limit, and takes in its log and its output, bounded."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rebuilders.sandbox.cgroup import Group
from rebuilders.sandbox.interface import Ending, Limits
from rebuilders.sandbox.tree import Tree
from rebuilders.sandbox.watch import Watch
from witness.errors import SandboxUnavailable

_CHUNK: Final = 256 * 1024
_GRACE: Final = 20.0  # seconds that the kernel gets to end what was killed, and to free its memory


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


def capture(
    bwrap: Path,
    arguments: Sequence[str],
    descriptors: tuple[int, ...],
    limits: Limits,
    group: Group | None = None,
) -> Captured:
    """Runs bwrap with an empty environment and those open `descriptors`, until all that it started has ended.

    The arguments must have `--die-with-parent` and `--unshare-pid`, so that killing bwrap kills the rest. The first
    byte of output must be written when the sandbox is set up.

    Raises:
        SandboxUnavailable: bwrap cannot be started, or is ended by others; the kernel does not end the job's
            processes; or this machine runs short of memory.
    """
    started = time.monotonic()
    told, status = os.pipe()
    with os.fdopen(told, "rb", buffering=0) as reader:
        argv = [str(bwrap), "--json-status-fd", str(status), *arguments]
        try:
            child = _start(argv if group is None else group.enter(argv), (*descriptors, status))
        finally:
            os.close(status)
        assert child.stdout is not None  # noqa: S101 - asked for in _start
        assert child.stderr is not None  # noqa: S101
        log, output, tree = _Log(limits.log_kept), bytearray(), Tree()
        watch = Watch(tree, limits, group, started + limits.seconds)
        with child.stdout, child.stderr, contextlib.closing(watch.space):
            try:
                ended = _drain(child, watch, reader.fileno(), log, output)
                if ended == "exit":  # bwrap has closed its pipe, and is about to end with the job's status
                    child.wait(_GRACE)
            finally:
                _end(child, tree, group, reader.fileno())
            if ended == "exit" and output:
                ended = _ended(child.returncode, watch)
    return Captured(child.returncode, ended, bytes(output), log.text(), time.monotonic() - started)


def _ended(status: int, watch: Watch) -> Ending:
    """How a job has ended that was not ended here."""
    found = watch.broken_at_last()
    if found is None and status < 0:  # bwrap itself: no job reaches it
        raise SandboxUnavailable("the sandbox was ended from outside while a job ran")
    return found or "exit"


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


def _drain(
    child: "subprocess.Popen[bytes]", watch: Watch, status: int, log: _Log, output: bytearray
) -> Ending:
    """Reads until bwrap's own pipe is closed, which it is when bwrap ends, and then what is left in the others.

    A job may close its output and its log and go on: their end says nothing.
    """
    assert child.stdout is not None  # noqa: S101 - see capture
    assert child.stderr is not None  # noqa: S101
    output_fd, log_fd = child.stdout.fileno(), child.stderr.fileno()
    takers = {status: watch.tree.feed, log_fd: log.add, output_fd: output.extend}
    with selectors.DefaultSelector() as selector:
        for descriptor in takers:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            if (broken := watch.broken()) is not None:
                return broken
            for key, _ in selector.select(watch.pause):
                if key.fd == output_fd and (broken := watch.broken_at_answer()) is not None:
                    return broken
                data = os.read(key.fd, _CHUNK)
                if not data:
                    selector.unregister(key.fd)
                else:
                    takers[key.fd](data)
            if output:
                watch.begun()
            if log.total > watch.limits.log_total:
                return "log"
            if len(output) > watch.limits.output:
                return "output"
    return "exit"


def _end(child: "subprocess.Popen[bytes]", tree: Tree, group: Group | None, status: int) -> None:
    try:
        if group is not None:
            group.kill()
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(_GRACE)
        os.set_blocking(status, False)
        with contextlib.suppress(BlockingIOError):
            tree.feed(os.read(status, _CHUNK))  # what bwrap told at last
        tree.kill()
        gone = tree.gone(_GRACE)
    except subprocess.TimeoutExpired:
        gone = False
    finally:
        tree.close()
    if not gone:
        raise SandboxUnavailable("the kernel does not end the processes of a job that was killed")
