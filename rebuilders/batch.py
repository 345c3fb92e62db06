"""Many rebuilds, several at a time, each in a process of its own that is kept warm; one JSON line each.

Resumable: what the file already holds is not done again, a line that was cut short is dropped, and a line that says
nothing about its target is tried again. A file that holds something else is left alone.
"""

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rebuilders.config import Settings
from rebuilders.crew import Crew
from rebuilders.result import INCOMPLETE, SCHEMA, incomplete_json, to_json
from rebuilders.wiring import Workshop, open_workshop
from witness.errors import Incomplete, InputError
from witness.names import TargetName

_LOST: Final = Incomplete("the worker process was ended from outside")
_MAX_IN_A_ROW: Final = 3
_opened: tuple[Workshop, float] | None = None  # of a worker process: what it rebuilds with, and for how long


@dataclass(frozen=True, slots=True)
class Batch:
    """Args: jobs: rebuilds at a time; timeout: seconds for each."""

    settings: Settings
    jobs: int
    timeout: float

    def results(self, targets: Iterable[TargetName]) -> Generator[dict[str, Any]]:
        """A result for each target, as they finish. Raises Incomplete where process after process dies."""
        crew = Crew(self.jobs, _one, _open, (self.settings, self.timeout))
        in_a_row = 0
        for target, result in crew.work_off(targets):
            in_a_row = 0 if result else in_a_row + 1
            if in_a_row == _MAX_IN_A_ROW:
                raise Incomplete(str(_LOST), hint="`rebuilder doctor` says what this machine lacks.")
            yield {"input": str(target), **(result or incomplete_json(target, _LOST))}


def run(batch: Batch, targets: list[TargetName], out: Path, progress: Callable[[], None]) -> Counter[str]:
    """Appends a line to `out` for each target that it does not hold yet; counts every line of it by result.

    Raises:
        InputError: `out` cannot be read or written.
        Incomplete: process after process died, or the disk is full; what is in `out` stays valid.
    """
    lines = _resume(out)
    counts = Counter(line["result"] for line in lines)
    known = {line["input"] for line in lines}
    todo = [target for target in targets if str(target) not in known]
    try:
        out.open("a").close()
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written: {error.strerror}", hint="Choose another --out."
        ) from None
    try:
        with out.open("a", encoding="utf-8") as file, closing(batch.results(todo)) as results:
            for result in results:
                file.write(json.dumps(result) + "\n")
                file.flush()
                counts[result["result"]] += 1
                progress()
    except OSError as error:
        raise Incomplete(
            f"{out}: {error.strerror}", hint="The same command goes on where this one stopped."
        ) from None
    return counts


def read_results(out: Path) -> Iterator[dict[str, Any]]:
    """The lines of a batch's file that is whole, one at a time. Raises InputError."""
    try:
        with out.open(encoding="utf-8") as file:
            yield from map(json.loads, file)
    except (OSError, ValueError) as error:
        raise InputError(f"{out}: {error}") from None


def read_list(path: Path) -> list[TargetName]:
    """The targets in a file, one a line; blank lines and `#` comments are passed over. Raises InputError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}") from None
    targets = []
    for number, line in enumerate(lines, 1):
        text = line.split("#", 1)[0].strip()
        if text:
            try:
                targets.append(TargetName.parse(text))
            except InputError as error:
                raise InputError(f"{path}, line {number}: {error}", hint=error.hint) from None
    return list(dict.fromkeys(targets))


def _resume(out: Path) -> list[dict[str, Any]]:
    """The lines of `out` that stand; the file is cut down to them."""
    if not out.exists():
        return []
    kept, text = [], []
    try:
        lines = out.read_text("utf-8").splitlines(keepends=True)
        for number, line in enumerate(lines, 1):
            value = _standing(line)
            if value is not None:
                kept.append(value)
                text.append(line)
            elif not line.startswith("{"):  # not even the beginning of a line of ours
                raise InputError(
                    f"{out}, line {number}: not a result of a batch", hint="Choose another --out."
                )
        if len(kept) < len(lines):  # whole or not at all: what the file holds may be the work of days
            whole = out.with_name(f"{out.name}.tmp")
            whole.write_text("".join(text), "utf-8")
            whole.replace(out)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{out}: {error}") from None
    return kept


def _standing(line: str) -> dict[str, Any] | None:
    """The value of a whole line that says something about its target."""
    try:
        value = json.loads(line)
        told = value["schema"] == SCHEMA and all(isinstance(value[key], str) for key in ("input", "result"))
        cause = value["failure"] and value["failure"]["cause"]
    except (ValueError, KeyError, TypeError):
        return None
    return value if told and line.endswith("\n") and cause != INCOMPLETE else None


def _open(settings: Settings, timeout: float) -> None:
    global _opened  # noqa: PLW0603 - what the start of a process is for
    _opened = open_workshop(settings), timeout


def _one(target: TargetName) -> dict[str, Any]:
    assert _opened is not None  # noqa: S101 - _open ran before
    workshop, timeout = _opened
    try:
        return to_json(workshop.rebuild(target, timeout), target)
    except Incomplete as error:
        return incomplete_json(target, error)
