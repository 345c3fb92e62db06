"""What was sent to a destination, in a SQLite file of the node's state, so that a push need not ask what is there.

A row is emptied before its file is sent, and filled when it is there: the manifest may know too little, which costs a
file that is sent again, and never too much. It goes with one checkpoint of the destination. If another one is found
there, somebody else was at it, and the manifest is made anew from a listing.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from witness.errors import Incomplete

_VERSION: Final = 1
_PORTION: Final = 512  # rows that are read at once
_SCHEMA: Final = """
create table if not exists files (
    path text primary key, stat text not null, sha256 text not null, fingerprint text not null, gone real
) without rowid;
create index if not exists going on files (gone) where gone is not null;
create table if not exists about (key text primary key, value blob not null) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that is at the destination, or may be.

    Attributes:
        path: its path in the site.
        stat: what the source's file looked like to the file system when it was read; empty if it was not.
        sha256: of its bytes, in hex; empty if only a listing has told of it, or it was being sent.
        fingerprint: what a listing says of it; empty if it cannot be told.
        gone: since when the source has no such file, in seconds since 1970; None if it has.
    """

    path: str
    stat: str
    sha256: str
    fingerprint: str
    gone: float | None = None


class Manifest:
    """The rows of one destination, by path. Methods raise `Incomplete` if the file cannot be written."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def open(cls, path: Path) -> Self:
        """The manifest at `path`: a new one if there is none, or none that can be read."""
        try:
            return cls(_open(path), path)
        except sqlite3.DatabaseError:
            for leftover in path.parent.glob(f"{path.name}*"):
                leftover.unlink(missing_ok=True)
        except OSError as error:
            raise Incomplete(f"{path}: {error.strerror}") from None
        try:
            return cls(_open(path), path)
        except (sqlite3.Error, OSError) as error:
            raise Incomplete(f"{path}: {error}") from None

    def close(self) -> None:
        self._connection.close()

    def known(self, low: str, high: str) -> Iterator[Sent]:
        """The rows of paths from `low` up to `high`, both among them, in the order of code points."""
        while True:
            with self._failing():
                rows = self._connection.execute(
                    "select path, stat, sha256, fingerprint, gone from files where path >= ? and path <= ?"
                    " order by path limit ?",
                    (low, high, _PORTION),
                ).fetchall()
            yield from (Sent(*row) for row in rows)
            if len(rows) < _PORTION:
                return
            low = f"{rows[-1][0]}\0"  # the next there can be

    def there(self, paths: Sequence[str]) -> bool:
        """Whether one of `paths` is at the destination as the source has it."""
        with self._failing():
            return any(
                self._connection.execute(
                    "select 1 from files where path = ? and sha256 != '' and gone is null", (path,)
                ).fetchone()
                for path in paths
            )

    def tops(self) -> frozenset[str]:
        """The first component of every path."""
        with self._failing():
            rows = self._connection.execute(
                "select distinct substr(path, 1, instr(path || '/', '/') - 1) from files"
            ).fetchall()
        return frozenset(row[0] for row in rows)

    def due(self, before: float, most: int) -> tuple[str, ...]:
        """Up to `most` paths that the source has not had since `before`."""
        with self._failing():
            rows = self._connection.execute(
                "select path from files where gone is not null and gone <= ? order by path limit ?",
                (before, most),
            ).fetchall()
        return tuple(row[0] for row in rows)

    def record(self, rows: Iterable[Sent]) -> None:
        """Writes rows, in place of any of their paths."""
        with self._failing(), self._connection:
            self._connection.executemany(
                "insert or replace into files values (?, ?, ?, ?, ?)",
                ((row.path, row.stat, row.sha256, row.fingerprint, row.gone) for row in rows),
            )

    def forget(self, paths: Iterable[str]) -> None:
        """Removes rows."""
        with self._failing(), self._connection:
            self._connection.executemany("delete from files where path = ?", ((path,) for path in paths))

    def clear(self) -> None:
        """Removes all rows."""
        with self._failing(), self._connection:
            self._connection.execute("delete from files")

    def doubt(self) -> None:
        """Forgets what the files are, but not that they are there: all that the source has will be sent again."""
        with self._failing(), self._connection:
            self._connection.execute("update files set stat = '', sha256 = '', fingerprint = ''")

    def about(self, key: str) -> bytes | None:
        """A fact about the destination; None if it is not known."""
        with self._failing():
            row = self._connection.execute("select value from about where key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def note(self, facts: Mapping[str, bytes]) -> None:
        """Writes facts about the destination."""
        with self._failing(), self._connection:
            self._connection.executemany("insert or replace into about values (?, ?)", facts.items())

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise Incomplete(
                f"{self._path}: {error}", hint="Remove it: it is made anew from a listing."
            ) from None


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=10.0)
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        version = connection.execute("pragma user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"version {version}")  # noqa: TRY301 - as for any other that is not ours
        connection.executescript(_SCHEMA)
        connection.execute(f"pragma user_version = {_VERSION}")
        connection.execute("select count(*) from (select path from files limit 1)")
    except BaseException:
        connection.close()
        raise
    return connection
