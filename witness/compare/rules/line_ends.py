"""CRLF and LF: in texts of `.dist-info` that nobody interprets, and in Python source.

For source the precondition is on bytes, and stronger than equal syntax trees: both are one text but for line ends, in
an encoding where the byte of a carriage return is nothing else. Python translates every line end before it looks at
a line, string literals included (language reference, 2.1.2), so both are one program for every version of Python. No
parser is asked: it would answer according to the Python that runs the comparison, and some inputs crash it.
"""

import re
from fnmatch import fnmatchcase
from typing import Final

from witness.compare.rules.rule import Pair, Rule, Subject, Use, Uses
from witness.digest import sha256_hex
from witness.errors import Malformed

TEXT: Final = Rule(
    "dist-info-line-ends@1",
    "metadata",
    "`licenses/…`, `LICENSE…`, `LICENCE…`, `COPYING…`, `NOTICE…`, `AUTHORS…`, `zip-safe`, `not-zip-safe`, "
    "`top_level.txt`",
    "CRLF and LF",
    "any other difference; a CR without LF; a NUL; an executable member",
    "No installer reads what these files say.",
)
SOURCE: Final = Rule(
    "source-line-ends@1",
    "content",
    "`.py` and `.pyi`, but in `.data` of `purelib` and `platlib` only",
    "CRLF and LF",
    "any other difference; a CR without LF; control characters, form feeds among them; another encoding than UTF-8, "
    "ASCII or Latin-1; an executable member; a wheel with compiled modules, which Python believes or not by the size "
    "and the hash of the source",
    "The installed files differ, and this is why the level is `content`: Python reads either as the same program.",
)

_TEXTS: Final = ("LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "AUTHORS*")
_MARKERS: Final = ("zip-safe", "not-zip-safe", "top_level.txt")
_MAX_SOURCE: Final = 16 * 1024 * 1024  # bytes
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CODING: Final = re.compile(rb"coding[:=][ \t]*([-\w.]*)")  # PEP 263, without asking for a comment
# Encodings in which the bytes of CR and LF stand for nothing else, nor anything else for them.
_CODECS: Final = {
    b"utf-8": "utf-8", b"utf8": "utf-8", b"ascii": "ascii", b"us-ascii": "ascii",
    b"latin-1": "latin-1", b"latin1": "latin-1", b"iso-8859-1": "latin-1",
}  # fmt: skip
_COMPILED: Final = (".pyc", ".pyo")
_BOM: Final = b"\xef\xbb\xbf"


def _is_text(pair: Pair) -> bool:
    about = pair.about
    named = "/" not in about and any(fnmatchcase(about, pattern) for pattern in _TEXTS)
    return named or about.startswith("licenses/") or about in _MARKERS


def _is_source(pair: Pair) -> bool:
    top, _, rest = pair.path.partition("/")
    importable = not top.endswith(".data") or rest.startswith(("purelib/", "platlib/"))
    return not pair.about and importable and pair.path.endswith((".py", ".pyi"))


def _judge_text(pair: Pair) -> Uses | None:
    return _judged(pair, TEXT, *pair.contents())


def _judge_source(pair: Pair) -> Uses | None:
    if any(
        path.lower().endswith(_COMPILED)
        for path in pair.published.members.keys() | pair.rebuilt.members.keys()
    ):
        return None
    contents = pair.contents(_MAX_SOURCE)
    for content in contents:
        if _CONTROL.search(content):
            return None
        _decode(content)
    return _judged(pair, SOURCE, *contents)


def _judged(pair: Pair, rule: Rule, ours: bytes, theirs: bytes) -> Uses | None:
    unified = [content.replace(b"\r\n", b"\n") for content in (ours, theirs)]
    if pair.executable or unified[0] != unified[1] or b"\r" in unified[0] or b"\0" in unified[0]:
        return None
    return (Use(rule, _shown(ours), _shown(theirs)),)


def _decode(content: bytes) -> None:
    """Raises Malformed unless `content` is text in an encoding that leaves line ends alone."""
    first_two = b"\n".join(content.split(b"\n", 2)[:2])
    declared = {found.lower().replace(b"_", b"-") for found in _CODING.findall(first_two)} or {b"utf-8"}
    codecs = {_CODECS.get(name, "") for name in declared}
    if len(codecs) != 1 or "" in codecs or (content.startswith(_BOM) and codecs != {"utf-8"}):
        raise Malformed("source in an encoding that is not judged")
    try:
        content.decode(codecs.pop())
    except UnicodeDecodeError:
        raise Malformed("source that is not in its encoding") from None


def _shown(content: bytes) -> str:
    crlf = content.count(b"\r\n")
    bare = content.count(b"\n") - crlf
    ends = " and ".join(name for name, count in (("CRLF", crlf), ("LF", bare)) if count)
    return f"{ends}, sha256:{sha256_hex(content)}"


TEXT_SUBJECT: Final = Subject((TEXT,), _is_text, _judge_text)
SOURCE_SUBJECT: Final = Subject((SOURCE,), _is_source, _judge_source)
