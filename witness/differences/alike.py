"""Whether two texts, or two compressed files, say the same in another form. Pure, for people: no rule rests on it.

Each answer is cautious: where something might matter to a reader, to Python, or to a shell, it is not "form alone".
"""

import io
import re
import tokenize
import zlib
from typing import Final

from witness.errors import Malformed
from witness.limits import ArchiveLimits
from witness.wheel.archive import read_archive

_MAX_TOKENS: Final = 128 * 1024  # characters of Python that are taken apart
_MAX_UNPACKED: Final = 8 * 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_COOKIE: Final = re.compile(r"^[ \t]*#.*?coding[:=]")  # PEP 263
_NOT_PLAIN: Final = re.compile(r"[\r\f\v\0\x1a]")  # what Python's own reader takes for more than blank space

_MONTHS: Final = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
    rf"|\d{{1,2}} {_MONTHS} \d{{4}}|{_MONTHS} \d{{1,2}},? \d{{4}}"
    r"|\d{4}/\d\d/\d\d|\d\d/\d\d/\d{4}|\d\d:\d\d:\d\d"
    r"|(?<=Copyright )\d{4}|(?<=\(c\) )\d{4}|(?<=© )\d{4}",
)
_VERSION: Final = re.compile(r"\d{1,9}(?:\.\d{1,9})+(?:[.+-]?[A-Za-z0-9]{1,40}){0,8}")
_MADE_BY: Final = re.compile(r"generat|created|produced|made with|built (?:by|with)|compiled", re.IGNORECASE)

_NAMES: Final = r"(?:__)?(?:version|version_tuple|version_info|commit_id|commit|revision|build_date)(?:__)?"
_LITERAL: Final = r"(?:None|True|False|\d+|[bru]?'[^'\\\n]{0,200}'|[bru]?\"[^\"\\\n]{0,200}\")"
_VERSION_LINE: Final = re.compile(
    rf"#.*|{_NAMES} ?(?::[\w.\[\], |]*)?= ?(?:{_NAMES} ?= ?)?"
    rf"(?:{_LITERAL}|\( ?(?:{_LITERAL} ?(?:, ?{_LITERAL} ?){{0,20}}(?:, ?)?)?\))"
)
_BLANK: Final = re.compile(r"\s+")
_MAX_LINE: Final = 1000  # of a line that is taken apart


def line_endings(ours: bytes, theirs: bytes) -> bool:
    """Whether only the ends of lines differ: those of Windows on one side."""
    return ours.replace(b"\r\n", b"\n") == theirs.replace(b"\r\n", b"\n")


def whitespace(ours: str, theirs: str) -> bool:
    """Whether only blank space differs. For text of which no reader minds that."""
    return _BLANK.sub(" ", ours).strip() == _BLANK.sub(" ", theirs).strip()


def python_form(ours: str, theirs: str) -> str:
    """`comment` or `whitespace`, if nothing else differs between two sources in Python; nothing if something does."""
    if len(ours) > _MAX_TOKENS or len(theirs) > _MAX_TOKENS or _skeleton(ours) != _skeleton(theirs):
        return ""
    if any(map(_for_its_reader, (ours, theirs))) or _shebang(ours) != _shebang(theirs):
        return ""
    try:
        left, right = _tokens(ours), _tokens(theirs)
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return ""
    if left[0] != right[0]:
        return ""
    return "comment" if left[1] != right[1] else "whitespace"


def _skeleton(text: str) -> str:
    """What two texts with the same code have in common, quickly found: no comment, no blank space."""
    return "".join("".join(line.partition("#")[0].split()) for line in text.split("\n"))


def _for_its_reader(text: str) -> bool:
    """Whether blank space or a comment may mean something to whatever reads the file."""
    return bool(_NOT_PLAIN.search(text)) or any(_COOKIE.match(line) for line in text.split("\n", 2)[:2])


def _shebang(text: str) -> str:
    return text.partition("\n")[0] if text.startswith("#!") else ""


def _tokens(text: str) -> tuple[list[tuple[int, str]], list[str]]:
    """The tokens that mean something, without the width of an indentation; and the comments."""
    code, comments = [], []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments.append(token.string)
        elif token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            code.append((token.type, ""))
        elif token.type != tokenize.NL:
            code.append((token.type, token.string))
    return code, comments


def timestamps(ours: str, theirs: str) -> bool:
    """Whether only dates and times differ."""
    return _TIME.sub("", ours) == _TIME.sub("", theirs)


def tool_version(ours: str, theirs: str) -> bool:
    """Whether only the version of a tool differs, in lines that say what made the file."""
    left, right = ours.split("\n"), theirs.split("\n")
    return len(left) == len(right) and all(
        one == other or _same_but_version(one, other) for one, other in zip(left, right, strict=True)
    )


def _same_but_version(one: str, other: str) -> bool:
    if max(len(one), len(other)) > _MAX_LINE or _MADE_BY.search(one) is None:
        return False
    return _VERSION.sub("", one) == _VERSION.sub("", other)


def version_file(ours: str, theirs: str) -> bool:
    """Whether two sources in Python differ only by comments and by plain values of a version and its like."""
    if max(len(ours), len(theirs)) > _MAX_TOKENS or any(map(_for_its_reader, (ours, theirs))):
        return False
    left, right = ([line for line in text.split("\n") if not _is_version(line)] for text in (ours, theirs))
    return left == right


def _is_version(line: str) -> bool:
    plain = _BLANK.sub(" ", line).strip()
    return not plain or (len(line) <= _MAX_LINE and _VERSION_LINE.fullmatch(plain) is not None)


def compressed(ours: bytes, theirs: bytes) -> bool:
    """Whether two gzip or ZIP files hold the same, compressed otherwise."""
    if ours.startswith(_GZIP) and theirs.startswith(_GZIP):
        left = _gunzip(ours)
        return left is not None and left == _gunzip(theirs)
    if ours.startswith(_ZIP) and theirs.startswith(_ZIP):
        members = _unzip(ours)
        return members is not None and members == _unzip(theirs)
    return False


def _gunzip(data: bytes) -> bytes | None:
    state = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        content = state.decompress(data, _MAX_UNPACKED)
    except zlib.error:
        return None
    return content if state.eof and not state.unused_data else None  # one member, and nothing behind it


def _unzip(data: bytes) -> dict[str, tuple[bool, bytes]] | None:
    limits = ArchiveLimits(members=10_000, member=_MAX_UNPACKED, total=_MAX_UNPACKED)
    try:
        archive = read_archive(data, limits)
        if archive.findings:
            return None
        return {entry.name: (entry.executable, b"".join(archive.inflate(entry))) for entry in archive.entries}
    except Malformed:
        return None
