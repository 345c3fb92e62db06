"""What a node that runs itself needs: times, claims, observations on their way out, the index's pages, control.

What was queued stays queued, and what is done stays done, without what nobody wrote down of it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.rename_table("targets", "targets_before")
    text, short, moment = sa.String(300), sa.String(64), sa.DateTime
    op.create_table(
        "targets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("target", text, nullable=False, unique=True),
        sa.Column("project", text, nullable=False, server_default=""),
        sa.Column("why", sa.String(40), nullable=False, server_default="added"),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("due", moment, nullable=False),
        sa.Column("not_before", moment, nullable=False),
        sa.Column("claim", short, nullable=False, server_default=""),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("once_more", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("needs", text, nullable=False, server_default=""),
        sa.Column("sha256", short, nullable=False, server_default=""),
        sa.Column("result", sa.String(20), nullable=False, server_default=""),
        sa.Column("level", sa.String(20), nullable=False, server_default=""),
        sa.Column("detail", sa.String(500), nullable=False, server_default=""),
        sa.Column("observed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("again_at", moment),
        sa.Column("changed", moment, nullable=False),
    )
    op.execute(
        "INSERT INTO targets (target, state, due, not_before, detail, changed) "
        "SELECT target, CASE state WHEN 'done' THEN 'done' ELSE 'queued' END, changed, changed, "
        "substr(detail, 1, 500), changed FROM targets_before ORDER BY id"
    )
    op.drop_table("targets_before")
    op.create_index("ix_targets_project", "targets", ["project"])
    op.create_index("targets_waiting", "targets", ["state", "due"])
    op.create_table(
        "outgoing",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sha256", short, nullable=False, unique=True),
        sa.Column("statement", sa.LargeBinary, nullable=False),
        sa.Column("report", sa.LargeBinary),
        sa.Column("artifact", short, nullable=False),
    )
    op.create_table(
        "pages",
        sa.Column("project", text, primary_key=True),
        sa.Column("etag", sa.String(500), nullable=False, server_default=""),
        sa.Column("serial", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("status", sa.String(40), nullable=False, server_default="active"),
        sa.Column("asked", moment, nullable=False),
        sa.Column("next", moment, nullable=False),
    )
    op.create_index("ix_pages_next", "pages", ["next"])
    op.create_table(
        "files",
        sa.Column("project", text, primary_key=True),
        sa.Column("filename", sa.String(255), primary_key=True),
        sa.Column("sha256", short, nullable=False),
        sa.Column("uploaded", moment),
        sa.Column("yanked", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("gone", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("seen", moment, nullable=False),
    )
    op.create_table(
        "control",
        sa.Column("key", sa.String(100), primary_key=True),
        sa.Column("value", sa.String(4000), nullable=False),
    )
