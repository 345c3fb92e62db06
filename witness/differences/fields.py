"""What differs field by field in the members of `.dist-info` that have fields. Pure, for people: no rule rests on it.

Nothing is repaired: a text that is not of the form that its name promises has no fields, and says so.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

DESCRIPTION: Final = "(description)"

_FIELD: Final = re.compile(r"([!-9;-~]+):")  # RFC 5322 section 2.2
_SECTION: Final = re.compile(r"\[([^\]]*)\]")

Field = tuple[str, str]  # a name, and a value


@dataclass(frozen=True, slots=True)
class Change:
    """The values of the field `name` that only the one and only the other side has."""

    name: str
    published: tuple[str, ...]
    rebuilt: tuple[str, ...]


def changes(member: str, published: str, rebuilt: str) -> tuple[Change, ...] | None:
    """What differs between two texts of the member of `.dist-info` named `member`, in the order of the published one.

    Empty where only order or blank space differs. None where one of them is not of the member's form.
    """
    read = STRUCTURED[member]
    try:
        ours, theirs = (list(read(text.replace("\r\n", "\n"))) for text in (published, rebuilt))
    except (ValueError, csv.Error):
        return None
    left, right = _by_name(ours), _by_name(theirs)
    found = []
    for name in dict.fromkeys((*left, *right)):
        only_left, only_right = left[name] - right[name], right[name] - left[name]
        if only_left or only_right:
            found.append(Change(name, tuple(only_left.elements()), tuple(only_right.elements())))
    return tuple(found)


def _by_name(fields: list[Field]) -> defaultdict[str, Counter[str]]:
    values: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, value in fields:
        values[name][value] += 1
    return values


def _headers(text: str) -> Iterator[Field]:
    """The fields of METADATA or WHEEL, and the text below them as one more."""
    head, _, description = text.partition("\n\n")
    lines = head.strip("\n").split("\n")
    if "\n".join(lines).splitlines() != lines and lines != [""]:
        raise ValueError("a character that ends a line for some readers only")
    name, value = "", ""
    for line in filter(None, lines):
        if line.startswith((" ", "\t")) and name:
            value += "\n" + line
            continue
        found = _FIELD.match(line)
        if found is None:
            raise ValueError("a line that is no field")
        if name:
            yield name, value
        name, value = found[1].title(), line[found.end() :].strip()
    if name:
        yield name, value
    if description.strip("\n"):
        yield DESCRIPTION, description.rstrip("\n")


def _rows(text: str) -> Iterator[Field]:
    """The rows of RECORD: the path, and its hash with its size."""
    for row in csv.reader(io.StringIO(text, newline=""), strict=True):
        if row:
            path, digest, size = row
            yield path, f"{digest}, {size} bytes" if digest or size else "no hash"


def _sections(text: str) -> Iterator[Field]:
    """The entry points: group and name, and what they lead to."""
    group = ""
    for line in map(str.strip, text.split("\n")):
        if not line or line.startswith(("#", ";")):
            continue
        if found := _SECTION.fullmatch(line):
            group = found[1]
            continue
        name, equals, target = line.partition("=")
        if not equals:
            raise ValueError("a line that is no entry point")
        yield f"[{group}] {name.strip()}", target.strip()


# The members of .dist-info that have fields.
STRUCTURED: Final[dict[str, Callable[[str], Iterator[Field]]]] = {
    "METADATA": _headers,
    "WHEEL": _headers,
    "RECORD": _rows,
    "entry_points.txt": _sections,
}
