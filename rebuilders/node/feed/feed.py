"""Asks the index what changed on the pages that are due, and queues what follows; a few requests at each step.

A page's new tag is kept in the same transaction as what was queued because of it: whatever dies in between, nothing
that the index told is lost. An index that is down is asked ever more rarely, and is not overrun when it is back.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import Connection

from rebuilders.index.interface import Project
from rebuilders.index.revalidated import ChangedPage, ProjectList
from rebuilders.node.config import NodeConfig
from rebuilders.node.feed import intervals, memory
from rebuilders.node.feed.changelog import Changelog
from rebuilders.node.feed.changes import Changes, Event, compare
from rebuilders.node.feed.choice import Choice, Rules, choose
from rebuilders.node.feed.config import WatchConfig
from rebuilders.node.feed.hints import Hinted
from rebuilders.node.feed.lists import Lists, Watched
from rebuilders.node.feed.pace import Pace
from rebuilders.node.ledger import ABSENT, Ledger, Page, Pages
from rebuilders.node.priorities import WITHOUT_WORKER
from witness.canonical import dumps
from witness.digest import sha256_hex
from witness.errors import FetchFailed, Malformed, NotFound
from witness.escape import printable
from witness.limits import MIB

_PAGES: Final = 20  # at each step
_LISTS: Final = timedelta(hours=1)  # after which lists are read anew, changed or not
_REST: Final = 30.0  # seconds between looks at the lists
_IN_A_ROW: Final = 3  # failures after which it is the index
_MOST_TOLD: Final = 20  # lines of one page


class PageSource(Protocol):
    """What is asked. See rebuilders.index.revalidated.RevalidatedIndex."""

    def page(self, name: str, etag: str) -> ChangedPage | None: ...

    def projects(self, etag: str) -> ProjectList | None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a feed works with.

    Args:
        source: the index.
        changelog: the index's changelog, if it is to be asked.
        keep: has a page used by the node's own workers, by its project's name.
        lists: what is watched.
        pace: how often the index may be asked.
        tell: gets a line for people, printable.
        stopping: whether the process is to end.
        clock: the time, in UTC.
        chance: a number from 0 to 1, another each time.
    """

    source: PageSource
    changelog: Changelog | None
    keep: Callable[[str, Project], None]
    lists: Lists
    pace: Pace
    tell: Callable[[str], None]
    stopping: Callable[[], bool] = lambda: False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    chance: Callable[[], float] = random.random


