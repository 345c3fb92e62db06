"""What all parts have in common: they take steps until they are told to end, and say how they are.

A part writes `state/parts/<name>.json`, by which `rebuilder status` and the metrics know of it. What can pass (no
network, a full disk) is told, and tried again after growing pauses; what cannot ends the part with status 2.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rebuilders.node.config import NodeDirectory
from rebuilders.node.locks import alone
from rebuilders.node.logs import FORM, Form, Line, written
from witness.errors import Incomplete, InputError, WheelwitnessError
from witness.escape import printable
from witness.observation import format_time
from witness.store.directory import DirectoryStore

WITH_PARENT: Final = "--with-parent"  # of the arguments: end when standard input does
USAGE, FAILED = 2, 5

_BEAT: Final = 30.0  # seconds between signs of life
_FIRST_PAUSE: Final = 2.0
_MAX_PAUSE: Final = 300.0


@dataclass(slots=True)
class Beat:
    """What a part says of itself. Times are UTC, RFC 3339; `error` is why its last step failed, `doing` for people."""

    part: str
    pid: int = field(default_factory=os.getpid)
    started: str = field(default_factory=lambda: format_time(datetime.now(UTC)))
    beat: str = ""
    doing: str = ""
    error: str = ""


class Lasting:
    """A part at work: `stop` is set when it is to end, `say` writes a line, and `beat` says how it is."""

    def __init__(self, name: str, directory: NodeDirectory) -> None:
        self.directory = directory
        self.stop = threading.Event()
        self._name, self._beat, self._next = name, Beat(name), 0.0
        self.form: Form = "json" if os.environ.get(FORM) == "json" else "text"
        self._store = DirectoryStore(directory.state / "parts")

    def say(self, line: str) -> None:
        """Writes a line of the part's log."""
        print(written(line, self._name, self.form, datetime.now(UTC)), flush=True)  # noqa: T201 - the part's log

    def beat(self, *, doing: str | None = None, error: str | None = None) -> None:
        """Says what the part does, or what failed; written when it changes, and once in a while."""
        before = (self._beat.doing, self._beat.error)
        if doing is not None:
            self._beat.doing = doing
        if error is not None:
            self._beat.error = error
        if (self._beat.doing, self._beat.error) != before or time.monotonic() >= self._next:
            self._beat.beat = format_time(datetime.now(UTC))
            self._next = time.monotonic() + _BEAT
            with suppress(WheelwitnessError):  # a full disk is told by what cannot do without
                self._store.put(f"{self._name}.json", json.dumps(asdict(self._beat)).encode())


def last(part: Lasting, step: Callable[[], float]) -> None:
    """Takes steps until the part is to end; `step` returns the seconds until the next.

    Raises:
        InputError: something of the node cannot be used, and will not be by waiting.
    """
    pause = _FIRST_PAUSE
    while not part.stop.is_set():
        try:
            wait = step()
        except InputError:
            raise
        except WheelwitnessError as error:
            hint = f" {error.hint}" if error.hint else ""
            part.say(Line(f"{printable(str(error))}{hint}", event="failed", level="warning"))
            part.beat(error=str(error))
            wait, pause = pause, min(2 * pause, _MAX_PAUSE)
        else:
            part.beat(error="")
            pause = _FIRST_PAUSE
        _rest(part, wait)


def _rest(part: Lasting, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not part.stop.wait(min(left, _BEAT)):
        part.beat()


def run_part(name: str, body: Callable[[Lasting], None], arguments: list[str] | None = None) -> None:
    """The entry point of a part: runs `body` until SIGTERM or SIGINT, or with whoever started it; then exits."""
    given = sys.argv[1:] if arguments is None else arguments
    directory = NodeDirectory(Path(given[0]))
    part = Lasting(name, directory)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: part.stop.set())
    if WITH_PARENT in given:
        threading.Thread(target=_end_with_input, args=(part,), daemon=True).start()
    try:
        directory.load()
        with alone(directory.state, name):
            part.beat(doing="starting")
            body(part)
    except (InputError, Incomplete) as error:
        part.beat(doing="ended", error=str(error))
        if part.form == "json":
            part.say(Line(f"{error} {error.hint}".strip(), event="ended", level="error"))
        else:
            sys.stderr.write(f"rebuilder {name}: {printable(str(error))}\n{error.hint}\n")
        sys.exit(USAGE if isinstance(error, InputError) else FAILED)
    part.beat(doing="ended")


def _end_with_input(part: Lasting) -> None:
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    part.stop.set()


def read_beats(directory: NodeDirectory) -> list[Beat]:
    """What the parts last said of themselves, by name. What cannot be read is passed over."""
    found = []
    for path in sorted((directory.state / "parts").glob("*.json")):
        with suppress(OSError, ValueError, TypeError):
            found.append(Beat(**json.loads(path.read_bytes())))
    return found
