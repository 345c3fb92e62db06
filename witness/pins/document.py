"""A lock file or SBOM as a value: strict text, TOML or JSON, bounded, and where in it things stand. Pure.

Nothing is repaired: other encodings than UTF-8, NUL, a byte order mark, keys that are there twice, deep nesting and
values of another type than the format has are an `InputError` that names the file, and the line where there is one.
"""

import re
import tomllib
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from witness.canonical import MAX_DEPTH, loads
from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.limits import MIB
from witness.pins.pin import Origin

MAX_DOCUMENT: Final = 32 * MIB
MAX_ENTRIES: Final = 100_000  # packages, and files of all of them
_MARKS: Final = {b"\xef\xbb\xbf": "UTF-8", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
# A key of many parts costs tomllib the square of their number, so it is refused before.
_PART: Final = r"""(?:[\w-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_LONG_KEY: Final = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{{MAX_DEPTH},}}")
_DIGEST: Final = re.compile(r"(?<![0-9a-fA-F])([0-9a-f]{64})(?![0-9a-fA-F])")
_PURL: Final = re.compile(r'"(pkg:[^"\\\n]{1,4096})"')
_KEY: Final = re.compile(r'"([^"\\\n]{1,400})"[ \t]*:')
_AGAIN: Final = "Make it anew with the tool that wrote it."


@dataclass(frozen=True)
class Document:
    """The bytes of one input. `name` is what messages and origins call it."""

    name: str
    data: bytes

    def refuse(self, problem: str, line: int | None = None, *, hint: str = _AGAIN) -> InputError:
        """The error to raise: `problem`, at a line if one is known."""
        return InputError(f"{printable(str(Origin(self.name, line)))}: {problem}", hint=hint)

    @cached_property
    def text(self) -> str:
        """Raises InputError unless it is UTF-8 without NUL and byte order mark, of at most MAX_DOCUMENT bytes."""
        if len(self.data) > MAX_DOCUMENT:
            raise self.refuse(f"more than the {MAX_DOCUMENT} bytes that such a file may have")
        for mark, encoding in _MARKS.items():
            if self.data.startswith(mark):
                hint = "Save it as UTF-8 without a mark."
                raise self.refuse(f"begins with a byte order mark ({encoding})", 1, hint=hint)
        if (at := self.data.find(b"\0")) >= 0:
            raise self.refuse("holds a NUL byte: not text", self.data.count(b"\n", 0, at) + 1)
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            raise self.refuse("not UTF-8", line, hint="Save it as UTF-8.") from None

    @cached_property
    def toml(self) -> dict[str, Any]:
        """The table that it is in TOML. Raises InputError."""
        if found := _LONG_KEY.search(self.text):
            raise self.refuse(f"a key of {MAX_DEPTH} parts or more", self.lines.at(found.start()))
        try:
            return tomllib.loads(self.text)
        except RecursionError:
            raise self.refuse("nested too deeply") from None
        except ValueError as error:
            raise self.refuse(f"not valid TOML: {printable(str(error), limit=200)}") from None

    @cached_property
    def json(self) -> dict[str, Any]:
        """The object that it is in JSON. Raises InputError."""
        try:
            value = loads(self.text.encode(), what=printable(self.name), limit=MAX_DOCUMENT)
        except Malformed as error:
            raise InputError(printable(str(error)), hint=_AGAIN) from None
        if not isinstance(value, dict):
            raise self.refuse("not an object in JSON")
        return value

    @cached_property
    def lines(self) -> "Lines":
        return Lines(self.text)

    @property
    def top(self) -> "Table":
        """The whole of it, as `toml` or `json` has it: by its first character."""
        value = self.json if self.text.lstrip()[:1] == "{" else self.toml
        return Table(self, value, Origin(self.name), "")


class Lines:
    """Finds the lines on which things stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[re.Pattern[str], dict[str, list[int]]] = {}
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def at(self, offset: int) -> int:
        """The line of a character, counted from 1."""
        return bisect_right(self._starts, offset)

    def of(self, needle: str, after: int = 1) -> int | None:
        """The first line from `after` on that holds `needle`."""
        if not 1 <= after <= len(self._starts):
            return None
        found = self._text.find(needle, self._starts[after - 1])
        return None if found < 0 else self.at(found)

    def of_digest(self, digest: str) -> int | None:
        """The first line that holds a SHA-256."""
        return self._first_of(_DIGEST, digest)

    def of_purl(self, purl: str) -> int | None:
        """The first line with this package URL as a string of JSON."""
        return self._first_of(_PURL, purl)

    def of_key(self, key: str, after: int = 1) -> int | None:
        """The first line from `after` on with this key of an object of JSON, if it is written without escapes."""
        return self._first_of(_KEY, key, after)

    def _first_of(self, pattern: re.Pattern[str], text: str, after: int = 1) -> int | None:
        """Where `text`, as `pattern` matches it, stands: all are found once, since a hostile file has many."""
        if pattern not in self._found:
            places: dict[str, list[int]] = {}
            for found in pattern.finditer(self._text):
                places.setdefault(found[1], []).append(self.at(found.start()))
            self._found[pattern] = places
        lines = self._found[pattern].get(text, [])
        place = bisect_left(lines, after)
        return lines[place] if place < len(lines) else None

    def headers(self, name: str) -> list[int]:
        """The lines of the headers `[[name]]` in TOML."""
        pattern = re.compile(rf"^[ \t]*\[\[[ \t]*{re.escape(name)}[ \t]*\]\]", re.MULTILINE)
        return [self.at(found.start()) for found in pattern.finditer(self._text)]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a document, and where it stands. What is taken out of it has the type asked for, or is refused."""

    document: Document
    value: dict[str, Any]
    origin: Origin
    path: str

    def refuse(self, key: str, problem: str) -> InputError:
        return self.document.refuse(f"{printable(self.path + key)}: {problem}", self.origin.line)

    def text(self, key: str, default: str | None = None) -> str:
        """A string; `default` if it is absent, and an error if there is no default."""
        value = self.value.get(key, default)
        if value is None:
            raise self.refuse(key, "missing")
        if not isinstance(value, str):
            raise self.refuse(key, "not a string")
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        value = self.value.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(key, "missing, or not a whole number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty if it is absent."""
        value = self.value.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refuse(key, "not a list of strings")
        return tuple(value)

    def table(self, key: str) -> "Table | None":
        """A table, at this one's place; None if it is absent."""
        value = self.value.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.refuse(key, "not a table")
        return Table(self.document, value, self.origin, f"{self.path}{key}.")

    def tables(self, key: str) -> list["Table"]:
        """A list of tables, each at the place of its header in TOML, or else of this one; empty if it is absent."""
        value = self.value.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.refuse(key, "not a list of tables")
        if len(value) > MAX_ENTRIES:
            raise self.refuse(key, f"more than the {MAX_ENTRIES} entries allowed")
        lines = self.document.lines.headers(key) if not self.path else []
        places = lines if len(lines) == len(value) else [self.origin.line] * len(value)
        return [
            Table(self.document, item, Origin(self.document.name, line), f"{self.path}{key}[{number}].")
            for number, (item, line) in enumerate(zip(value, places, strict=True), 1)
        ]

    def at(self, needle: str) -> Origin:
        """Where `needle` stands at or after this table; else the table's own place."""
        return self._place(self.document.lines.of(needle, self.origin.line or 1))

    def at_key(self, key: str) -> Origin:
        """Where a key of an object of JSON stands, at or after this table; else the table's own place."""
        return self._place(self.document.lines.of_key(key, self.origin.line or 1))

    def at_digest(self, digest: str) -> Origin:
        """Where a SHA-256 stands; else, and if it is empty, this table's own place."""
        return self._place(self.document.lines.of_digest(digest))

    def at_purl(self, purl: str) -> Origin:
        """Where a package URL stands; else this table's own place."""
        return self._place(self.document.lines.of_purl(purl))

    def _place(self, line: int | None) -> Origin:
        return self.origin if line is None else Origin(self.document.name, line)
