"""Projects by the beginnings of their names, and of words in them, from the generator's memory."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, func, select

from rebuilders.site.schema import PROJECTS, WORDS

_AFTER: Final = "\U0010ffff"  # sorts behind every character of a name
_NAMED: Final = {"projects": "name", "words": "word"}


def projects_below(connection: Connection, prefix: str) -> Sequence[Row[Any]]:
    """The projects whose names begin with `prefix`, in their order."""
    return connection.execute(
        select(PROJECTS).where(_begins(PROJECTS, "name", prefix)).order_by(PROJECTS.c.name)
    ).all()


def projects_found(connection: Connection, prefix: str) -> Sequence[Row[Any]]:
    """The projects that have a word which begins with `prefix`, in their order."""
    found = select(WORDS.c.project).where(_begins(WORDS, "word", prefix))
    return connection.execute(
        select(PROJECTS).where(PROJECTS.c.name.in_(found)).order_by(PROJECTS.c.name)
    ).all()


class Names:
    """The names in a table, as rebuilders.site.names counts them; within one transaction, whose answers it keeps."""

    def __init__(self, connection: Connection, table: Table) -> None:
        self._connection, self._table = connection, table
        self._known: dict[str, int] = {}

    def count(self, prefix: str, most: int) -> int:
        """See `Counted.count`."""
        if prefix not in self._known:
            column = _NAMED[self._table.name]
            begins = select(self._table.c[column]).where(_begins(self._table, column, prefix)).limit(most)
            query = select(func.count()).select_from(begins.subquery())
            self._known[prefix] = int(self._connection.execute(query).scalar_one())
        return self._known[prefix]

    def below(self, prefix: str) -> list[tuple[str, int]]:
        """The characters that follow `prefix`, and how many go on with each."""
        column = self._table.c[_NAMED[self._table.name]]
        character = func.substr(column, len(prefix) + 1, 1)
        begins = _begins(self._table, column.name, prefix)
        query = select(character, func.count()).where(begins).group_by(character).order_by(character)
        return [(row[0], row[1]) for row in self._connection.execute(query) if row[0]]


def _begins(table: Table, column: str, prefix: str) -> Any:
    return table.c[column].between(prefix, prefix + _AFTER)
