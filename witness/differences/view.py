"""What of a differing member is shown below its line: lines, fields, or bytes. Pure.

Everything in a view is printable, and all views of a report together are bounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from witness.differences.fields import DESCRIPTION, Change
from witness.differences.hexdump import HexDump, hex_dump
from witness.differences.pair import MAX_READ, Pair
from witness.differences.shown import sides
from witness.differences.textdiff import Allowance, TextDiff, text_diff
from witness.escape import printable
from witness.observation import Difference
from witness.wheel.reader import Wheel

_MAX_CHANGES: Final = 40
_MAX_VALUES: Final = 8
_VALUE: Final = 300
_BINARY: Final = 64 * 1024  # larger files have too little in common for a few rows of bytes to say something
_MAX_EXCERPT: Final = 40  # lines of a file that only one wheel has


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A field, with the values that only one side has."""

    name: str
    published: tuple[str, ...]
    rebuilt: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What there is to show. `note` says what is not shown, and why."""

    changes: tuple[ShownChange, ...] = ()
    text: TextDiff | None = None
    bytes: HexDump | None = None
    note: str = ""


def view_of(published: Wheel, rebuilt: Wheel, difference: Difference, allowance: Allowance) -> View:
    """The view of one difference, taken from `allowance`."""
    pair = Pair(published, rebuilt, difference)
    size = sum(member.size for member in pair.members if member is not None and member.size <= MAX_READ)
    if size > allowance.steps:
        return View(note=f"not shown: this report shows enough already; {sides(pair)}")
    allowance.steps -= size
    if pair.kind.startswith("only-in-"):
        return _excerpt(pair, allowance)
    if pair.kind != "content":
        return View()
    if pair.changes:
        return _fields(pair, pair.changes, allowance)
    if pair.texts is not None:
        return View(text=text_diff(*pair.texts, allowance))
    if pair.both is None:
        reason = f"more than {MAX_READ} bytes" if all(pair.members) else "its name is too long"
        return View(note=f"too large to show: {reason}; {sides(pair)}")
    if max(map(len, pair.both)) > _BINARY:
        return View(bytes=hex_dump(*pair.both), note=f"{sides(pair)}, of which a few rows are shown")
    return View(bytes=hex_dump(*pair.both))


def _fields(pair: Pair, changes: tuple[Change, ...], allowance: Allowance) -> View:
    rows = [change for change in changes if change.name != DESCRIPTION]
    text = None
    if len(rows) < len(changes) and pair.texts is not None:
        bodies = [body.replace("\r\n", "\n").partition("\n\n")[2] for body in pair.texts]
        text = text_diff(bodies[0], bodies[1], allowance)
    more = f"and {len(rows) - _MAX_CHANGES} more fields" if len(rows) > _MAX_CHANGES else ""
    return View(changes=tuple(map(_shown, rows[:_MAX_CHANGES])), text=text, note=more)


def _shown(change: Change) -> ShownChange:
    name = printable(change.name, limit=_VALUE)
    return ShownChange(name, tuple(_values(change.published)), tuple(_values(change.rebuilt)))


def _values(values: tuple[str, ...]) -> Iterator[str]:
    for value in values[:_MAX_VALUES]:
        yield printable(value, limit=_VALUE)
    if len(values) > _MAX_VALUES:
        yield f"… and {len(values) - _MAX_VALUES} more"


def _excerpt(pair: Pair, allowance: Allowance) -> View:
    """The beginning of a file that one wheel has and the other has not."""
    first = pair.contents[0] is not None
    content = pair.contents[0] if first else pair.contents[1]
    if content is None:
        return View(note=f"too large to show: {sides(pair)}")
    try:
        text = "" if b"\0" in content else content.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if content and not text:
        return View(bytes=hex_dump(content, b"") if first else hex_dump(b"", content))
    one, other = (text, "") if first else ("", text)
    return View(text=text_diff(one, other, allowance, most=_MAX_EXCERPT))
