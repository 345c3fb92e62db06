"""The classes of differences, for people: what each difference is, how much it matters, and one line that shows it.

A table, read from the top: the first row that applies names the class. Rows that call a difference harmless are
cautious (witness.differences.alike); what none of them explains is a change of what it is a change of. A class decides
nothing: levels and rules do not look at it. Pure.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from witness.compare.rules.record import records_hold
from witness.differences import alike
from witness.differences.fields import DESCRIPTION
from witness.differences.pair import MAX_READ, Pair
from witness.differences.shown import first_difference
from witness.escape import printable
from witness.observation import Difference
from witness.wheel.reader import Wheel

Severity = Literal["runs", "installs", "tells", "form"]

# What matters first, in words for a reader.
SEVERITIES: Final[dict[Severity, str]] = {
    "runs": "Changes what can run",
    "installs": "Changes what is installed, or what is required",
    "tells": "Changes what people and tools are told",
    "form": "Changes the form alone",
}

_MAX_READ_IN_ALL: Final = 64 * 1024 * 1024  # bytes of members, for one pair of wheels
_MAX_TAKEN_APART: Final = 4 * 1024 * 1024  # of these, those whose text is taken apart, which is slow

NATIVE: Final = re.compile(r"\.(?:so|pyd|dll|dylib|exe|a|o|lib|wasm)(?:\.[\d.]+)?$", re.IGNORECASE)
_NATIVE_MAGIC: Final = (
    b"\x7fELF",
    b"MZ",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\0asm",
)
BYTECODE: Final = re.compile(r"\.py[co]$|(?:^|/)__pycache__/", re.IGNORECASE)
PYTHON: Final = re.compile(r"\.pyw?$", re.IGNORECASE)
SCRIPT: Final = re.compile(r"\.data/scripts/|\.(?:sh|bash|bat|cmd|ps1|js|mjs|cjs|pl|rb)$", re.IGNORECASE)
_VERSION_FILE: Final = re.compile(r"(?:^|/)_{0,2}(?:scm_|git_)?(?:version|ver|about)(?:_info)?_{0,2}\.py$")
_REQUIRES: Final = frozenset(
    {"Requires-Dist", "Requires-Python", "Provides-Extra", "Requires", "Requires-External", "Provides-Dist",
     "Obsoletes", "Obsoletes-Dist", "Provides"}
)  # fmt: skip
_IDENTITY: Final = frozenset({"Name", "Version"})
_BUILT_FOR: Final = frozenset({"Tag", "Root-Is-Purelib", "Wheel-Version", "Build"})
_STRUCTURED: Final = ("METADATA", "WHEEL", "entry_points.txt")


@dataclass(frozen=True, slots=True)
class Row:
    """A class: its `id`, how much it matters, what it means, and when a difference is of it."""

    id: str
    severity: Severity
    means: str
    applies: Callable[[Pair], bool]


@dataclass(frozen=True, slots=True)
class Classified:
    """A difference with the `id` of its class. `detail` is one printable line of a few hundred characters at most."""

    difference: Difference
    id: str
    severity: Severity
    detail: str

    def wire(self) -> dict[str, Any]:
        """As the results in JSON have it."""
        return {**self.difference.wire(), "class": self.id}

    def line(self) -> str:
        """For a terminal: what kind, where, which class, and what it is."""
        where = printable(self.difference.path) or "(the archive itself)"
        return f"{self.difference.kind:18} {where}: {self.id}: {self.detail}"


def classified(published: Wheel, rebuilt: Wheel, differences: Iterable[Difference]) -> Iterator[Classified]:
    """Each difference with its class, in their order. The effort is bounded, whatever the wheels hold."""
    read = apart = 0
    for difference in differences:
        pair = Pair(
            published,
            rebuilt,
            difference,
            look_inside=read <= _MAX_READ_IN_ALL,
            thorough=apart <= _MAX_TAKEN_APART,
        )
        size = sum(member.size for member in pair.members if member and member.size <= MAX_READ)
        read += size
        apart += size
        row = next(row for row in CLASSES if row.applies(pair))
        yield Classified(difference, row.id, row.severity, first_difference(pair))


def by_weight(found: Iterable[Classified]) -> list[Classified]:
    """What matters first; within one severity in the order of the table, then as listed."""
    order = [row.id for row in rows()]
    return sorted(found, key=lambda one: order.index(one.id))


def ambiguous(pair: Pair) -> bool:
    """A finding: one of the archives can be read in more than one way."""
    return pair.kind.startswith(("published-", "rebuilt-"))


def line_endings(pair: Pair) -> bool:
    """Only the ends of lines differ, of a text in whatever encoding."""
    return pair.both is not None and b"\0" not in pair.both[0] and alike.line_endings(*pair.both)


def executable_bit(pair: Pair) -> bool:
    return pair.kind == "executable-bit"


def tags(pair: Pair) -> bool:
    """What the wheel is for: told in WHEEL, and in the file's name."""
    return (pair.below_dist_info == "WHEEL" and pair.kind == "content") or _filename(pair)


