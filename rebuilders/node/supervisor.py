"""`rebuilder run`: starts the parts of a node, watches over them, and ends them. It reads no key.

A part that ends is started again, after pauses that grow while it keeps ending soon; one that says that something of
the node cannot be used ends the node, with its message. When the supervisor dies, however that was, the parts see
the end of their standard input and end, too.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NoReturn

from rebuilders.node.apart import WAY_OUT, kept
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.locks import alone
from rebuilders.node.logs import FORM, Form, Line, passed_on, teller
from rebuilders.node.parts.lasting import USAGE, WITH_PARENT
from rebuilders.node.pushing import variables
from rebuilders.node.ready import INDEX, configured
from rebuilders.node.signer import needed
from witness.errors import InputError

_LOOK: Final = 0.2  # seconds between looks at the parts
_FIRST_PAUSE: Final = 1.0
_MAX_PAUSE: Final = 60.0
_STEADY: Final = 60.0  # seconds after which a part that ends has not ended soon
_GRACE: Final = 20.0  # seconds for the parts to end by themselves

Environment = Mapping[str, str]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a node: its module in rebuilders.node.parts, whether a node has it, and what it gets to know.

    `ends_all` is for the part whose proper end is the node's.
    """

    name: str
    wanted: Callable[[NodeConfig], bool]
    environment: Callable[[NodeConfig, Environment], dict[str, str]]
    ends_all: bool = False


def _without_secrets(config: NodeConfig, present: Environment) -> dict[str, str]:
    """What is there, but for what only the process with the keys is to know."""
    return {
        name: value for name, value in present.items() if name not in set(needed(config)) - {"PATH", "HOME"}
    }


def _for_keys(config: NodeConfig, present: Environment) -> dict[str, str]:
    return kept(present, needed(config))


def _for_destinations(config: NodeConfig, present: Environment) -> dict[str, str]:
    return kept(present, (*WAY_OUT, *variables(config.destination)))


PARTS: Final = (
    Part("feed", lambda config: config.watch is not None, _without_secrets),
    Part("scheduler", lambda _: True, _without_secrets, ends_all=True),
    Part("signer", lambda _: True, _for_keys),
    Part("publisher", lambda config: config.pages or bool(config.destination), _for_destinations),
    Part("cosigner", lambda config: bool(config.peer and config.cosign_minutes), _for_keys),
    Part("metrics", lambda config: bool(config.metrics.port), _without_secrets),
)
BY_NAME: Final = {part.name: part for part in PARTS}


def become(directory: NodeDirectory, name: str, *, index: str = "", form: Form = "text") -> NoReturn:
    """Turns this process into one part of the node, for a service manager that looks after each by itself.

    Raises:
        InputError: there is no such part, or `node.toml` gives it nothing to do.
    """
    config, part = directory.load(), BY_NAME.get(name)
    if part is None:
        raise InputError(f"{name}: no part of a node", hint=f"Parts are {', '.join(BY_NAME)}.")
    if not part.wanted(config):
        raise InputError(f"{name}: node.toml gives it nothing to do", hint="See docs/reference/node-toml.md.")
    argv = _argv(part, directory)
    os.execve(argv[0], argv, _environment(part, config, index, form))  # noqa: S606 - no shell, our own program


def _argv(part: Part, directory: NodeDirectory) -> list[str]:
    # -P: nothing is imported from the directory that the operator happens to be in.
    module = f"rebuilders.node.parts.{part.name}"
    return [sys.executable, "-P", "-m", module, str(directory.root.absolute())]


def _environment(part: Part, config: NodeConfig, index: str, form: Form) -> dict[str, str]:
    more = {INDEX: index} if index else {}
    return {**part.environment(config, os.environ), **more, FORM: form}


@dataclass(slots=True)
class _Started:
    """A part that runs, or waits to be started again at `next`, on the monotonic clock."""

    part: Part
    process: "subprocess.Popen[str] | None" = None
    since: float = 0.0
    next: float = 0.0
    pause: float = _FIRST_PAUSE


class Supervisor:
    """The parts of the node in `directory`. `keys`: whether those with keys are among them; `index`: see `once`."""

    def __init__(
        self,
        directory: NodeDirectory,
        write: Tell,
        *,
        index: str = "",
        keys: bool = True,
        form: Form = "text",
    ) -> None:
        self._directory, self._write, self._index, self._form = directory, write, index, form
        self._tell = teller("supervisor", form, write)
        self._config = configured(directory, index)
        wanted = [part for part in PARTS if part.wanted(self._config)]
        self._parts = [_Started(part) for part in wanted if keys or part.environment is not _for_keys]
        self._stop = threading.Event()

    def run(self) -> None:
        """Until SIGTERM or SIGINT, or until the node is drained.

        Raises:
            InputError: something of the node cannot be used; Incomplete: another process runs it.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        with alone(self._directory.state, "run"):
            try:
                while not self._stop.is_set():
                    for started in self._parts:
                        self._look_after(started)
                    self._stop.wait(_LOOK)
            finally:
                self._end()

    def _look_after(self, started: _Started) -> None:
        process, now = started.process, time.monotonic()
        if process is None:
            if now >= started.next:
                self._start(started)
            return
        status = process.poll()
        if status is None:
            return
        started.process = None
        if status == USAGE:
            raise InputError(
                f"{started.part.name}: something of the node cannot be used",
                hint="What it said is above. `rebuilder doctor` looks at everything.",
            )
        if status == 0 and started.part.ends_all:
            self._stop.set()
            return
        started.pause = _FIRST_PAUSE if now - started.since > _STEADY else min(2 * started.pause, _MAX_PAUSE)
        started.next = now + started.pause
        words = f"{started.part.name}: ended with status {status}; started again in {started.pause:.0f} s"
        self._tell(Line(words, event="restart", level="error", ended=started.part.name, status=status))

    def _start(self, started: _Started) -> None:
        started.since = time.monotonic()
        started.process = subprocess.Popen(
            [*_argv(started.part, self._directory), WITH_PARENT],
            env=_environment(started.part, self._config, self._index, self._form),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
        )
        threading.Thread(target=self._forward, args=(started.process, started.part.name), daemon=True).start()

    def _forward(self, process: "subprocess.Popen[str]", part: str) -> None:
        if process.stdout is not None:
            for line in process.stdout:
                if line.strip():
                    self._write(passed_on(line.rstrip("\n"), part, self._form, datetime.now(UTC)))

    def _end(self) -> None:
        """Ends every part: at its ease first, then at once."""
        running = [started.process for started in self._parts if started.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + _GRACE
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
