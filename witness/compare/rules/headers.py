"""The fields of METADATA and WHEEL, where every reader sees the same ones.

Both are in the form of e-mail headers (core metadata specification; PEP 427). `email`, which pip and `installer` use,
and `mailparse`, which uv uses, disagree about carriage returns, other characters that end a line for some, lines
that are no fields, and names that are not ASCII. A text with any of these in its fields is refused.
"""

import re
from dataclasses import dataclass
from typing import Final

from witness.errors import Malformed

# RFC 5322 section 2.2; a line of another form ends the fields for pip
_FIELD: Final = re.compile(r"([!-9;-~]+):")

_MOST_LINES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Field:
    """One field as written, its continuation lines joined by line feeds."""

    text: str

    @property
    def key(self) -> str:
        """The name in lower case: names are case-insensitive."""
        return self.text.partition(":")[0].lower()

    @property
    def value(self) -> str:
        """What follows the colon and its spaces."""
        return self.text.partition(":")[2].lstrip(" ")

    @property
    def folded(self) -> bool:
        """Whether it goes over several lines."""
        return "\n" in self.text


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields in their order, and the text below them. `crlf` is how the lines of the fields end, all of them."""

    fields: tuple[Field, ...]
    description: str
    crlf: bool

    def values(self, key: str) -> list[str]:
        """The values of the fields called `key`, in their order."""
        return [field.value for field in self.fields if field.key == key]


def read_headers(content: bytes) -> Headers:
    """The headers in `content`.

    Raises:
        Malformed: readers may see other fields than these.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("headers that are not UTF-8") from None
    end = text.find("\n")
    crlf = end > 0 and text[end - 1] == "\r"
    head, _, description = text.partition("\r\n\r\n" if crlf else "\n\n")
    if crlf:
        if head.count("\n") != head.count("\r\n"):
            raise Malformed("fields whose lines end in two ways")
        head = head.replace("\r\n", "\n")
    return Headers(_fields(head.removesuffix("\n")), description, crlf)


def _fields(head: str) -> tuple[Field, ...]:
    lines = head.split("\n")
    if len(lines) > _MOST_LINES:
        raise Malformed(f"more than {_MOST_LINES} lines of fields")
    if lines != head.splitlines():  # a carriage return, or another character that ends a line for some
        raise Malformed("fields with other line ends")
    fields: list[list[str]] = []
    for line in lines:
        if line.startswith((" ", "\t")) and fields:
            fields[-1].append(line)
        elif _FIELD.match(line):
            fields.append([line])
        else:
            raise Malformed("a line that is no field")
    return tuple(Field("\n".join(each)) for each in fields)