def only_published(pair: Pair) -> bool:
    return pair.kind == "only-in-published"


def only_rebuilt(pair: Pair) -> bool:
    return pair.kind == "only-in-rebuilt"


def _filename(pair: Pair) -> bool:
    return pair.kind == "filename"


def _wrong_record(pair: Pair) -> bool:
    return pair.below_dist_info == "RECORD" and not records_hold(pair.published, pair.rebuilt)


def _record(pair: Pair) -> bool:
    return pair.below_dist_info == "RECORD"


def _entry_points(pair: Pair) -> bool:
    return pair.below_dist_info == "entry_points.txt" and pair.changes != ()


def _unclear(pair: Pair) -> bool:
    return pair.below_dist_info in _STRUCTURED and pair.kind == "content" and pair.changes is None


def _changed(*names: Iterable[str]) -> Callable[[Pair], bool]:
    wanted = frozenset().union(*names)
    return lambda pair: any(change.name in wanted for change in pair.changes or ()) and _is_header(pair)


def _only(name: str, member: str) -> Callable[[Pair], bool]:
    return lambda pair: (
        pair.below_dist_info == member and {change.name for change in pair.changes or ()} == {name}
    )


def _is_header(pair: Pair) -> bool:
    return pair.kind == "content" and pair.below_dist_info in ("METADATA", "WHEEL")


def _order(pair: Pair) -> bool:
    return pair.below_dist_info in _STRUCTURED and pair.kind == "content" and pair.changes == ()


def _pth(pair: Pair) -> bool:
    return pair.path.lower().endswith(".pth")


def _native(pair: Pair) -> bool:
    begins = (content[:8] for content in pair.contents if content is not None)
    return bool(NATIVE.search(pair.path)) or any(begin.startswith(_NATIVE_MAGIC) for begin in begins)


def _bytecode(pair: Pair) -> bool:
    return bool(BYTECODE.search(pair.path))


def _compressed(pair: Pair) -> bool:
    return pair.both is not None and pair.thorough and alike.compressed(*pair.both)


def _python(pair: Pair) -> bool:
    return bool(PYTHON.search(pair.path))


def _script(pair: Pair) -> bool:
    shebang = any(content is not None and content.startswith(b"#!") for content in pair.contents)
    executable = any(member is not None and member.executable for member in pair.members)
    return bool(SCRIPT.search(pair.path)) or shebang or (executable and not _python(pair))


def _python_form(form: str) -> Callable[[Pair], bool]:
    return lambda pair: (
        pair.texts is not None and pair.thorough and _python(pair) and alike.python_form(*pair.texts) == form
    )


def _version_file(pair: Pair) -> bool:
    named = pair.texts is not None and bool(_VERSION_FILE.search(pair.path))
    return named and pair.texts is not None and alike.version_file(*pair.texts)


