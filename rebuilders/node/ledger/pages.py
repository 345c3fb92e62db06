"""What a ledger remembers of the index: each watched project's page, and the files that were ever on it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, case, delete, func, insert, select, update

from rebuilders.node.ledger.database import Database, upsert
from rebuilders.node.ledger.tables import FILES, PAGES, TARGETS

Also = Callable[[Connection], object]
"""What is to be done in the same transaction."""

ABSENT: Final = "absent"  # the status of a project that the index does not have
_AT_ONCE: Final = 500  # of what one statement names
_ROWS: Final = 10_000  # that are inserted at once


@dataclass(frozen=True, slots=True)
class Page:
    """A project's page as it was last `asked` for, and when it is to be asked for `next`.

    Args:
        serial: what the page said of itself.
        since: when the project was first watched.
        interval: seconds between `asked` and `next`, unless something happens.
        failures: how often in a row it could not be had.
        listed: the serial that the index's list of projects last told of it, 0 for none.
    """

    project: str
    etag: str
    serial: int
    status: str
    asked: datetime
    next: datetime
    since: datetime | None = None
    interval: int = 0
    failures: int = 0
    listed: int = 0


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file that the index has listed; `gone` if it does not any more. `seen` is when it was new to us.

    `missing` is when it was first not listed any more, as long as it is not. `wanted`: a rebuild was queued once.
    """

    filename: str
    sha256: str
    uploaded: datetime | None
    yanked: bool
    gone: bool
    seen: datetime
    size: int | None = None
    missing: datetime | None = None
    wanted: bool = False


def _nothing(connection: Connection) -> None:
    del connection


