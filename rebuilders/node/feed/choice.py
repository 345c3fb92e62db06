"""Which files of a project are to be rebuilt, why, and within which time. Pure.

What is new is chosen by what the page lists and not by what has changed on it, so that a file that was not wanted
before, or that could not be queued, is found at any later look. What happens to a known file is taken from the events.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from packaging.version import Version

from rebuilders.node.feed.changes import Changes, Event, release_of
from rebuilders.node.feed.config import Versions
from rebuilders.node.ledger import SeenFile, Want
from rebuilders.node.priorities import PRIORITIES, is_event, within
from rebuilders.node.shares import Duty
from witness.errors import Malformed
from witness.names import TargetName, WheelName

QUARANTINED: Final = "quarantined"
MOST_HURRIED: Final = 50
"""Files of one project that are new in a day and come before the backlog: nobody keeps what others upload waiting."""

_A_DAY: Final = timedelta(days=1)
_LATE: Final = timedelta(days=1)  # after the first file of its release


@dataclass(frozen=True, slots=True)
class Rules:
    """What of a project is rebuilt.

    Args:
        pinned: the SHA-256 of files that are rebuilt whatever else holds.
        duty: whose share a file is, by its name and SHA-256.
    """

    versions: Versions
    pure_only: bool
    pinned: frozenset[str]
    duty: Callable[[str, str], Duty]


@dataclass(frozen=True, slots=True)
class Choice:
    """What to queue, what to queue no more, and the files with which that is settled."""

    wants: tuple[Want, ...] = ()
    drops: tuple[TargetName, ...] = ()
    settled: frozenset[str] = frozenset()


def choose(
    changes: Changes, rules: Rules, *, since: datetime, now: datetime, status: str, observed: frozenset[str]
) -> Choice:
    """What follows at `now` by `rules` from what a page says.

    The project is watched since `since`, has the `status` (PEP 792), and of files with the SHA-256 `observed` an
    observation was made.
    """
    wants, drops = _after_events(changes, rules, status, observed)
    if status == QUARANTINED:
        return Choice(tuple(wants.values()), tuple(drops))
    settled = set()
    latest = _latest(changes.files.values())
    begun = _begun(changes.files.values())
    bearers = Counter(file.sha256 for file in changes.files.values())
    hurried = sum(
        file.wanted and file.seen > since and now - file.seen < _A_DAY for file in changes.files.values()
    )
    for name, file in changes.files.items():
        if file.wanted or not _is_there(file) or not name.endswith(".whl"):
            continue
        if not _is_chosen(file, rules, since, latest):
            continue
        if file.sha256 in observed and bearers[file.sha256] == 1:  # not what was seen under another name
            settled.add(name)
            continue
        why = _why(file, rules, since, begun)
        if is_event(why):
            hurried += 1
            why = why if hurried <= MOST_HURRIED else "backlog"
        if (want := _want(name, file, why, rules)) is not None:
            settled.add(name)
            wants.setdefault(name, want)
    return Choice(tuple(wants.values()), tuple(drops), frozenset(settled))


def _after_events(
    changes: Changes, rules: Rules, status: str, observed: frozenset[str]
) -> tuple[dict[str, Want], list[TargetName]]:
    wants: dict[str, Want] = {}
    drops = []
    for event, file, why in _affected(changes):
        known = event.before.sha256 if event.before and why == "changed" else file.sha256
        name = file.filename
        if why == "deleted":
            if file.sha256 in observed and file.size is not None:
                word = QUARANTINED if status == QUARANTINED else why
                wants[name] = Want(TargetName.parse(name), word, within(word), overrides=True)
            else:
                drops.append(TargetName.parse(name))
        elif file.wanted or known in observed:
            want = _want(name, file, why, rules)
            if want is not None and (name not in wants or want.within < wants[name].within):
                wants[name] = want
    return wants, drops


def _affected(changes: Changes) -> Iterator[tuple[Event, SeenFile, str]]:
    """Each event with each wheel that it is about, and the reason for a rebuild."""
    for event in changes.events:
        if event.kind == "source":
            release = release_of(event.now.filename)
            for name, file in changes.files.items():
                if name.endswith(".whl") and _is_there(file) and release_of(name) == release:
                    yield event, file, "late"
        elif event.now.filename.endswith(".whl"):
            yield event, event.now, event.kind


def _want(name: str, file: SeenFile, why: str, rules: Rules) -> Want | None:
    if rules.pure_only and not _is_pure(name):
        return None
    duty = rules.duty(name, file.sha256)
    if duty == "never":
        return None
    return Want(TargetName.parse(name), why, within(why, duty), overrides=is_event(why))


def _is_chosen(file: SeenFile, rules: Rules, since: datetime, latest: Version | None) -> bool:
    if file.sha256 in rules.pinned or rules.versions == "all" or _time(file) > since:
        return True
    return rules.versions == "latest" and latest is not None and release_of(file.filename) == latest


def _why(file: SeenFile, rules: Rules, since: datetime, begun: Mapping[Version, datetime]) -> str:
    release = release_of(file.filename)
    why = "backlog"
    if _time(file) > since and release is not None:
        why = "late" if _time(file) - begun[release] > _LATE else "new"
    if file.sha256 in rules.pinned:
        return min(why, "pinned", key=lambda word: PRIORITIES[word].within)
    return why


def _begun(files: Iterable[SeenFile]) -> dict[Version, datetime]:
    """When the first file of each release was uploaded, as far as is known."""
    begun: dict[Version, datetime] = {}
    for file in files:
        release = release_of(file.filename)
        if release is not None:
            begun[release] = min(begun.get(release, _time(file)), _time(file))
    return begun


def _latest(files: Iterable[SeenFile]) -> Version | None:
    """The latest release with a file that is not yanked; a pre-release only where there is nothing else."""
    there = {release_of(file.filename) for file in files if _is_there(file) and not file.yanked}
    releases = [release for release in there if release is not None]
    return max([item for item in releases if not item.is_prerelease] or releases, default=None)


def _is_there(file: SeenFile) -> bool:
    return not file.gone and file.missing is None


def _time(file: SeenFile) -> datetime:
    return file.uploaded or file.seen


def _is_pure(filename: str) -> bool:
    try:
        return WheelName.parse(filename).is_pure
    except Malformed:
        return False
