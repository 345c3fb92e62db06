"""The tables of a ledger, as they are now; how older ones become these is in migrations/.

Times are in UTC; the column type takes and gives none without a zone.
"""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    false,
)

HEAD: Final = "0003"  # the newest migration, which makes these tables

METADATA: Final = MetaData()


class Moment(TypeDecorator[datetime]):
    """A time in UTC, on databases with and without time zones alike."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


# What to rebuild. `due` orders what waits: the time by which it should be seen, so that nothing waits for ever.
TARGETS: Final = Table(
    "targets",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("target", String(300), nullable=False, unique=True),
    Column("project", String(300), nullable=False, server_default="", index=True),
    Column("why", String(40), nullable=False, server_default="added"),
    Column("state", String(10), nullable=False),
    Column("due", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("claim", String(64), nullable=False, server_default=""),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("once_more", Boolean, nullable=False, server_default=false()),
    Column("needs", String(300), nullable=False, server_default=""),
    Column("sha256", String(64), nullable=False, server_default=""),
    Column("result", String(20), nullable=False, server_default=""),
    Column("level", String(20), nullable=False, server_default=""),
    Column("detail", String(500), nullable=False, server_default=""),
    Column("observed", Integer, nullable=False, server_default="0"),
    Column("again_at", Moment),
    Column("changed", Moment, nullable=False),
    Column("repeats", Integer, nullable=False, server_default="0"),
    Column("failed", String(20), nullable=False, server_default=""),
    Index("targets_waiting", "state", "due"),
)

# Observations that are made and recorded, in the order of `id`, until they lie in the outbox.
OUTGOING: Final = Table(
    "outgoing",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("statement", LargeBinary, nullable=False),
    Column("report", LargeBinary),
    Column("artifact", String(64), nullable=False),
)

# What the index last said of a project: `etag` and `serial` of its page, and when it was asked; `listed` is the serial
# that the index's list of projects last told. It is watched since `since`, and asked again after `interval` seconds.
PAGES: Final = Table(
    "pages",
    METADATA,
    Column("project", String(300), primary_key=True),
    Column("etag", String(500), nullable=False, server_default=""),
    Column("serial", BigInteger, nullable=False, server_default="0"),
    Column("status", String(40), nullable=False, server_default="active"),
    Column("asked", Moment, nullable=False),
    Column("next", Moment, nullable=False, index=True),
    Column("since", Moment),
    Column("interval", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("listed", BigInteger, nullable=False, server_default="0"),
)

# The files of those pages. One is `missing` since its page does not list it any more, and `gone` when that has lasted.
FILES: Final = Table(
    "files",
    METADATA,
    Column("project", String(300), primary_key=True),
    Column("filename", String(255), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("uploaded", Moment),
    Column("yanked", Boolean, nullable=False, server_default=false()),
    Column("gone", Boolean, nullable=False, server_default=false()),
    Column("seen", Moment, nullable=False),
    Column("size", BigInteger),
    Column("missing", Moment),
    Column("wanted", Boolean, nullable=False, server_default=false()),
)

# What the operator wants for now, such as a pause, and what the parts of a node remember.
CONTROL: Final = Table(
    "control",
    METADATA,
    Column("key", String(100), primary_key=True),
    Column("value", String(4000), nullable=False),
)
