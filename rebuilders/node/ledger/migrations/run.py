"""Runs the migrations that a database lacks, in the transaction of whoever asks."""

from importlib.resources import files

from sqlalchemy import Connection


def upgrade(connection: Connection, *, first: bool) -> None:
    """Brings the database up to date. `first`: its tables may be those of before there were migrations."""
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext

    config = Config()
    config.set_main_option(
        "script_location", str(files("rebuilders.node.ledger") / "migrations").replace("%", "%%")
    )
    config.attributes["connection"] = connection
    if first and MigrationContext.configure(connection).get_current_revision() is None:
        command.stamp(config, "0001")
    command.upgrade(config, "head")
