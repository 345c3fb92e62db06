"""The generator's memory: what was read of each log, how files stand, and which pages are to be written.

One transaction holds a batch of entries together with how far the log is read, and another one how files stand together
with the pages that were written for it: whenever a run is ended, the next one goes on where it was.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, Table, create_engine, delete, event, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from rebuilders.site.names import words_of
from rebuilders.site.schema import (
    FILES,
    META,
    METADATA,
    OBSERVATIONS,
    PROJECTS,
    REPORTS,
    SOURCES,
    STALE,
    TOTALS,
    WORDS,
)
from rebuilders.site.seen import Seen
from rebuilders.site.standing import Standing
from witness.errors import Incomplete

_DAY: Final = 86400
_FRESH: Final = "fresh"
Totals = Counter[tuple[str, str, int]]


class State:
    """What is in the file `path`. Methods raise `Incomplete` if it cannot be read or written."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Begins anew if what is there was made under another `fingerprint`, or is no such file."""
        self._path = path
        self._engine = _engine(path)
        if self._fingerprint() != fingerprint:
            self._engine.dispose()
            for suffix in ("", "-wal", "-shm", "-journal"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._engine = _engine(path)
            with self.begin() as connection:
                METADATA.create_all(connection)
                values = [{"key": "fingerprint", "value": fingerprint}, {"key": _FRESH, "value": "1"}]
                connection.execute(META.insert(), values)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise Incomplete(
                f"{self._path}: {getattr(error, 'orig', None) or error}",
                hint="Is the disk full? The file can be removed: it is made anew.",
            ) from None

    def close(self) -> None:
        """Ends the connections."""
        self._engine.dispose()

    def is_fresh(self, connection: Connection) -> bool:
        """Whether nothing is known yet of what earlier states left on the disk."""
        return connection.execute(select(META.c.value).where(META.c.key == _FRESH)).scalar() == "1"

    def has_swept(self, connection: Connection) -> None:
        """Everything on the disk is of this state from now on."""
        connection.execute(META.update().where(META.c.key == _FRESH).values(value="0"))

    def _fingerprint(self) -> str:
        try:
            with self._engine.connect() as connection:
                found = connection.execute(select(META.c.value).where(META.c.key == "fingerprint")).scalar()
                return str(found)
        except SQLAlchemyError:
            return ""


def read_until(connection: Connection, source: int) -> Row[Any] | None:
    """How far the log of `source` was read."""
    return connection.execute(select(SOURCES).where(SOURCES.c.number == source)).first()


def add_observations(connection: Connection, rows: Sequence[Seen], source: dict[str, object]) -> None:
    """Adds `rows`, all of one log, which is read as far as `source` says from now on."""
    if rows:
        connection.execute(OBSERVATIONS.insert(), [asdict(row) for row in rows])
        mark(connection, "file", {row.sha256 for row in rows})
        mark(connection, "project", {row.project for row in rows})
        add_totals(connection, Counter(("seen", row.result, row.finished // _DAY) for row in rows))
        add_totals(connection, Counter(("method", row.method, 0) for row in rows))
    connection.execute(
        insert(SOURCES).values(**source).on_conflict_do_update(index_elements=["number"], set_=source)
    )


def mark(connection: Connection, kind: str, keys: Iterable[str]) -> None:
    """Pages to be written."""
    values = [{"kind": kind, "key": key} for key in keys]
    if values:
        connection.execute(insert(STALE).on_conflict_do_nothing(), values)


def marked(connection: Connection, kind: str, most: int | None = None) -> list[str]:
    """The keys that are marked, in their order."""
    query = select(STALE.c.key).where(STALE.c.kind == kind).order_by(STALE.c.key)
    return list(connection.execute(query.limit(most)).scalars())


def marked_files(connection: Connection) -> list[str]:
    """The digests of files that are marked, in the order in which their newest observations are in the logs."""
    newest = func.max(OBSERVATIONS.c.index)
    query = (
        select(STALE.c.key)
        .join(OBSERVATIONS, OBSERVATIONS.c.sha256 == STALE.c.key)
        .where(STALE.c.kind == "file")
        .group_by(STALE.c.key)
        .order_by(newest, STALE.c.key)
    )
    return list(connection.execute(query).scalars())


def digests(connection: Connection) -> Iterator[str]:
    """Those of all files."""
    yield from connection.execute(select(FILES.c.sha256).distinct()).scalars()


def unmark(connection: Connection, kind: str, keys: Iterable[str]) -> None:
    """Pages that are written."""
    for key in keys:
        connection.execute(delete(STALE).where(STALE.c.kind == kind, STALE.c.key == key))


def observations_of(connection: Connection, *, project: str = "", sha256: str = "") -> list[Seen]:
    """Every observation of a project's files, or of one file, by source and index."""
    where = OBSERVATIONS.c.sha256 == sha256 if sha256 else OBSERVATIONS.c.project == project
    query = select(OBSERVATIONS).where(where).order_by(OBSERVATIONS.c.source, OBSERVATIONS.c.index)
    return [Seen(**row) for row in connection.execute(query).mappings()]


def newest_observations(connection: Connection, most: int) -> list[Seen]:
    """Those that ended last, newest first."""
    order = (OBSERVATIONS.c.finished.desc(), OBSERVATIONS.c.source, OBSERVATIONS.c.index.desc())
    rows = connection.execute(select(OBSERVATIONS).order_by(*order).limit(most)).mappings()
    return [Seen(**row) for row in rows]


def set_files(connection: Connection, project: str, files: Sequence[Standing]) -> list[str]:
    """How all files of `project` stand from now on, with everything that is counted. The digests whose row changed."""
    before = {file.sha256: file for file in files_of(connection, project)}
    changed = [file for file in files if before.get(file.sha256) != file]
    totals: Totals = Counter()
    for file in changed:
        if file.sha256 in before:
            totals.subtract(_counted(before[file.sha256]))
        totals.update(_counted(file))
    if changed:
        rows = [_row(project, file) for file in changed]
        connection.execute(insert(FILES).prefix_with("OR REPLACE"), rows)
        add_totals(connection, totals)
    _set_project(connection, project, files)
    return [file.sha256 for file in changed]


def files_of(connection: Connection, project: str) -> list[Standing]:
    """How the files of `project` stood, in no order."""
    rows = connection.execute(select(FILES).where(FILES.c.project == project)).mappings()
    return [_standing(row) for row in rows]


def regression_of(connection: Connection, project: str, sha256: str) -> str:
    """The older version that a file of `project` differs from, or nothing."""
    where = (FILES.c.project == project, FILES.c.sha256 == sha256)
    return str(connection.execute(select(FILES.c.regressed).where(*where)).scalar() or "")


def files_where(connection: Connection, what: str, most: int) -> list[tuple[str, Standing]]:
    """Projects and files that are `disputed`, or `regressed`; those that were observed last come first."""
    where = FILES.c.state == "disputed" if what == "disputed" else FILES.c.regressed != ""
    query = (
        select(FILES).where(where).order_by(FILES.c.at.desc(), FILES.c.project, FILES.c.sha256).limit(most)
    )
    return [(row["project"], _standing(row)) for row in connection.execute(query).mappings()]


def add_totals(connection: Connection, totals: Totals) -> None:
    """Adds to the numbers, by kind, key and day."""
    rows = [
        {"kind": kind, "key": key, "day": day, "count": count}
        for (kind, key, day), count in totals.items()
        if count
    ]
    if rows:
        added = insert(TOTALS)
        update = {"count": TOTALS.c.count + added.excluded.count}
        keys = ["kind", "key", "day"]
        connection.execute(added.on_conflict_do_update(index_elements=keys, set_=update), rows)


def totals_of(connection: Connection, kind: str) -> dict[tuple[str, int], int]:
    """The numbers of a kind, by key and day, but for those that are 0."""
    rows = connection.execute(select(TOTALS).where(TOTALS.c.kind == kind, TOTALS.c.count != 0))
    return {(row.key, row.day): int(row[-1]) for row in rows}


def count_of(connection: Connection, table: Table) -> int:
    """The rows of a table."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def reports_in(connection: Connection, source: int, folder: str) -> dict[str, str]:
    """The names and stamps of what was in a directory of reports; its own stamp has the name "."."""
    where = (REPORTS.c.source == source, REPORTS.c.folder == folder)
    return {row.name: row.stamp for row in connection.execute(select(REPORTS).where(*where))}


def set_reports(connection: Connection, source: int, folder: str, stamps: dict[str, str]) -> None:
    """What is in a directory of reports from now on."""
    connection.execute(delete(REPORTS).where(REPORTS.c.source == source, REPORTS.c.folder == folder))
    rows = [
        {"source": source, "folder": folder, "name": name, "stamp": stamp} for name, stamp in stamps.items()
    ]
    if rows:
        connection.execute(REPORTS.insert(), rows)


def _set_project(connection: Connection, project: str, files: Sequence[Standing]) -> None:
    row = {
        "name": project,
        "files": len(files),
        "matched": sum(file.state == "match" for file in files),
        "differed": sum(file.state in ("mismatch", "disputed") for file in files),
        "at": max(file.at for file in files),
    }
    known = connection.execute(select(PROJECTS).where(PROJECTS.c.name == project)).mappings().first()
    if known is not None and dict(known) == row:
        return
    connection.execute(
        insert(PROJECTS).values(**row).on_conflict_do_update(index_elements=["name"], set_=row)
    )
    if known is None:
        words = [{"word": word, "project": project} for word in words_of(project)]
        connection.execute(insert(WORDS).on_conflict_do_nothing(), words)
    mark(connection, "listed", [project])


def _counted(file: Standing) -> Totals:
    """What a file adds to the numbers."""
    totals: Totals = Counter()
    totals["state", file.state, 0] += 1
    totals["first", file.state, file.first // _DAY] += 1
    if file.state == "match":
        totals["level", file.level, 0] += 1
    says = sorted(file.voices.items())
    for operator, result in says:
        totals["voice", json.dumps([operator, result]), 0] += 1
    told = [(operator, result) for operator, result in says if result in ("match", "mismatch", "disputed")]
    for number, (one, first) in enumerate(told):
        for other, second in told[number + 1 :]:
            kind = "agree" if first == second != "disputed" else "differ"
            totals[kind, json.dumps([one, other]), 0] += 1
    return totals


def _row(project: str, file: Standing) -> dict[str, object]:
    return {**asdict(file), "project": project, "voices": json.dumps(dict(file.voices))}


def _standing(row: RowMapping) -> Standing:
    values = {key: value for key, value in row.items() if key != "project"}
    return Standing(**{**values, "voices": json.loads(row["voices"])})


def _engine(path: Path) -> Any:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # A run that is ended by a power cut is done again; the file must only be whole.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine
