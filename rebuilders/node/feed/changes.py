"""What became of a project's files between two looks at its page. Pure.

The index is not believed to delete a file on the word of one page, which may be an old or an empty one: a file that is
not listed is missing, and gone when that has lasted for `GRACE`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from packaging.version import Version

from rebuilders.index.interface import IndexFile
from rebuilders.node.ledger import SeenFile
from witness.errors import Malformed
from witness.names import SdistName, WheelName

Kind = Literal["changed", "back", "yanked", "unyanked", "source", "deleted"]
"""What can happen to a file that was known; `source`: its release has got an sdist, or another one."""

GRACE: Final = timedelta(hours=6)
MAX_FILES: Final = 100_000  # that are remembered of one project


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the file that `now` is; `before` is what was known of it, None of a new sdist."""

    kind: Kind
    now: SeenFile
    before: SeenFile | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """All files by name as they are now, the names of those that are new or otherwise, and what happened.

    `refused`: how many files were one too many to be remembered.
    """

    files: Mapping[str, SeenFile]
    touched: frozenset[str]
    events: tuple[Event, ...]
    refused: int = 0

    @property
    def missing(self) -> bool:
        """Whether files are not listed, and not known to be gone."""
        return any(file.missing is not None and not file.gone for file in self.files.values())


def compare(
    project: str,
    known: Mapping[str, SeenFile],
    listed: tuple[IndexFile, ...] | None,
    now: datetime,
    since: datetime,
) -> Changes:
    """What the page of `project` says at `now` of files, of which `known` was known.

    `listed` are the files on it, None if it has not changed. The project is watched since `since`: what is on its first
    page was there before.
    """
    files, events, refused = dict(known), list[Event](), 0
    if listed is None:
        there = {name for name, file in known.items() if not file.gone and file.missing is None}
    else:
        told = _own(project, listed)
        there = set(told)
        for name, item in told.items():
            if name not in known and len(files) >= MAX_FILES:
                refused += 1
                continue
            files[name], happened = _look(item, known.get(name), now if known else since)
            events += [Event("source", files[name])] if _is_late_source(happened, name, known) else happened
    for name, file in known.items():
        if name not in there and not file.gone:
            files[name] = _not_listed(file, now)
            if files[name].gone:
                events.append(Event("deleted", files[name], file))
    touched = frozenset(name for name, file in files.items() if known.get(name) != file)
    return Changes(files, touched, tuple(events), refused)


def release_of(filename: str) -> Version | None:
    """The version in a wheel's or an sdist's name; None for any other file."""
    name = _named(filename)
    return name.version if name else None


def _own(project: str, listed: tuple[IndexFile, ...]) -> dict[str, IndexFile]:
    """The wheels and sdists of that project. A page may list what it likes."""
    told: dict[str, IndexFile] = {}
    for file in listed:
        name = _named(file.filename)
        if name is not None and name.project == project:
            told.setdefault(file.filename, file)
    return told


def _named(filename: str) -> WheelName | SdistName | None:
    try:
        return WheelName.parse(filename) if filename.endswith(".whl") else SdistName.parse(filename)
    except Malformed:
        return None


def _look(file: IndexFile, before: SeenFile | None, now: datetime) -> tuple[SeenFile, list[Event]]:
    size = file.size if file.size is not None and 0 <= file.size < 2**53 else None
    if before is None:
        seen = SeenFile(
            file.filename, file.sha256, file.upload_time, file.yanked, gone=False, seen=now, size=size
        )
        return seen, []
    seen = replace(
        before,
        sha256=file.sha256,
        uploaded=file.upload_time,
        yanked=file.yanked,
        gone=False,
        missing=None,
        size=size,
    )
    return seen, [Event(kind, seen, before) for kind in _happened(before, seen)]


def _happened(before: SeenFile, now: SeenFile) -> Iterator[Kind]:
    if now.sha256 != before.sha256:
        yield "changed"
    if before.gone:
        yield "back"
    if now.yanked != before.yanked:
        yield "yanked" if now.yanked else "unyanked"


def _is_late_source(happened: list[Event], name: str, known: Mapping[str, SeenFile]) -> bool:
    """Whether the file is an sdist that its release has only got now, on a page that was known before."""
    if name.endswith(".whl") or not known:
        return False
    return name not in known or any(event.kind == "back" for event in happened)


def _not_listed(file: SeenFile, now: datetime) -> SeenFile:
    since = file.missing or now
    since = min(since, now)  # a clock that was put back does not make it missing for longer
    return replace(file, missing=since, gone=now - since >= GRACE)
