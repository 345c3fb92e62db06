"""What a node watches: the lists and files of `[watch]`, read anew when they change.

A list that cannot be read is a problem to tell, and the rest goes on. Lock files and requirements are read as
`wheelwitness check` reads them. What they take from an index other than the node's own or PyPI is not asked for, and
neither is an entry without a digest, which may be of such an index: its name may be private.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from rebuilders.node.feed.config import MAX_NAME, WatchConfig
from witness.canonical import loads
from witness.errors import InputError, WheelwitnessError
from witness.escape import printable
from witness.limits import MIB
from witness.names import PROJECT

_MAX_LIST: Final = 64 * MIB


@dataclass(frozen=True, slots=True)
class Watched:
    """The projects to watch, each with the SHA-256 of its pinned files, and what is wrong with the lists.

    Not `complete` if one of them could not be read, so that there may be more.
    """

    projects: dict[str, frozenset[str]]
    problems: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class _Read:
    """What one file gives: projects with pinned digests, what is wrong with it, and whether it could be read."""

    projects: dict[str, frozenset[str]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    complete: bool = True


class Lists:
    """The lists that `watch` names, relative to `root`; `index` is the address of the node's index."""

    def __init__(self, watch: WatchConfig, root: Path, index: str) -> None:
        self._watch, self._root, self._index = watch, root, index
        self._kept: dict[str, tuple[object, _Read]] = {}

    def read(self, *, anew: bool = False) -> Watched:
        """What is to be watched now. `anew`: what includes other files, too, which may have changed."""
        projects: dict[str, frozenset[str]] = {name: frozenset() for name in self._watch.projects}
        problems, complete = list[str](), True
        for name in [*self._watch.files, *([self._watch.top] if self._watch.top else [])]:
            read = self._one(name, anew=anew)
            problems += read.problems
            complete &= read.complete
            for project, pinned in read.projects.items():
                projects[project] = projects.get(project, frozenset()) | pinned
        return Watched(projects, tuple(problems), complete)

    def _one(self, name: str, *, anew: bool) -> _Read:
        path = self._root / name
        try:
            told = path.stat()
            stamp: object = (told.st_ino, told.st_size, told.st_mtime_ns)
        except (OSError, ValueError):
            stamp = None
        kept = self._kept.get(name)
        if kept is not None and kept[0] == stamp and not anew:
            return kept[1]
        try:
            if not path.is_file():  # a pipe is never waited for
                raise InputError(
                    f"{printable(str(path))}: no such file", hint="Correct [watch] in node.toml."
                )
            read = self._names(path) if name == self._watch.top else self._pins(path)
        except WheelwitnessError as error:
            # What it held before is watched on: that it cannot be read now says nothing of the projects.
            before = kept[1].projects if kept else {}
            read = _Read(before, (f"{error} {error.hint}".strip(),), complete=False)
        self._kept[name] = (stamp, read)
        return read

    def _names(self, path: Path) -> _Read:
        names = list(dict.fromkeys(_top(path)))[: self._watch.top_count]
        return _Read({name: frozenset() for name in names})

    def _pins(self, path: Path) -> _Read:
        from witness.pins.detect import read_input
        from witness.pins.public import PublicIndexes, screened

        pins = screened(read_input(str(path)), PublicIndexes((self._index,)))
        projects: dict[str, frozenset[str]] = {}
        for pin in pins.pins:
            if len(pin.project) <= MAX_NAME and PROJECT.fullmatch(pin.project):
                project = canonicalize_name(pin.project)
                projects[project] = projects.get(project, frozenset()) | pin.sha256
        loose = sum(item.kind == "error" for item in pins.unpinned)
        said = f"{printable(str(path))}: {loose} entries without a digest or an exact version are not watched"
        return _Read(projects, (said,) if loose else ())


def _top(path: Path) -> Iterator[str]:
    """The names in a list: one a line, `#` begins a comment; or the JSON of top-pypi-packages. Raises InputError."""
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_LIST + 1)
    except OSError as error:
        raise InputError(
            f"{shown}: {error.strerror}", hint="Correct `top` in [watch] of node.toml."
        ) from None
    if len(data) > _MAX_LIST:
        raise InputError(f"{shown}: more than {_MAX_LIST} bytes")
    told = _of_json(data, shown) if data.lstrip()[:1] == b"{" else _of_lines(data, shown)
    for where, name in told:
        if not isinstance(name, str) or len(name) > MAX_NAME or not PROJECT.fullmatch(name):
            raise InputError(f"{shown}: {where}: not the name of a project")
        yield canonicalize_name(name)


def _of_json(data: bytes, shown: str) -> list[tuple[str, object]]:
    try:
        rows = loads(data, what=shown, limit=_MAX_LIST).get("rows")
    except WheelwitnessError as error:
        raise InputError(str(error)) from None
    if not isinstance(rows, list):
        raise InputError(f"{shown}: no list of rows", hint="Give names, or the JSON of top-pypi-packages.")
    return [
        (f"row {number}", row.get("project") if isinstance(row, dict) else None)
        for number, row in enumerate(rows, 1)
    ]


def _of_lines(data: bytes, shown: str) -> list[tuple[str, object]]:
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{shown}: not UTF-8") from None
    told = ((number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1))
    return [(f"line {number}", name) for number, name in told if name]
