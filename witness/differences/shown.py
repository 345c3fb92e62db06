"""One line that shows what a difference is: the first line that differs, a field with both values, or sizes. Pure.

What it returns is printable and short, whatever the wheels hold.
"""

from typing import AnyStr, Final

from witness.differences.fields import DESCRIPTION, Change
from witness.differences.pair import Pair
from witness.escape import printable
from witness.wheel.manifest import Member

_VALUE: Final = 70  # characters of a value
_NAME: Final = 60


def first_difference(pair: Pair) -> str:
    """What differs, in a line."""
    if pair.kind.startswith(("published-", "rebuilt-")):
        side, _, finding = pair.kind.partition("-")
        return f"{printable(finding, limit=_NAME)} in the {side} wheel"
    if pair.kind == "filename":
        return "the rebuilt file has another name"
    if pair.kind == "executable-bit":
        side = "published" if pair.members[0] is not None and pair.members[0].executable else "rebuilt"
        return f"executable in the {side} wheel only"
    if pair.changes and pair.below_dist_info == "RECORD":
        rows = len(pair.changes)
        return f"{rows} row{'s' if rows > 1 else ''}, the first for {printable(pair.changes[0].name, limit=_NAME)}"
    if pair.changes:
        return _changed(pair.changes)
    if pair.texts is not None:
        return _first_line(*pair.texts)
    if pair.both is not None:
        return f"from byte {common_beginning(*pair.both)} on; {sides(pair)}"
    return sides(pair)


def common_beginning(ours: AnyStr, theirs: AnyStr) -> int:
    """How many characters, or bytes, both begin with."""
    low, high = 0, min(len(ours), len(theirs))
    while low < high:  # by halves: slices are compared faster than characters
        middle = (low + high + 1) // 2
        if ours[low:middle] == theirs[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def sides(pair: Pair) -> str:
    """The size on either side."""
    ours, theirs = pair.members
    if ours is None or theirs is None:
        only = ours or theirs
        return "its name is too long to show it" if only is None else _size(only)
    return f"{_size(ours)} / {_size(theirs)}"


def _size(member: Member) -> str:
    return f"{member.size} byte{'' if member.size == 1 else 's'}"


def _changed(changes: tuple[Change, ...]) -> str:
    first = changes[0]
    more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
    name = printable(first.name, limit=_NAME)
    if first.name == DESCRIPTION:
        return f"{name}{more}"
    return f"{name}: {_values(first.published)} / {_values(first.rebuilt)}{more}"


def _values(values: tuple[str, ...]) -> str:
    if not values:
        return "none"
    more = f" (and {len(values) - 1} more)" if len(values) > 1 else ""
    return printable(values[0], limit=_VALUE) + more


def _first_line(ours: str, theirs: str) -> str:
    """The first line that differs, with both texts of it."""
    left, right = (text.removesuffix("\n").split("\n") if text else [] for text in (ours, theirs))
    for number, (one, other) in enumerate(zip(left, right, strict=False), 1):
        if one != other:
            return f"line {number}: {_around(one, other)} / {_around(other, one)}"
    if len(left) == len(right):
        return "the last line ends with a line end in one of them"
    side, longer = ("published", left) if len(left) > len(right) else ("rebuilt", right)
    number = min(len(left), len(right))
    return f"after line {number}, the {side} one goes on: {printable(longer[number], limit=_VALUE)}"


def _around(line: str, other: str) -> str:
    """Of a long line, the part where it begins to differ."""
    if len(line) <= _VALUE:
        return printable(line, limit=_VALUE) or "(empty)"
    start = max(0, common_beginning(line, other) - _VALUE // 2)
    return f"{'…' if start else ''}{printable(line[start : start + _VALUE], limit=_VALUE)}…"
