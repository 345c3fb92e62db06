"""Strict reading of METADATA and WHEEL: fields as every reader sees them, or what some reader might see otherwise.

A field is `Name: value` with continuation lines that begin with a blank; the first empty line ends the fields (RFC 5322
sections 2.2 and 3.6, as core metadata and PEP 427 use them). Line ends are those of the whole file, LF or CRLF.
"""

import re
from dataclasses import dataclass
from typing import Final

_FIELD: Final = re.compile(r"([!-9;-~]+):[ \t]*(.*)", re.DOTALL)
_OTHER_BREAKS: Final = re.compile(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")  # lines end here for str.splitlines
_MAX_FIELDS: Final = 20_000  # of megabytes of tiny fields, a reader would make hundreds of megabytes
# The fields of core metadata that may stand more than once, in lower case.
MULTIPLE: Final = frozenset(
    (
        "classifier", "dynamic", "import-name", "import-namespace", "license-file", "obsoletes", "obsoletes-dist",
        "platform", "project-url", "provides", "provides-dist", "provides-extra", "requires", "requires-dist",
        "requires-external", "supported-platform",
    )
)  # fmt: skip
# What an installer decides by: a text below the fields that begins with one of these may be taken for more fields.
_DECISIVE: Final = frozenset(
    {"metadata-version", "name", "version", "requires-dist", "requires-python", "provides-extra", "dynamic"}
    | {"wheel-version", "root-is-purelib", "tag", "build"}
)


@dataclass(frozen=True, slots=True)
class Headers:
    """`fields` in order, names in lower case, values without the blanks in front; `body` is all below them.

    `faults` are kinds of findings: why other readers may see other fields. With faults, the fields are a best guess.
    """

    fields: tuple[tuple[str, str], ...]
    body: str
    faults: tuple[str, ...]

    def values(self, name: str) -> tuple[str, ...]:
        """The values of each field of that name (in lower case), without the blanks around them."""
        return tuple(value.strip(" \t") for field, value in self.fields if field == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.fields)


def read_headers(data: bytes) -> Headers:
    """The fields in `data`, whatever it holds."""
    faults: dict[str, None] = {}
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Headers((), "", ("not-utf8",))
    text = text.replace("\r\n", "\n")
    if "\r" in text:
        faults["lone-carriage-return"] = None
        text = text.replace("\r", "\n")
    head, _, body = text.partition("\n\n") if not text.startswith("\n") else ("", "", text[1:])
    if "\0" in head:
        faults["odd-line"] = None
    if _OTHER_BREAKS.search(head):
        faults["other-line-break"] = None
    fields = _fields(head.removesuffix("\n").split("\n"), faults)
    first = body.lstrip("\n").partition("\n")[0]
    if (found := _FIELD.match(first)) and found[1].lower() in _DECISIVE:
        faults["fields-below-blank-line"] = None
    return Headers(tuple(fields), body, tuple(faults))


def _fields(lines: list[str], faults: dict[str, None]) -> list[tuple[str, str]]:
    fields: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith((" ", "\t")) and fields:
            fields[-1][1].append(line)
        elif len(fields) == _MAX_FIELDS:
            faults["too-many-fields"] = None
            break
        elif found := _FIELD.fullmatch(line):
            fields.append((found[1].lower(), [found[2]]))
        elif line or len(lines) > 1:
            faults["odd-line"] = None
    return [(name, "\n".join(value)) for name, value in fields]
