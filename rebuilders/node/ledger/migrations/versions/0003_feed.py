"""What a feed needs to know: how a page is asked for, what became of its files, and how often a result has come."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("targets", sa.Column("repeats", sa.Integer, nullable=False, server_default="0"))
    op.add_column("targets", sa.Column("failed", sa.String(20), nullable=False, server_default=""))
    op.add_column("pages", sa.Column("since", sa.DateTime))
    op.add_column("pages", sa.Column("interval", sa.Integer, nullable=False, server_default="0"))
    op.add_column("pages", sa.Column("failures", sa.Integer, nullable=False, server_default="0"))
    op.add_column("pages", sa.Column("listed", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE pages SET since = asked")
    op.add_column("files", sa.Column("size", sa.BigInteger))
    op.add_column("files", sa.Column("missing", sa.DateTime))
    op.add_column("files", sa.Column("wanted", sa.Boolean, nullable=False, server_default=sa.false()))
