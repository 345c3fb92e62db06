"""What a node has been asked to rebuild, and how far it is: the one place of truth, in SQLite for now.

A target is queued, running or done. What runs when a node dies is queued again when it starts: a repeated build, and
nothing else.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from witness.errors import Incomplete
from witness.names import TargetName

State = Literal["queued", "running", "done"]

_METADATA: Final = MetaData()
_TARGETS: Final = Table(
    "targets",
    _METADATA,
    Column("id", Integer, primary_key=True),
    Column("target", String, nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("detail", String, nullable=False, default=""),
    Column("changed", DateTime, nullable=False),
)


class Ledger:
    """The ledger in the file `path`, which is made if it is not there.

    Every method raises Incomplete if the database cannot be read or written, and has then changed nothing.
    """

    def __init__(self, path: Path) -> None:
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        with self._begin():
            _METADATA.create_all(self._engine)

    def add(self, targets: Iterable[TargetName]) -> int:
        """Queues `targets`, those that are done included; returns how many were not queued or running already."""
        added = 0
        with self._begin() as connection:
            for target in dict.fromkeys(map(str, targets)):
                row = connection.execute(select(_TARGETS.c.state).where(_TARGETS.c.target == target)).first()
                if row is None:
                    connection.execute(insert(_TARGETS).values(target=target, state="queued", changed=_now()))
                elif row.state == "done":
                    self._set(connection, target, state="queued")
                else:
                    continue
                added += 1
        return added

    def requeue(self) -> int:
        """Queues what was running; for the start of a node."""
        with self._begin() as connection:
            running = _TARGETS.c.state == "running"
            return connection.execute(update(_TARGETS).where(running).values(state="queued")).rowcount

    def take(self) -> TargetName | None:
        """The target that has waited longest of those tried least, now running; None if none waits.

        So one that ends every process that takes it up keeps none of the others from their turn.
        """
        with self._begin() as connection:
            queued = (
                select(_TARGETS)
                .where(_TARGETS.c.state == "queued")
                .order_by(_TARGETS.c.tries, _TARGETS.c.changed, _TARGETS.c.id)
            )
            row = connection.execute(queued.limit(1)).first()
            if row is None:
                return None
            self._set(connection, row.target, state="running", tries=row.tries + 1)
            return TargetName.parse(row.target)

    def finish(self, target: TargetName, detail: str) -> None:
        """`target` is done; `detail` says in a word how."""
        with self._begin() as connection:
            self._set(connection, str(target), state="done", tries=0, detail=detail)

    def release(self, target: TargetName, detail: str) -> None:
        """`target` could not be completed, and waits again."""
        with self._begin() as connection:
            self._set(connection, str(target), state="queued", detail=detail)

    def counts(self) -> Counter[str]:
        """How many targets are in each state."""
        with self._begin() as connection:
            rows = connection.execute(select(_TARGETS.c.state, func.count()).group_by(_TARGETS.c.state)).all()
            return Counter({row[0]: row[1] for row in rows})

    def close(self) -> None:
        """Ends the connections."""
        self._engine.dispose()

    def _set(self, connection: Connection, target: str, **values: object) -> None:
        row = _TARGETS.c.target == target
        connection.execute(update(_TARGETS).where(row).values(changed=_now(), **values))

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise Incomplete(
                f"the node's ledger: {getattr(error, 'orig', None) or error}",
                hint="Is the disk full, or another process at it?",
            ) from None


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
