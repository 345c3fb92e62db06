"""Fields of somebody else's JSON, read by type: what is needed must be right, and what is not is left alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from witness.errors import Malformed

MAX_TEXT: Final = 2000
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Fields:
    """An object, called `what` in errors. Every method raises `Malformed` for a field that is not there, or another."""

    what: str
    value: Mapping[str, Any]

    def text(self, key: str, *, limit: int = MAX_TEXT) -> str:
        """A string."""
        text = self.value.get(key)
        if not isinstance(text, str) or len(text) > limit:
            raise Malformed(f"{self.what}: {key}: not a string of at most {limit} characters")
        return text

    def objects(self, key: str) -> list[Mapping[str, Any]]:
        """A list of objects."""
        items = self.value.get(key)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise Malformed(f"{self.what}: {key}: not a list of objects")
        return items

    def within(self, *keys: str) -> "Fields":
        """The object in the field of the first key, in it that of the second, and so on."""
        found = self
        for key in keys:
            value = found.value.get(key)
            if not isinstance(value, dict):
                raise Malformed(f"{self.what}: {key}: not an object")
            found = Fields(f"{found.what}: {key}", value)
        return found


def read_time(text: str) -> datetime:
    """The time in `text`, as RFC 3339 has it, in UTC and to the second. Raises `Malformed`."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise Malformed("statement: finishedOn: not a time as RFC 3339 has it")
    local, sign, hours, minutes = found.groups()
    try:
        ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        at = datetime.fromisoformat(local).replace(tzinfo=UTC)
        return at + ahead if sign == "-" else at - ahead
    except (ValueError, OverflowError):
        raise Malformed("statement: finishedOn: no such time") from None