class Feed:
    """The feed of a node with the configuration `config`, which has `[watch]`."""

    def __init__(self, config: NodeConfig, watch: WatchConfig, ledger: Ledger, around: Surroundings) -> None:
        self._config, self._watch, self._ledger, self._around = config, watch, ledger, around
        self._pages = Pages(ledger.database)
        self._hints = Hinted(
            watch, ledger, source=around.source, changelog=around.changelog, tell=around.tell
        )
        self._watched: Watched | None = None
        self._lists_read: datetime | None = None
        self._failures = 0  # of requests, in a row
        self.trouble = ""  # of the index, if there is any now

    @property
    def doing(self) -> str:
        """For people: what is watched, and what of it cannot be."""
        problems = self._watched.problems if self._watched else ()
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        told = [f"{self._pages.count()} projects watched", self.trouble]
        return "; ".join(filter(None, [*told, *(f"{text}{more}" for text in problems[:1])]))

    def step(self) -> float:
        """Does what is due, up to some pages; returns the seconds until there may be more to do.

        Raises:
            Incomplete: the ledger or the disk fails, and nothing is lost by it.
        """
        self._read_lists()
        now = self._around.clock()
        spent = memory.load(self._ledger, memory.BYTES, memory.Spent).on(now)
        if spent >= self._watch.download_mb * MIB:
            self.trouble = "download-mb of [watch] is used up for today"
            return _REST
        if rest := self._around.pace.resting():
            return min(rest, _REST)
        if not self._ask_for_hints():
            return 0.0
        most = self._most(now)
        patience, absent = (
            timedelta(seconds=max(longest, intervals.LONGEST_PAUSE) * intervals.SPREAD)
            for longest in (most, intervals.ABSENT)
        )
        due = self._pages.due(now, _PAGES, patience=patience, absent=absent)
        for page in due:
            self._around.pace.turn()
            if self._around.stopping() or self._around.pace.resting():
                return 0.0
            self._ask(page)
        return 0.0 if len(due) == _PAGES else self._until_next()

    def _until_next(self) -> float:
        following = self._pages.next_due()
        if following is None:
            return _REST
        return min(max((following - self._around.clock()).total_seconds(), 0.1), _REST)

    def _most(self, now: datetime) -> int:
        return max(intervals.HINTED, self._watch.interval) if self._hints.holds(now) else self._watch.interval

    def _read_lists(self) -> None:
        now = self._around.clock()
        anew = self._lists_read is None or not timedelta() <= now - self._lists_read < _LISTS
        watched, before = self._around.lists.read(anew=anew), self._watched
        if anew:
            self._lists_read = now
        if watched == before and before is not None:
            return
        for problem in watched.problems:
            if before is None or problem not in before.problems:
                self._around.tell(printable(problem))
        self._watched = watched
        if (new := self._pages.watch(watched.projects, now)) and before is not None:
            self._around.tell(f"{new} projects more are watched")
        if watched.complete and not self._watch.everything:
            self._pages.unwatch(set(self._pages.watched()) - set(watched.projects))
        pinned = {name: sorted(told) for name, told in watched.projects.items() if told}
        digest = sha256_hex(dumps(pinned))
        if self._ledger.control().get(memory.PINNED) != digest:
            self._pages.hasten(pinned, now, lambda link: self._ledger.note(link, memory.PINNED, digest))

    def _ask_for_hints(self) -> bool:
        """Asks what tells of many projects at once. False if the index does not answer."""
        try:
            self._hints.ask(self._around.clock(), self._around.pace.turn, self._around.chance())
        except FetchFailed as error:
            self._failed(error)
            return False
        return True

    def _ask(self, page: Page) -> None:
        """Asks for one page, and keeps what follows."""
        now = self._around.clock()
        try:
            answer = self._around.source.page(page.project, page.etag)
        except NotFound:
            self._answered()
            gone = ChangedPage(Project(page.project, (), status=page.status), "", 0)
            self._take(page, gone, now, absent=True)
        except (FetchFailed, Malformed) as error:
            if isinstance(error, FetchFailed):
                self._failed(error)
            else:
                self._around.tell(printable(f"{page.project}: {error}"))
            failures = page.failures + 1
            wait = intervals.jittered(intervals.pause_after(failures), self._around.chance())
            self._pages.put(replace(page, failures=failures, next=now + timedelta(seconds=wait)))
        else:
            self._answered()
            self._take(page, answer, now)

    def _take(self, page: Page, answer: ChangedPage | None, now: datetime, *, absent: bool = False) -> None:
        """Keeps what the page says, and what follows, in one transaction."""
        _, known = self._pages.get(page.project)
        project = answer.project if answer else None
        since = page.since or page.asked
        changes = compare(page.project, known, project.files if project else None, now, since)
        status = (project.status if project else page.status) if not absent else ABSENT
        choice = choose(
            changes,
            self._rules(page.project),
            since=since,
            now=now,
            status=status,
            observed=self._pages.observed(page.project),
        )
        settled = {name: replace(changes.files[name], wanted=True) for name in choice.settled}
        if project and any(want.why not in WITHOUT_WORKER for want in choice.wants):
            # The workers need not ask for it again, and do not take an older one for it.
            self._around.keep(page.project, project)
        files = [settled.get(name, changes.files[name]) for name in changes.touched | choice.settled]
        spent = memory.load(self._ledger, memory.BYTES, memory.Spent).and_more(
            now, answer.size if answer else 0
        )
        later = self._later(page, answer, changes, now, status)
        self._pages.put(later, files, lambda link: self._queue(link, choice, spent))
        self._tell(page, changes, choice, status)

    def _queue(self, connection: Connection, choice: Choice, spent: memory.Spent) -> None:
        self._ledger.queue(connection, choice.wants)
        for target in choice.drops:
            self._ledger.unqueue(connection, target)
        memory.note(self._ledger, connection, memory.BYTES, spent)

    def _later(
        self, page: Page, answer: ChangedPage | None, changes: Changes, now: datetime, status: str
    ) -> Page:
        """The page as it is now known, and when it is to be asked for again."""
        project = answer.project if answer else None
        serial = (project.serial or 0) if project else page.serial
        behind = 0 < serial < page.listed  # a cache on the way has an older page than the list of projects
        changed = bool(changes.touched) or status != page.status or behind
        kind: intervals.Answer = "changed" if changed else "absent" if status == ABSENT else "unchanged"
        most = self._most(now)
        before = most if self._hints.holds(now) else page.interval  # else by and by
        interval = intervals.interval_after(kind, before, most, missing=changes.missing)
        wait = intervals.jittered(interval, self._around.chance())
        return replace(
            page,
            etag=answer.etag if answer else page.etag,
            serial=serial,
            status=status[:40],
            asked=now,
            next=now + timedelta(seconds=wait),
            since=page.since or page.asked,
            interval=interval,
            failures=0,
        )

    def _rules(self, project: str) -> Rules:
        pinned = self._watched.projects.get(project, frozenset()) if self._watched else frozenset()
        return Rules(self._watch.versions, self._watch.pure_only, pinned, self._config.duty)

    def _answered(self) -> None:
        if self._failures >= _IN_A_ROW:
            self._around.tell("the index answers again")
        self._failures, self.trouble = 0, ""

    def _failed(self, error: FetchFailed) -> None:
        """Has everything wait where the index as a whole does not answer, or wants to be left alone."""
        self._failures += 1
        if self._failures < _IN_A_ROW and not error.after:
            self._around.tell(printable(str(error)))
            return
        growing = intervals.pause_after(max(1, self._failures - _IN_A_ROW + 1))
        wait = max(error.after, intervals.jittered(min(growing, 3600), self._around.chance()))
        self._around.pace.pause(wait)
        self.trouble = f"{error}; nothing is asked for {wait:.0f} s"
        self._around.tell(printable(self.trouble))

    def _tell(self, page: Page, changes: Changes, choice: Choice, status: str) -> None:
        lines = [] if status == page.status else [f"{page.project}: {_status(page.status, status)}"]
        lines += [line for event in changes.events if (line := _alarm(event))]
        lines += [f"{want.target}: {want.why}" for want in choice.wants if want.why != "backlog"]
        backlog = sum(want.why == "backlog" for want in choice.wants)
        lines += [f"{page.project}: {backlog} files of before are queued"] * bool(backlog)
        if changes.refused:
            lines.append(f"{page.project}: {changes.refused} files more than can be remembered")
        if len(lines) > _MOST_TOLD:
            lines[_MOST_TOLD:] = [f"{page.project}: and {len(lines) - _MOST_TOLD} more"]
        for line in lines:
            self._around.tell(printable(line))


def _status(before: str, now: str) -> str:
    if now == ABSENT:
        return "the index has no such project"
    return f"the index says that it is {now}, and not {before}"


def _alarm(event: Event) -> str:
    if event.kind != "changed" or event.before is None:
        return ""
    return (
        f"ALARM: {event.now.filename}: the index lists another file under the same name: "
        f"sha256:{event.before.sha256} before, sha256:{event.now.sha256} now"
    )
