"""Read by Alembic, with the connection that rebuilders.node.ledger.migrations.run gives it."""

from alembic import context

from rebuilders.node.ledger.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True
)
context.run_migrations()