class Pages:
    """The pages and files of the ledger in `database`. Methods raise Incomplete as those of `Ledger` do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, project: str) -> tuple[Page | None, dict[str, SeenFile]]:
        """The page of a project, if it was ever asked for, and its files by name."""
        with self._database.begin() as connection:
            page = connection.execute(select(PAGES).where(PAGES.c.project == project)).first()
            files = connection.execute(select(FILES).where(FILES.c.project == project)).all()
        return (Page(*page) if page else None, {row.filename: _seen(row) for row in files})

    def file(self, project: str, filename: str) -> SeenFile | None:
        """One file, if it was ever listed."""
        with self._database.begin() as connection:
            named = select(FILES).where(FILES.c.project == project, FILES.c.filename == filename)
            row = connection.execute(named).first()
        return _seen(row) if row else None

    def observed(self, project: str) -> frozenset[str]:
        """The SHA-256 of each file of a project of which an observation was made."""
        with self._database.begin() as connection:
            made = select(TARGETS.c.sha256).where(TARGETS.c.project == project, TARGETS.c.observed > 0)
            return frozenset(connection.execute(made).scalars()) - {""}

    def put(self, page: Page, files: Iterable[SeenFile] = (), also: Also = _nothing) -> None:
        """Keeps a page, those of its files that are new or changed, and whatever `also` does: all or nothing."""
        with self._database.in_turn() as connection:
            row = {name: getattr(page, name) for name in Page.__slots__}
            upsert(connection, PAGES, row, tuple(name for name in row if name not in ("project", "listed")))
            for file in files:
                row = {"project": page.project, **{name: getattr(file, name) for name in SeenFile.__slots__}}
                changed = ("sha256", "uploaded", "yanked", "gone", "size", "missing", "wanted")
                upsert(connection, FILES, row, changed)
            also(connection)

    def due(
        self,
        now: datetime,
        limit: int,
        *,
        patience: timedelta | None = None,
        absent: timedelta | None = None,
    ) -> list[Page]:
        """The pages to be asked for by now, longest overdue first.

        None waits for longer than `patience`, or `absent` if the index does not have it, however the clock was changed.
        """
        with self._database.begin() as connection:
            if patience is not None:
                until = case(
                    (PAGES.c.status == ABSENT, now + (absent or patience)),
                    else_=now + patience,
                )
                far = PAGES.c.next > now + min(patience, absent or patience)  # by the index: there are few
                connection.execute(update(PAGES).where(far, PAGES.c.next > until).values(next=until))
            rows = connection.execute(
                select(PAGES).where(PAGES.c.next <= now).order_by(PAGES.c.next).limit(limit)
            )
            return [Page(*row) for row in rows]

    def next_due(self) -> datetime | None:
        """When the next page is to be asked for."""
        with self._database.begin() as connection:
            return connection.execute(select(PAGES.c.next).order_by(PAGES.c.next).limit(1)).scalar()

    def watch(
        self,
        projects: Iterable[str],
        now: datetime,
        *,
        since: datetime | None = None,
        first: Callable[[str], datetime] | None = None,
        listed: Mapping[str, int] | None = None,
        also: Also = _nothing,
    ) -> int:
        """Has each of `projects` asked for, unless it is watched already; returns how many were new.

        What was uploaded before `since`, by default now, counts as there before. `first` says when each is asked for
        first, by default now; `listed` what the index's list of projects tells.
        """
        with self._database.in_turn() as connection:
            known = set(connection.execute(select(PAGES.c.project)).scalars())
            new = sorted(set(projects) - known)
            told = listed or {}
            for start in range(0, len(new), _ROWS):
                rows = [
                    {
                        "project": name,
                        "asked": now,
                        "since": since or now,
                        "next": first(name) if first else now,
                        "listed": told.get(name, 0),
                    }
                    for name in new[start : start + _ROWS]
                ]
                connection.execute(insert(PAGES), rows)
            also(connection)
        return len(new)

    def hasten(self, projects: Iterable[str], now: datetime, also: Also = _nothing) -> int:
        """Has those of `projects` that are watched asked for by `now`; returns how many were to wait longer."""
        sooner, names = 0, sorted(set(projects))
        with self._database.in_turn() as connection:
            for start in range(0, len(names), _AT_ONCE):
                named = PAGES.c.project.in_(names[start : start + _AT_ONCE])
                waits = update(PAGES).where(named, PAGES.c.next > now)
                sooner += connection.execute(waits.values(next=now)).rowcount
            also(connection)
        return sooner

    def heard(self, serials: Mapping[str, int], now: datetime, also: Also = _nothing) -> None:
        """Keeps what the index's list of projects tells of those that are watched, and has each asked for by `now`."""
        with self._database.in_turn() as connection:
            if serials:
                sooner = case((PAGES.c.next < bindparam("at"), PAGES.c.next), else_=bindparam("at"))
                told = update(PAGES).where(PAGES.c.project == bindparam("name"))
                rows = [{"name": name, "serial_": serial, "at": now} for name, serial in serials.items()]
                connection.execute(told.values(listed=bindparam("serial_"), next=sooner), rows)
            also(connection)

    def serials(self) -> dict[str, tuple[int, str]]:
        """By watched project, the latest serial that its page or the index's list of projects told, and its status."""
        told = select(PAGES.c.project, PAGES.c.listed, PAGES.c.serial, PAGES.c.status)
        with self._database.begin() as connection:
            return {row[0]: (max(row[1], row[2]), row[3]) for row in connection.execute(told)}

    def unwatch(self, projects: Iterable[str]) -> int:
        """Asks for `projects` no more; what is known of their files stays."""
        names, gone = sorted(set(projects)), 0
        with self._database.in_turn() as connection:
            for start in range(0, len(names), _AT_ONCE):
                named = PAGES.c.project.in_(names[start : start + _AT_ONCE])
                gone += connection.execute(delete(PAGES).where(named)).rowcount
        return gone

    def watched(self) -> list[str]:
        """The projects that are asked for, by name."""
        with self._database.begin() as connection:
            return list(connection.execute(select(PAGES.c.project).order_by(PAGES.c.project)).scalars())

    def count(self) -> int:
        """How many projects are asked for."""
        with self._database.begin() as connection:
            return connection.execute(select(func.count()).select_from(PAGES)).scalar() or 0


def _seen(row: Row[Any]) -> SeenFile:
    return SeenFile(*tuple(row)[1:])
