"""What tells of many projects at once which of them changed: the index's list of projects, and its changelog.

The list has a serial for each project (PyPI's `_last-serial`) and no holes: whatever was missed, the next look at it
shows. It is large, so it is asked for only where many projects are watched.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import Connection

from rebuilders.index.revalidated import ProjectList
from rebuilders.node.feed import intervals, memory
from rebuilders.node.feed.changelog import Changelog
from rebuilders.node.feed.config import WatchConfig
from rebuilders.node.feed.memory import Hints
from rebuilders.node.ledger import ABSENT, Ledger, Pages
from witness.digest import sha256_hex
from witness.errors import FetchFailed, Malformed, NotFound
from witness.escape import printable

_CHANGELOG: Final = 300.0
_NOT_OFFERED: Final = 86_400.0
_LASTS: Final = 86_400.0  # seconds after which a source that was not heard again tells nothing any more
_BEHIND: Final = timedelta(hours=1)  # that a list may be
_FEW: Final = 50  # projects that may vanish from one list to the next
_MANY: Final = 10  # or this part of all


class ListSource(Protocol):
    """What is asked. See rebuilders.index.revalidated.RevalidatedIndex."""

    def projects(self, etag: str) -> ProjectList | None: ...


class Hinted:
    """Asks for hints when they are due, and has the pages of what changed asked for."""

    def __init__(
        self,
        watch: WatchConfig,
        ledger: Ledger,
        *,
        source: ListSource,
        changelog: Changelog | None,
        tell: Callable[[str], None],
    ) -> None:
        self._watch, self._ledger, self._pages = watch, ledger, Pages(ledger.database)
        self._source, self._changelog, self._tell = source, changelog, tell

    def holds(self, now: datetime) -> bool:
        """Whether changes are told, so that single pages need not be asked for often."""
        lasts = max(_LASTS, 2.0 * self._watch.interval)
        told = (memory.load(self._ledger, key, Hints) for key in (memory.LIST, memory.CHANGELOG))
        return any(hints.holds(now, lasts) for hints in told)

    def ask(self, now: datetime, turn: Callable[[], None], chance: float) -> None:
        """Asks for what is due. Raises FetchFailed if the index does not answer; the next try is put off then."""
        if self._watch.everything or self._pages.count() >= self._watch.list_from:
            self._ask(memory.LIST, now, turn, chance, self._list)
        if self._changelog is not None:
            self._ask(memory.CHANGELOG, now, turn, chance, self._changes)

    def _ask(
        self,
        key: str,
        now: datetime,
        turn: Callable[[], None],
        chance: float,
        ask: Callable[[Hints, datetime, float], None],
    ) -> None:
        hints = memory.load(self._ledger, key, Hints)
        if not hints.is_due(now, max(_NOT_OFFERED, self._watch.interval) * intervals.SPREAD):
            return
        turn()
        try:
            ask(hints, now, chance)
        except (FetchFailed, Malformed) as error:
            failures = hints.failures + 1
            wait = intervals.jittered(intervals.pause_after(failures), chance)
            self._note(key, replace(hints, failures=failures, next=now.timestamp() + wait))
            if isinstance(error, FetchFailed):
                raise
            self._tell(printable(str(error)))

    def _list(self, hints: Hints, now: datetime, chance: float) -> None:
        try:
            told = self._source.projects(hints.etag)
        except NotFound:
            told = ProjectList({}, "", 0)
        following = now.timestamp() + intervals.jittered(self._watch.interval, chance)
        answered = replace(hints, next=following, heard=now.timestamp(), failures=0)
        if told is None:
            self._note(memory.LIST, answered)
            return
        if not any(told.serials.values()):
            self._tell("the index's list of projects has no serials: each page is asked for by itself")
            wait = now.timestamp() + intervals.jittered(_NOT_OFFERED, chance)
            self._note(memory.LIST, replace(answered, next=wait, heard=0.0))
            if self._watch.everything:
                self._pages.watch(told.serials, now)
            return
        self._compare(told, hints, replace(answered, etag=told.etag), now)

    def _compare(self, told: ProjectList, before: Hints, answered: Hints, now: datetime) -> None:
        """Has the pages asked for whose serials have changed, and keeps the list's tag with that."""
        known, serials = self._pages.serials(), told.serials
        vanished = {
            name: 0
            for name, (serial, status) in known.items()
            if serial and status != ABSENT and name not in serials
        }
        if len(vanished) > max(_FEW, len(known) // _MANY):
            raise Malformed(f"the index's list of projects lacks {len(vanished)} that it had: not believed")
        changed = {
            name: serials[name] for name, (serial, _) in known.items() if serials.get(name, 0) > serial
        }
        spent = memory.load(self._ledger, memory.BYTES, memory.Spent).and_more(now, told.size)
        if self._watch.everything:
            first = self._first(now) if not before.heard else None
            self._pages.watch(serials, now, since=_since(before, now), first=first, listed=serials)

        def also(connection: Connection) -> None:
            memory.note(self._ledger, connection, memory.LIST, answered)
            memory.note(self._ledger, connection, memory.BYTES, spent)

        self._pages.heard({**changed, **vanished}, now, also)

    def _first(self, now: datetime) -> Callable[[str], datetime] | None:
        """When to ask for what was there before anybody looked, if nothing of it is to be rebuilt: by and by."""
        if self._watch.versions != "new":
            return None
        return lambda name: now + timedelta(seconds=intervals.HINTED * _part(name))

    def _changes(self, hints: Hints, now: datetime, chance: float) -> None:
        assert self._changelog is not None  # noqa: S101 - asked only where there is one
        following = now.timestamp() + intervals.jittered(_CHANGELOG, chance)
        if not hints.serial:
            told, names = self._changelog.last(), frozenset[str]()
        else:
            since = self._changelog.since(hints.serial)
            told, names = since.serial, since.projects
            following = now.timestamp() if since.more else following
        heard = replace(hints, serial=told, next=following, heard=now.timestamp(), failures=0)
        if self._watch.everything:
            self._pages.watch(names, now, since=_since(hints, now))
        self._pages.hasten(names, now, lambda link: memory.note(self._ledger, link, memory.CHANGELOG, heard))

    def _note(self, key: str, hints: Hints) -> None:
        with self._ledger.database.begin() as connection:
            memory.note(self._ledger, connection, key, hints)


def _since(before: Hints, now: datetime) -> datetime:
    """From when on the files of a project that is listed for the first time are new: the look before, or now."""
    if not 0 < before.heard <= now.timestamp():
        return now
    return datetime.fromtimestamp(before.heard, UTC) - _BEHIND


def _part(name: str) -> float:
    """From 0 to 1, by a digest of the name."""
    return int(sha256_hex(name.encode())[:8], 16) / 2**32
