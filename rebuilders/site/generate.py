"""Makes the pages of a site, or brings them up to date.

Pages are written before those that lead to them, and what is to be removed goes last. Each step notes what it has left
to do before it begins, so that a run that was ended is taken up where it was: what a reader finds meanwhile is the old
page or the new one.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from rebuilders.site import names, paths, state, subject
from rebuilders.site.listing import Names, projects_below
from rebuilders.site.pages import Book, Page
from rebuilders.site.reading import mark_reports, read_logs, voice_of
from rebuilders.site.render import ASSETS, Renderer, asset
from rebuilders.site.schema import PROJECTS, WORDS
from rebuilders.site.standing import newest, regressions, standing
from rebuilders.site.state import State
from rebuilders.site.voices import About, Told
from rebuilders.site.writing import Pages
from witness.errors import Incomplete, InputError
from witness.logged import LoggedWitness, Source

_STATE: Final = "site.sqlite"
_LOCK: Final = "site.lock"
_PROJECTS: Final = 200  # at once, in one transaction
_FILES: Final = 500


@dataclass(frozen=True, slots=True)
class Generated:
    """What a run did: entries that were new, files written, files that were so already, and files removed."""

    entries: int
    written: int
    same: int
    removed: int

    @property
    def text(self) -> str:
        """In words."""
        gone = f", {self.removed} removed" if self.removed else ""
        return f"{self.entries} entr{'y' if self.entries == 1 else 'ies'} more; {self.written} files written{gone}"


def generate(
    sources: Sequence[Source],
    out: Path,
    memory: Path,
    *,
    title: str = "",
    url: str = "",
    own: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Generated:
    """Writes the pages about `sources` into the directory `out`, and remembers in `memory` what they are of.

    Args:
        sources: whose logs, at least one.
        out: what is served. Files that are not pages are left alone.
        memory: a directory that is not served.
        title: what the site is called; empty for the node's name, or for how many there are.
        url: where `out` is served, for the feeds; empty if that is not known.
        own: there is one source, and `out` is its site.
        tell: what is under way, for people.

    Raises:
        Unverified, Malformed: a log is not what its checkpoint says, or not the one that was shown before.
        Incomplete: a file is missing, the disk failed, or another run is under way.
        InputError: a directory cannot be used, or two sources are one.
    """
    subject.check_distinct(sources)
    with _alone(memory):
        witnesses = [LoggedWitness.open(source) for source in sources]
        about = subject.about(sources, title, url, own=own)
        kept = State(memory / _STATE, subject.fingerprint(witnesses, about))
        try:
            return _Run(kept, witnesses, about, Pages(out), tell).go()
        finally:
            kept.close()


@dataclass(frozen=True, slots=True)
class _Run:
    memory: State
    witnesses: Sequence[LoggedWitness]
    about: About
    pages: Pages
    tell: Callable[[str], None]

    def go(self) -> Generated:
        entries = read_logs(self.memory, self.witnesses)
        self.tell(f"{entries} entries read")
        mark_reports(self.memory, self.witnesses)
        self._count()
        with self.memory.begin() as connection:
            book = Book(self.about, Renderer({"about": self.about, "nodes": self._told(connection)}))
        for name in ASSETS:
            self.pages.put(name, asset(name))
        self._files(book)
        self._projects(book)
        self._lists(book)
        with self.memory.begin() as connection:
            self._put(book.overview(connection))
        self.pages.settle()
        return Generated(entries, self.pages.written, self.pages.same, self._sweep())

    def _count(self) -> None:
        """How files stand, of the projects of which there is something new."""
        operators = {number: witness.source.operator for number, witness in enumerate(self.witnesses)}
        while True:
            with self.memory.begin() as connection:
                projects = state.marked(connection, "project", _PROJECTS)
                for project in projects:
                    rows = sorted(
                        state.observations_of(connection, project=project), key=lambda row: row.sha256
                    )
                    stands = [
                        standing(list(group), operators)
                        for _, group in groupby(rows, key=lambda row: row.sha256)
                    ]
                    regressed = regressions(stands)
                    stands = [file.with_regression(regressed.get(file.sha256, "")) for file in stands]
                    state.mark(connection, "file", state.set_files(connection, project, stands))
                    state.mark(connection, "page", [project])
                state.unmark(connection, "project", projects)
            if not projects:
                return

    def _files(self, book: Book) -> None:
        operators = {number: witness.source.operator for number, witness in enumerate(self.witnesses)}
        with self.memory.begin() as connection:
            # In the order of the logs, whose entries are read by bundles.
            waiting = state.marked_files(connection)
        for start in range(0, len(waiting), _FILES):
            part = waiting[start : start + _FILES]
            with self.memory.begin() as connection:
                for sha256 in part:
                    self._put(self._file(book, connection, sha256, operators))
                self.pages.settle()
                state.unmark(connection, "file", part)
            self.tell(f"{start + len(part)} of {len(waiting)} pages of files")

    def _file(self, book: Book, connection: Connection, sha256: str, operators: dict[int, str]) -> list[Page]:
        rows = state.observations_of(connection, sha256=sha256)
        stands = standing(rows, operators)
        # Where nodes call the file differently, the name that most of them use leads.
        called = [row.project for row in newest(rows)]
        project = max(called, key=called.count)
        stands = stands.with_regression(state.regression_of(connection, project, sha256))
        voices = [voice_of(row, self.witnesses[row.source], own=self.about.own) for row in newest(rows)]
        return book.file(rows, stands, project, voices)

    def _projects(self, book: Book) -> None:
        while True:
            with self.memory.begin() as connection:
                projects = state.marked(connection, "page", _PROJECTS)
                for project in projects:
                    self._put(book.project(project, state.files_of(connection, project)))
                self.pages.settle()
                state.unmark(connection, "page", projects)
            if not projects:
                return
            self.tell(f"{len(projects)} pages of projects")

    def _lists(self, book: Book) -> None:
        with self.memory.begin() as connection:
            listed = state.marked(connection, "listed")
            projects, words = Names(connection, PROJECTS), Names(connection, WORDS)
            shelves = {prefix for name in listed for prefix in names.way_to(name, projects)} | {""}
            ways = (names.way_to(word, words) for name in listed for word in names.words_of(name))
            shards = {prefix for way in ways for prefix in way} | {""}
            # What is longer is led to by what is shorter, so it comes first.
            for prefix in self._with_parts(shelves, projects, paths.browse_page):
                self._put([book.browse(connection, prefix, projects)])
            for prefix in self._with_parts(shards, words, paths.shard):
                self._put([book.shard(connection, prefix, words)])
            self.pages.settle()
            state.unmark(connection, "listed", listed)

    def _with_parts(self, prefixes: Iterable[str], held: Names, place: Callable[[str], str]) -> list[str]:
        """`prefixes`, and those below them whose lists are not there yet: one that has become too long was divided."""
        wanted, left = set(prefixes), list(prefixes)
        while left:
            prefix = left.pop()
            if names.is_leaf(prefix, held):
                continue
            longer = {prefix + character for character, _ in held.below(prefix)} - wanted
            missing = {each for each in longer if not self.pages.has(place(each))}
            wanted |= missing
            left += missing
        return sorted(wanted, key=lambda prefix: (-len(prefix), prefix))

    def _sweep(self) -> int:
        """Removes pages of an earlier state that nothing leads to any more, once."""
        with self.memory.begin() as connection:
            if not self.memory.is_fresh(connection):
                return 0
            known = self._known(connection)
            removed = self.pages.sweep(known.__contains__)
            self.memory.has_swept(connection)
            return removed

    def _known(self, connection: Connection) -> set[str]:
        known: set[str] = set()
        projects, words = Names(connection, PROJECTS), Names(connection, WORDS)
        for row in projects_below(connection, ""):
            known |= {paths.browse_page(prefix) for prefix in names.way_to(row.name, projects)}
            for word in names.words_of(row.name):
                known |= {paths.shard(prefix) for prefix in names.way_to(word, words)}
            known |= set(paths.of_project(row.name, row.files))
        known |= {paths.browse_page(""), paths.shard("")}
        for sha256 in state.digests(connection):
            known |= {paths.file_page(sha256), *(paths.file_badge(sha256, kind) for kind in ("svg", "json"))}
        return known

    def _told(self, connection: Connection) -> list[Told]:
        return [
            subject.told(number, witness, state.read_until(connection, number))
            for number, witness in enumerate(self.witnesses)
        ]

    def _put(self, pages: Iterable[Page]) -> None:
        for page in pages:
            self.pages.put(page.path, page.data)


@contextmanager
def _alone(memory: Path) -> Iterator[None]:
    try:
        memory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(memory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{memory}: cannot keep the site's state there: {error.strerror}") from None
    try:
        _lock(descriptor, memory)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, memory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Incomplete(f"{memory}: another process makes this site", hint="Let it finish.") from None
