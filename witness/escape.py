"""Makes text from strangers safe to show in a terminal: file names, build logs, error messages of servers."""

import unicodedata
from typing import Final

# Cc: C0, DEL, C1. Cf: bidirectional and zero-width controls. Zl, Zp: line breaks that terminals may honour.
# Cs, Co, Cn: nothing that a reader could check with the eye.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})


def printable(text: str, *, limit: int = 500) -> str:
    """`text` on one line, with whatever a terminal would act on, or hide, written as an escape.

    A backslash stays a backslash: the result is for eyes, not for parsing back. At most `limit` characters of
    the input are shown; what was cut is said.
    """
    start = text[:limit]
    # What Python calls printable has nothing of `_HIDDEN`; it is nearly everything that comes by.
    shown = start if start.isprintable() else "".join(map(_escape, start))
    return shown if len(text) <= limit else f"{shown}… ({len(text) - limit} more characters)"


def printable_lines(text: str, *, limit: int = 20_000) -> str:
    """Like `printable`, keeping line feeds."""
    return "\n".join(printable(line, limit=limit) for line in text.split("\n"))


def _escape(char: str) -> str:
    if unicodedata.category(char) not in _HIDDEN:
        return char
    point = ord(char)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
