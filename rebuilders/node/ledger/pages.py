"""What a ledger remembers of the index: each watched project's page, and the files that were ever on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from rebuilders.node.ledger.database import Database, upsert
from rebuilders.node.ledger.tables import FILES, PAGES


@dataclass(frozen=True, slots=True)
class Page:
    """A project's page as it was last `asked` for, and when it is to be asked for `next`."""

    project: str
    etag: str
    serial: int
    status: str
    asked: datetime
    next: datetime


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file that the index has listed; `gone` if it does not any more. `seen` is when it was new to us."""

    filename: str
    sha256: str
    uploaded: datetime | None
    yanked: bool
    gone: bool
    seen: datetime


class Pages:
    """The pages and files of the ledger in `database`. Methods raise Incomplete as those of `Ledger` do."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, project: str) -> tuple[Page | None, dict[str, SeenFile]]:
        """The page of a project, if it was ever asked for, and its files by name."""
        with self._database.begin() as connection:
            page = connection.execute(select(PAGES).where(PAGES.c.project == project)).first()
            files = connection.execute(select(FILES).where(FILES.c.project == project)).all()
        return (
            Page(*page) if page else None,
            {row.filename: SeenFile(*tuple(row)[1:]) for row in files},
        )

    def put(self, page: Page, files: Iterable[SeenFile]) -> None:
        """Keeps a page, and those of its files that are new or changed."""
        with self._database.begin() as connection:
            row = {name: getattr(page, name) for name in Page.__slots__}
            upsert(connection, PAGES, row, ("etag", "serial", "status", "asked", "next"))
            for file in files:
                row = {"project": page.project, **{name: getattr(file, name) for name in SeenFile.__slots__}}
                upsert(connection, FILES, row, ("sha256", "uploaded", "yanked", "gone"))

    def due(self, now: datetime, limit: int) -> list[Page]:
        """The pages to be asked for by now, longest overdue first."""
        with self._database.begin() as connection:
            rows = connection.execute(
                select(PAGES).where(PAGES.c.next <= now).order_by(PAGES.c.next).limit(limit)
            )
            return [Page(*row) for row in rows]

    def watch(self, projects: Iterable[str], now: datetime) -> int:
        """Has each of `projects` asked for by `now`, unless it is watched already; returns how many were new."""
        new = 0
        with self._database.begin() as connection:
            known = set(connection.execute(select(PAGES.c.project)).scalars())
            for project in sorted(set(projects) - known):
                connection.execute(insert(PAGES).values(project=project, asked=now, next=now))
                new += 1
        return new

    def hasten(self, projects: Iterable[str], now: datetime) -> int:
        """Has those of `projects` that are watched asked for by `now`; returns how many were to wait longer."""
        sooner = 0
        with self._database.begin() as connection:
            for project in projects:
                waits = update(PAGES).where(PAGES.c.project == project, PAGES.c.next > now)
                sooner += connection.execute(waits.values(next=now)).rowcount
        return sooner

    def unwatch(self, projects: Iterable[str]) -> int:
        """Asks for `projects` no more; what is known of their files stays."""
        with self._database.begin() as connection:
            gone = [
                connection.execute(delete(PAGES).where(PAGES.c.project == name)).rowcount for name in projects
            ]
        return sum(gone)

    def watched(self) -> list[str]:
        """The projects that are asked for, by name."""
        with self._database.begin() as connection:
            return list(connection.execute(select(PAGES.c.project).order_by(PAGES.c.project)).scalars())
