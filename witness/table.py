"""A TOML table, read strictly: what is not taken is refused, and messages name the file and the key. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NoReturn

from witness.errors import InputError

MOST: Final = 100_000  # of any number


class Table:
    """A TOML table whose keys are taken one by one, so that what is left over can be refused."""

    def __init__(self, file: str, path: str, value: Mapping[str, Any]) -> None:
        self._file, self._path, self._left = file, path, dict(value)

    def refuse(self, key: str, problem: str, *, hint: str) -> NoReturn:
        raise InputError(f"{self._file}: {self._path}{key}: {problem}", hint=hint)

    def integer(self, key: str, *, least: int, default: int | None = None) -> int:
        value = self._take(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(key, "not a whole number", hint=f"Write it without quotes: {key} = {max(least, 1)}.")
        if not least <= value <= MOST:
            self.refuse(key, f"{value} is not from {least} to {MOST}", hint="Give a number in this range.")
        return value

    def boolean(self, key: str, *, default: bool) -> bool:
        value = self._left.pop(key, default)
        if not isinstance(value, bool):
            self.refuse(key, "not true or false", hint=f"Write it without quotes: {key} = true.")
        return value

    def optional_integer(self, key: str, *, least: int) -> int | None:
        return self.integer(key, least=least) if key in self._left else None

    def string(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default)
        if not isinstance(value, str):
            self.refuse(key, "not a string", hint="Write it in quotes.")
        if not value.strip() or not value.isprintable():
            self.refuse(key, "empty, or not printable", hint="Give a value, or leave the key out.")
        return value

    def has(self, key: str) -> bool:
        return key in self._left

    def text(self, key: str) -> str | None:
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, str):
            self.refuse(key, "not a text", hint='Write it in """three quotes""".')
        return value

    def optional(self, key: str) -> str | None:
        return self.string(key) if key in self._left else None

    def strings(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        value = self._take(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            self.refuse(key, "not a list of strings", hint=f'Write {key} = ["…"].')
        if not value or len(set(value)) != len(value):
            self.refuse(key, "empty, or an item twice", hint="List each item once.")
        return tuple(value)

    def optional_strings(self, key: str) -> tuple[str, ...] | None:
        return self.strings(key) if key in self._left else None

    def date(self, key: str) -> date:
        value = self._take(key, None)
        if not isinstance(value, date) or isinstance(value, datetime):
            self.refuse(key, "not a date", hint=f"Write it without quotes: {key} = 2027-06-01.")
        return value

    def tables(self, key: str) -> "list[Table]":
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.refuse(key, "not a list of tables", hint=f"Write [[{key}]], once for each.")
        return [
            Table(self._file, f"{self._path}{key}[{number}].", item) for number, item in enumerate(value, 1)
        ]

    def table(self, key: str) -> "Table | None":
        if key not in self._left:
            return None
        value = self._left.pop(key)
        if not isinstance(value, dict) or not value:
            self.refuse(key, "not a table, or empty", hint=f"Write [{key}] and its keys below it.")
        return Table(self._file, f"{self._path}{key}.", value)

    def finish(self) -> None:
        for key in self._left:
            self.refuse(repr(key)[1:-1], "unknown key", hint="Check its spelling; nothing is ignored here.")

    def _take(self, key: str, default: Any) -> Any:
        if key not in self._left and default is None:
            self.refuse(key, "missing", hint=f"Add {key} = ….")
        return self._left.pop(key, default)