def _plain(same: Callable[[str, str], bool]) -> Callable[[Pair], bool]:
    """For text that nothing runs."""
    return lambda pair: (
        pair.texts is not None
        and pair.thorough
        and not _python(pair)
        and not _script(pair)
        and same(*pair.texts)
    )


def _all_of(*tests: Callable[[Pair], bool]) -> Callable[[Pair], bool]:
    return lambda pair: all(test(pair) for test in tests)


def _in_dist_info(pair: Pair) -> bool:
    return bool(pair.below_dist_info)


CLASSES: Final[tuple[Row, ...]] = (
    Row("archive-ambiguity", "runs", "another reader may see other members in the archive", ambiguous),
    Row("other-filename", "installs", "an installer goes by the file's name", _filename),
    Row("line-endings", "form", "lines end as on Windows in one of them", line_endings),
    Row("exec-bit", "installs", "only one of them is marked as a program", executable_bit),
    Row("record-wrong", "installs", "a `RECORD` is not right about its own wheel", _wrong_record),
    Row("record", "form", "follows from the other members", _record),
    Row("entry-point-changed", "runs", "other commands or plug-ins", _entry_points),
    Row("metadata-unclear", "installs", "its fields cannot be read in one way", _unclear),
    Row("identity-changed", "installs", "another name or version in `METADATA`", _changed(_IDENTITY)),
    Row("dependency-changed", "installs", "other requirements", _changed(_REQUIRES)),
    Row("tag-changed", "installs", "made for other systems, or installed elsewhere", _changed(_BUILT_FOR)),
    Row("tool-version", "form", "made by another version of a tool", _only("Generator", "WHEEL")),
    Row("metadata-order", "form", "the same fields in another order, or other empty lines", _order),
    Row("description-changed", "tells", "another text for readers", _only(DESCRIPTION, "METADATA")),
    Row("metadata-field", "tells", "other fields for readers and indexes", _is_header),
    Row("pth", "runs", "a `.pth` file is run whenever Python starts", _pth),
    Row("native-code", "runs", "compiled code", _native),
    Row("bytecode", "runs", "compiled Python, which can stand in for the source", _bytecode),
    Row("compressed-payload", "form", "the same content, compressed otherwise", _compressed),
    Row("comment-only", "form", "the same code with other comments", _python_form("comment")),
    Row(
        "whitespace-only",
        "form",
        "the same code, or words, with other blank space",
        _python_form("whitespace"),
    ),
    Row("version-file", "tells", "plain values of a version, written by a tool", _version_file),
    Row(
        "whitespace-only", "form", "the same code, or words, with other blank space", _plain(alike.whitespace)
    ),
    Row("tool-version", "form", "made by another version of a tool", _plain(alike.tool_version)),
    Row("timestamp", "tells", "dates and times only, in a text", _plain(alike.timestamps)),
    Row("script-changed", "runs", "a program", _script),
    Row("code-added", "runs", "code that the rebuild has not", _all_of(_python, only_published)),
    Row("code-missing", "installs", "code that only the rebuild has", _all_of(_python, only_rebuilt)),
    Row("code-changed", "runs", "other code", _python),
    Row("dist-info-file", "tells", "another file about the distribution", _in_dist_info),
    Row("extra-file", "installs", "a file that the rebuild has not", only_published),
    Row("missing-file", "installs", "a file that only the rebuild has", only_rebuilt),
    Row("data-changed", "installs", "other data", lambda _: True),
)


def rows() -> list[Row]:
    """One row for each class, in the order of weight."""
    unique = {row.id: row for row in reversed(CLASSES)}
    severities = list(SEVERITIES)
    first = {row.id: place for place, row in reversed(list(enumerate(CLASSES)))}
    return sorted(unique.values(), key=lambda row: (severities.index(row.severity), first[row.id]))
