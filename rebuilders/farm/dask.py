"""Jobs on a farm of machines, by way of Dask `distributed`: an `Executor` that talks to a gateway process.

This process unpickles nothing: it starts the gateway, without what it knows itself, and reads lines of JSON from it.
"""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from rebuilders.farm.cage import caged
from rebuilders.farm.gateway import Plan
from rebuilders.farm.interface import Job, Outcome
from rebuilders.farm.lines import dumps, of_job, outcome_of, read_lines
from witness.errors import Malformed
from witness.escape import printable

_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "PYENV_ROOT", "XDG_CACHE_HOME", "XDG_DATA_HOME",
                "UV_PYTHON_INSTALL_DIR", "WHEELWITNESS_CACHE")  # fmt: skip
_SILENCE: Final = 60.0  # seconds without a sign of life, after which a gateway is ended
_FIRST_PAUSE, _MAX_PAUSE, _STEADY = 1.0, 60.0, 60.0
_GRACE: Final = 15.0

Message = tuple[int, dict[str, Any] | None]


class DaskExecutor:
    """An `Executor` by `plan`. The gateway is started again when it ends; `tell` gets what it says besides."""

    def __init__(self, plan: Plan, tell: Callable[[str], None] = lambda _: None) -> None:
        if plan.link is not None:
            plan.link.check()
        self._plan, self._tell = plan, tell
        self._jobs: dict[str, Job] = {}
        self._ended: list[tuple[Job, Outcome | None]] = []
        self._messages: queue.Queue[Message] = queue.Queue()
        self._process: subprocess.Popen[bytes] | None = None
        self._generation, self._slots, self._said = 0, 0, "the gateway is being started"
        self._started = self._heard = self._next = 0.0
        self._pause = _FIRST_PAUSE
        self._start()

    @property
    def free(self) -> int:
        self._hear(0.0)
        return max(0, self._slots - len(self._jobs) - len(self._ended))

    @property
    def said(self) -> str:
        return self._said

    @property
    def busy(self) -> int:
        return len(self._jobs) + len(self._ended)

    def ready(self, timeout: float) -> bool:
        end = time.monotonic() + timeout
        while not self.free and time.monotonic() < end:
            self._hear(0.2)
        return self.free > 0

    def submit(self, job: Job) -> None:
        self._jobs[job.claim] = job
        self._send({"job": of_job(job)})

    def finished(self, timeout: float) -> list[tuple[Job, Outcome | None]]:
        end = time.monotonic() + timeout
        self._hear(0.0)
        while self._jobs and not self._ended and (left := end - time.monotonic()) > 0:
            self._hear(min(left, 1.0))
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        process, self._process = self._process, None
        self._jobs.clear()
        self._ended.clear()
        if process is not None:
            _end(process)

    # the gateway

    def _start(self) -> None:
        self._generation += 1
        # -P: nothing is imported from the directory that the operator happens to be in.
        argv = [sys.executable, "-P", "-m", "rebuilders.farm.gateway"]
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        if self._plan.link is not None:
            inside = {**environment, "HOME": "/tmp"}  # noqa: S108 - inside
            argv = caged(argv, self._plan.link.files, inside)
        self._process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._started = self._heard = time.monotonic()
        for target in (self._read, self._forward):
            threading.Thread(target=target, args=(self._process, self._generation), daemon=True).start()
        self._send({"plan": self._plan.line()})

    def _read(self, process: "subprocess.Popen[bytes]", generation: int) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe
        with process.stdout:
            try:
                read_lines(process.stdout, lambda value: self._messages.put((generation, value)))
            except (Malformed, OSError):
                process.kill()
        self._messages.put((generation, None))

    def _forward(self, process: "subprocess.Popen[bytes]", generation: int) -> None:
        del generation
        assert process.stderr is not None  # noqa: S101 - a pipe
        with process.stderr:
            while line := process.stderr.readline(4096):
                text = line.decode(errors="replace").strip()
                if text:
                    self._tell(f"farm: {printable(text)}")

    def _send(self, value: dict[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None:
            try:
                self._process.stdin.write(dumps(value))
                self._process.stdin.flush()
            except (OSError, ValueError):
                self._process.kill()  # what it had is lost when its end is read

    def _hear(self, timeout: float) -> None:
        """Takes in what has been said, waiting `timeout` seconds for it; and sees to it that somebody is there."""
        try:
            message = self._messages.get(timeout=timeout) if timeout > 0 else self._messages.get_nowait()
            while True:
                self._take(message)
                message = self._messages.get_nowait()
        except queue.Empty:
            pass
        now = time.monotonic()
        if self._process is None:
            if now >= self._next:
                self._start()
        elif now - self._heard > _SILENCE:
            self._process.kill()

    def _take(self, message: Message) -> None:
        generation, value = message
        if generation != self._generation:
            return
        if value is None:
            self._is_gone()
            return
        self._heard = time.monotonic()
        try:
            self._understand(value)
        except (Malformed, KeyError, TypeError, ValueError):
            if self._process is not None:
                self._process.kill()

    def _understand(self, value: dict[str, Any]) -> None:
        if "state" in value:
            slots, said = value["state"]["slots"], value["state"]["said"]
            self._slots = max(0, min(int(slots), 100_000))
            if said != self._said:
                self._said = printable(str(said))
                if said:
                    self._tell(f"farm: {self._said}")
        elif "lost" in value:
            self._end(str(value["lost"]), None)
        else:
            claim = str(value["done"])
            try:
                outcome = outcome_of(value["outcome"])
            except Malformed as error:
                outcome = Outcome(claim, f"the farm's answer cannot be used: {error}", complete=False)
            self._end(claim, outcome)

    def _end(self, claim: str, outcome: Outcome | None) -> None:
        job = self._jobs.pop(claim, None)
        if job is not None:
            self._ended.append((job, outcome))

    def _is_gone(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        now = time.monotonic()
        self._pause = _FIRST_PAUSE if now - self._started > _STEADY else min(2 * self._pause, _MAX_PAUSE)
        self._next = now + self._pause
        self._slots, self._said = 0, "the gateway to the farm ended, and is started again"
        for claim in list(self._jobs):
            self._end(claim, None)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Lets it end by itself first, so that jobs are taken back."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
