"""Charts as numbers: what is drawn where, in the units of an SVG's view box. Pure; templates draw it.

Columns are stacked from below. Every chart has its numbers for a table beside it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Final

WIDTH: Final = 640.0
HEIGHT: Final = 210.0
LEFT: Final = 72.0
_BELOW: Final = 32.0
_ABOVE: Final = 18.0
_DAYS: Final = 45  # spans that are shown day by day
_MONTHS: Final = 48
_MOST: Final = 60  # columns
_EPOCH: Final = date(1970, 1, 1).toordinal()
_GAP: Final = 0.25  # of a column's room
_LABELS: Final = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column: of the series `key`."""

    key: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A text at a place, of an axis."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked columns. `rows` are a label and the number of each of `keys`, for the table."""

    keys: tuple[str, ...]
    bars: tuple[Bar, ...]
    below: tuple[Mark, ...]
    lines: tuple[Mark, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def totals(self) -> tuple[int, ...]:
        """Of each key, over all columns."""
        return tuple(sum(row[1][number] for row in self.rows) for number in range(len(self.keys)))


def period_of(days: Sequence[int]) -> int:
    """How much of the text of a date names a column: of a day, a month, or a year. `days` are since 1970."""
    span = max(days) - min(days) + 1 if days else 0
    return 10 if span <= _DAYS else 7 if span <= _MONTHS * 30.5 else 4


def by_period(
    counts: Mapping[tuple[str, int], int], keys: Sequence[str]
) -> list[tuple[str, tuple[int, ...]]]:
    """A row for each period from the first to the last, also for those in which nothing was.

    `counts` are by key and day since 1970. Of a time that was made up there is no more than one row; of more than
    `_MOST` rows the oldest are one.
    """
    days = [day for _, day in counts]
    if not days:
        return []
    length = period_of(days)
    rows = {label: [0] * len(keys) for label in _periods(days, length)}
    for (key, day), count in counts.items():
        if key in keys:
            rows[_date(day)[:length]][keys.index(key)] += count
    return _shortened([(label, tuple(row)) for label, row in rows.items()])


def _periods(days: Sequence[int], length: int) -> list[str]:
    first, last = min(days), max(days)
    if length < 7 and (last - first) / 365 > _MOST:
        return sorted({_date(day)[:length] for day in days})
    return list(dict.fromkeys(_date(day)[:length] for day in range(first, last + 1)))


def _shortened(rows: list[tuple[str, tuple[int, ...]]]) -> list[tuple[str, tuple[int, ...]]]:
    over = len(rows) - _MOST
    if over <= 0:
        return rows
    label, summed = added_up(rows[: over + 1])[-1]
    return [(f"to {label}", summed), *rows[over + 1 :]]


def added_up(rows: Sequence[tuple[str, tuple[int, ...]]]) -> list[tuple[str, tuple[int, ...]]]:
    """Each row with those before it."""
    summed = accumulate(
        (row for _, row in rows), lambda one, other: tuple(map(sum, zip(one, other, strict=True)))
    )
    return [(label, row) for (label, _), row in zip(rows, summed, strict=True)]


def columns(
    rows: Sequence[tuple[str, tuple[int, ...]]], keys: Sequence[str], *, shares: bool = False
) -> Chart:
    """A chart of stacked columns, one for each row; with `shares`, all of one height, that of 100%."""
    top = 100 if shares else _ceiling(max((sum(row) for _, row in rows), default=0))
    room = (WIDTH - LEFT) / max(len(rows), 1)
    scale = (HEIGHT - _BELOW - _ABOVE) / top
    bars: list[Bar] = []
    for number, (_, row) in enumerate(rows):
        width = min(room * (1 - _GAP), 56.0)
        x, y = LEFT + room * number + (room - width) / 2, HEIGHT - _BELOW
        of_one = scale * 100 / max(sum(row), 1) if shares else scale
        for key, count in zip(keys, row, strict=True):
            if count:
                y -= count * of_one
                bars.append(Bar(key, round(x, 2), round(y, 2), round(width, 2), round(count * of_one, 2)))
    step = -(-len(rows) // _LABELS)
    below = [
        Mark(label[5:] if len(label) == 10 else label, round(LEFT + room * (number + 0.5), 2))
        for number, (label, _) in enumerate(rows)
        if number % step == 0
    ]
    lines = [
        Mark(f"{value}%" if shares else _short(value), round(HEIGHT - _BELOW - value * scale, 2))
        for value in _whole(top)
    ]
    return Chart(tuple(keys), tuple(bars), tuple(below), tuple(lines), tuple(rows))


def share(parts: Iterable[tuple[str, int]]) -> list[tuple[str, int, float, float]]:
    """Each part with its number, and where on a line of length 100 it begins and how long it is there."""
    parts = [(key, count) for key, count in parts if count]
    total, at, placed = sum(count for _, count in parts), 0.0, []
    for key, count in parts:
        length = 100 * count / total
        placed.append((key, count, round(at, 3), round(length, 3)))
        at += length
    return placed


def _whole(top: int) -> list[int]:
    return sorted({0, top // 2, top} if top % 2 == 0 else {0, top})


def _short(value: int) -> str:
    for unit, power in (("M", 1_000_000), ("k", 1_000)):
        if value >= power:
            return f"{value / power:g}{unit}"
    return str(value)


def _ceiling(value: int) -> int:
    """A round number that is not below `value`."""
    if value <= 2:
        return max(value, 1)
    power = 10 ** (len(str(value)) - 1)
    return next(int(step * power) for step in (1, 2, 4, 6, 8, 10) if step * power >= value)


def _date(day: int) -> str:
    return date.fromordinal(min(max(day + _EPOCH, 1), date.max.toordinal())).isoformat()
