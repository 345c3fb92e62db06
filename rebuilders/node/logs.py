"""Lines of a node's log: text for people, or one JSON object a line for programs.

What is told of a part is a `Line`: words that anybody may print, and besides, what they are about.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, Self

from witness.escape import printable
from witness.observation import format_time

FORM: Final = "WHEELWITNESS_LOG"  # of the environment of the parts
Form = Literal["text", "json"]
Level = Literal["info", "warning", "error"]

_MAX_LINE: Final = 4000  # characters


class Line(str):
    """Words of the log, with `event`, a name that stays the same, its `level`, and `about`: what it is about."""

    __slots__ = ("about", "event", "level")

    event: str
    level: Level
    about: Mapping[str, str | int]

    def __new__(cls, words: str, *, event: str, level: Level = "info", **about: str | int) -> Self:
        line = super().__new__(cls, words)
        line.event, line.level, line.about = event, level, about
        return line


def written(line: str, part: str, form: Form, now: datetime) -> str:
    """`line` as `part` writes it, on one line, and with nothing in it that a terminal acts on."""
    if form == "text":
        return printable(line, limit=_MAX_LINE)
    told = line if isinstance(line, Line) else Line(line, event="said")
    value: dict[str, Any] = {
        "time": format_time(now),
        "part": part,
        "level": told.level,
        "event": told.event,
        **{key: _shown(value) for key, value in told.about.items()},
        "message": printable(told, limit=_MAX_LINE),
    }
    return json.dumps(value)


def passed_on(line: str, part: str, form: Form, now: datetime) -> str:
    """What the process of `part` wrote, as the node's log has it: as it is, unless it is no line of a log."""
    if form == "text" or _is_written(line):
        return printable(line, limit=2 * _MAX_LINE) if form == "text" else line
    return written(Line(line, event="output", level="warning"), part, form, now)


def teller(part: str, form: Form, write: Callable[[str], object]) -> Callable[[str], None]:
    """What tells lines of `part` by `write`."""
    return lambda line: (write(written(line, part, form, datetime.now(UTC))), None)[1]


def _is_written(line: str) -> bool:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and {"time", "part", "level", "event", "message"} <= value.keys()


def _shown(value: str | int) -> str | int:
    return printable(value) if isinstance(value, str) else value
