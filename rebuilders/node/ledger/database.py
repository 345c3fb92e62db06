"""The database behind a ledger: SQLite in a file, or PostgreSQL by URL; brought up to date when it is opened."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    MetaData,
    Table,
    create_engine,
    event,
    inspect,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from rebuilders.node.ledger.tables import HEAD
from witness.errors import Incomplete, InputError

_PATIENCE: Final = 30  # seconds that one process waits for another at SQLite
_VERSION: Final = "alembic_version"
_HINT: Final = (
    "For example postgresql+psycopg://witness@db.example/ledger; empty for SQLite in the node's directory."
)
_passwords: Final[dict[URL, str]] = {}  # that were in the environment of this process
# Of PostgreSQL's advisory locks.
_MIGRATING, _SCHEDULING, _QUEUEING = 0x77_68_65_65_6C, 0x77_68_65_65_6D, 0x77_68_65_65_6E
# Of libpq and of the server: neither waits for ever for a machine that has gone, nor for a process that is frozen.
_CONNECTING: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "options": "-c lock_timeout=30s -c statement_timeout=120s -c idle_in_transaction_session_timeout=60s "
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3",
}


class Database:
    """Connections to the database at `url`, whose tables are those of rebuilders.node.ledger.tables.

    Raises:
        InputError: the URL cannot be used, or the database is of a later version of this program.
        Incomplete: it cannot be reached.
    """

    def __init__(self, url: URL) -> None:
        self._name = (
            "the node's ledger"
            if url.drivername.startswith("sqlite")
            else f"the ledger at {url.host or url.query.get('host') or 'this machine'}"
        )
        self._engine = _engine(url)
        try:
            with self.begin() as connection:
                _bring_up_to_date(connection)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: all of it, or Incomplete and nothing."""
        with self._failing(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def in_turn(self) -> Iterator[Connection]:
        """A transaction that changes many rows: after that of whoever else does, so that no two wait for each other."""
        with self.begin() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_QUEUEING})")
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Callable[[], None]]:
        """Holds the database's lock, where it is not in a file of this machine.

        The lock ends with the connection. What is given makes sure that it is still held, or takes it again.

        Raises:
            Incomplete: another has it; so does what is given.
        """
        if self._engine.dialect.name != "postgresql":
            yield lambda: None
            return
        lock = _Lock(self._engine, self._name)
        try:
            with self._failing():
                lock.hold()
            yield lambda: self._held(lock)
        finally:
            lock.let_go()

    def _held(self, lock: "_Lock") -> None:
        with self._failing():
            lock.hold()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            first = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise Incomplete(
                f"{self._name}: {first}", hint="Is the disk full, or the database out of reach?"
            ) from None

    def close(self) -> None:
        """Ends the connections."""
        self._engine.dispose()


class _Lock:
    """The scheduler's lock, held by a connection of its own for as long as that lives."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._connection: Connection | None = None

    def hold(self) -> None:
        if self._connection is not None:
            try:
                self._connection.exec_driver_sql("SELECT 1")
                self._connection.commit()
            except SQLAlchemyError:
                self.let_go()
            else:
                return
        connection = self._engine.connect()
        try:
            taken = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_SCHEDULING})").scalar()
            connection.commit()
        except SQLAlchemyError:
            connection.close()
            raise
        self._connection = connection
        if not taken:
            self.let_go()
            raise Incomplete(
                f"{self._name}: another scheduler is at it", hint="One ledger has one scheduler."
            )

    def let_go(self) -> None:
        """By ending the session: in the pool, it would go on to hold the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            connection.close()


def url_of(text: str, default: Path) -> URL:
    """The URL `text`, or that of a SQLite file at `default` where it is empty. Raises InputError."""
    if not text:
        return URL.create("sqlite", database=str(default))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise InputError("ledger: not the URL of a database", hint=_HINT) from None
    if url.password or "password" in url.query:
        raise InputError(
            "ledger: a password has no place in it",
            hint="PGPASSFILE names a file with it, or PGPASSWORD holds it.",
        )
    if url.get_backend_name() == "postgresql":
        return url if "+" in url.drivername else url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite":
        raise InputError(f"ledger: {url.drivername}: neither SQLite nor PostgreSQL", hint=_HINT)
    if not url.database or url.database == ":memory:":
        raise InputError("ledger: SQLite in memory is forgotten when the node ends", hint=_HINT)
    return url


def upsert(connection: Connection, table: Table, row: dict[str, Any], update: tuple[str, ...]) -> None:
    """Inserts `row`, or sets its columns `update` in the row with the same primary key."""
    keys = [column.name for column in table.primary_key]
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(row)
    changed = {name: statement.excluded[name] for name in update}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


def insert_new(connection: Connection, table: Table, row: dict[str, Any], unique: str) -> bool:
    """Inserts `row`, unless there is one with the same in the column `unique`."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(row).on_conflict_do_nothing(index_elements=[unique])
    return connection.execute(statement).rowcount > 0


def _engine(url: URL) -> Engine:
    try:
        if url.drivername == "sqlite":
            engine = create_engine(url, connect_args={"timeout": _PATIENCE})
            event.listen(engine, "connect", _durably)
            event.listen(engine, "begin", _as_writer)
            return engine
        # Whatever this process starts, it does not hand the password on.
        password = os.environ.pop("PGPASSWORD", None) or _passwords.get(url, "")
        _passwords[url] = password
        url = url.set(password=password) if password else url
        return create_engine(url, pool_pre_ping=True, connect_args=_CONNECTING)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise InputError(
            f"ledger: no driver for {url.drivername} is installed",
            hint="pip install 'wheelwitness[postgresql]'",
        ) from None


def _durably(connection: Any, record: object) -> None:
    """Readers beside a writer; on disk when it says so; transactions begin where we begin them."""
    del record
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _as_writer(connection: Connection) -> None:
    """A reader that turns writer would be refused at once where another writes; one that begins as writer waits."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _bring_up_to_date(connection: Connection) -> None:
    if _version(connection) == HEAD:
        return
    if connection.dialect.name == "postgresql":  # one process at a time
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
        if _version(connection) == HEAD:
            return
    from alembic.util import CommandError

    from rebuilders.node.ledger.migrations.run import upgrade

    try:
        upgrade(connection, first="targets" in inspect(connection).get_table_names())
    except CommandError:
        raise InputError(
            "the node's ledger was written by a later version of this program",
            hint="Install that version again.",
        ) from None


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION):
        return None
    table = Table(_VERSION, MetaData(), autoload_with=connection)
    return connection.execute(select(table.c.version_num)).scalar()
