"""Requirements with the hashes of what passes: a file of the user's written anew, or made from any other input.

A requirements file keeps its comments, options and markers; what it includes is written in its place, and constraints,
which have lent their hashes already, are left out. The text is read again by the reader of `check` before anyone gets
it: it holds every hash that passed, each for the project and version of which it passed, and nothing else.
"""

import re
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

from witness.errors import InputError
from witness.escape import printable
from witness.narrowing import Narrowed
from witness.pins.requirements import read_requirements
from witness.report.model import Row

_COMMENT: Final = re.compile(r"(^|\s+)#.*$")
_HASH: Final = re.compile(r"\s--hash(?:=|\s+)\S+")
_INCLUDE: Final = re.compile(r"(?:-[rc]|--requirement\b|--constraint\b)")
_EDITABLE: Final = re.compile(r"(?:-e|--editable\b)")
_INDENT: Final = "    "


def rewritten(path: Path, narrowed: Narrowed) -> str:
    """The requirements file at `path`, narrowed. Raises InputError for a line that cannot be written anew."""
    rows = {row.origin: row for row in narrowed.report.rows}
    return _checked("".join(_file(path, rows, narrowed)), narrowed)


def listed(narrowed: Narrowed) -> str:
    """A line for each project and version of `narrowed`, in the order of the input.

    Raises InputError for a file of which no name was given.
    """
    hashes: dict[str, list[str]] = {}
    for row, digests in narrowed.kept.items():
        if not row.project:
            hint = "Give what names it: a lock, requirements, or the wheel itself."
            raise InputError(f"{printable(row.name)}: no project to write it for", hint=hint)
        for file in row.files:
            if file.artifact.sha256 in digests:
                name = f"{file.artifact.project}=={file.artifact.version}"
                hashes.setdefault(name, []).append(file.artifact.sha256)
    lines = [_entry(name, sorted(set(digests))) for name, digests in hashes.items()]
    return _checked("".join([*map(_left_out, narrowed.failing), *lines]), narrowed)


@dataclass(frozen=True, slots=True)
class _Logical:
    """A line as pip joins them: the number of its first physical line, the joined text, and the physical lines."""

    number: int
    text: str
    raw: str


def _file(path: Path, rows: Mapping[str, Row], narrowed: Narrowed) -> Iterator[str]:
    for line in _logical(_read(path)):
        text = _COMMENT.sub("", line.text).strip()
        if not text or (text.startswith("-") and not _INCLUDE.match(text) and not _EDITABLE.match(text)):
            yield line.raw
        elif _INCLUDE.match(text):
            yield from _included(path, text, rows, narrowed)
        else:
            yield _requirement(path, line, text, rows, narrowed)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{printable(str(path))}: not a text in UTF-8", hint="Save it as UTF-8.") from None


def _included(path: Path, text: str, rows: Mapping[str, Row], narrowed: Narrowed) -> Iterator[str]:
    found = re.fullmatch(r"(-r|-c|--requirement|--constraint)(?:\s*=\s*|\s*)(\S.*)", text)
    names = shlex.split(found[2]) if found else []
    if found is None or len(names) != 1:
        raise InputError(
            f"{printable(str(path))}: cannot be written anew: {printable(text, limit=120)}",
            hint="Give each -r and -c a line of its own.",
        )
    if found[1] in ("-r", "--requirement"):
        yield from _file(path.parent / names[0], rows, narrowed)
    else:
        yield f"# constraints, whose versions and hashes are below: {printable(names[0])}\n"


def _requirement(path: Path, line: _Logical, text: str, rows: Mapping[str, Row], narrowed: Narrowed) -> str:
    row = rows.get(f"{path}:{line.number}")
    bare = _HASH.sub("", text).strip()
    if row is None:  # the same as another line, or its marker excludes this interpreter
        return f"# left out, not for this interpreter or there already: {printable(bare)}\n"
    if row not in narrowed.kept:
        return _left_out(row)
    artifact = row.files[0].artifact
    comment = _COMMENT.search(line.text)
    told = f"{_INDENT}# {comment[0].strip(' #')}\n" if comment else ""
    return _entry(_pinned(path, bare, str(artifact.version)), narrowed.kept[row]) + told


def _pinned(path: Path, text: str, version: str) -> str:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise InputError(
            f"{printable(str(path))}: cannot be written anew: {printable(text, limit=120)}",
            hint="Take options other than --hash off the line.",
        ) from None
    if requirement.url is None and not requirement.specifier:  # a constraint lent the version
        extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        marker = f" ; {requirement.marker}" if requirement.marker else ""
        return f"{requirement.name}{extras}=={version}{marker}"
    return text


def _entry(text: str, digests: tuple[str, ...] | list[str]) -> str:
    return " \\\n".join([text, *(f"{_INDENT}--hash=sha256:{digest}" for digest in digests)]) + "\n"


def _left_out(row: Row) -> str:
    return f"# left out, {row.outcome}: {printable(row.name)}: {printable(row.reason)}\n"


def _logical(text: str) -> Iterator[_Logical]:
    """Joined as pip does it: a backslash goes on, a comment ends what went on."""
    number, raw = 1, ""
    parts: list[str] = []
    for at, line in enumerate(text.splitlines(), 1):
        if not parts:
            number = at
        raw += line + "\n"
        goes_on = line.endswith("\\") and not re.match(r"\s*#", line)
        parts.append(line.strip("\\") if goes_on else f" {line}" if line.lstrip().startswith("#") else line)
        if not goes_on:
            yield _Logical(number, "".join(parts), raw)
            parts, raw = [], ""
    if parts:
        yield _Logical(number, "".join(parts), raw)


def _checked(text: str, narrowed: Narrowed) -> str:
    with tempfile.TemporaryDirectory(prefix="wheelwitness-") as directory:
        path = Path(directory) / "requirements.txt"
        path.write_text(text, encoding="utf-8")
        pins = read_requirements(path, shown="the requirements, written anew")
    held = _by_release((pin.project, pin.version, pin.sha256) for pin in pins.pins)
    if pins.unpinned or held != _by_release(
        (row.project, row.version, of) for row, of in narrowed.kept.items()
    ):
        raise InputError(
            "the requirements cannot be written anew without letting something else in, or leaving something out",
            hint="Write each on a line of its own, with == and --hash alone, and save the file as UTF-8.",
        )
    return text


def _by_release(pinned: Iterable[tuple[str, str, Iterable[str]]]) -> dict[tuple[str, str], set[str]]:
    releases: dict[tuple[str, str], set[str]] = {}
    for project, version, digests in pinned:
        releases.setdefault((project, version), set()).update(digests)
    return releases
