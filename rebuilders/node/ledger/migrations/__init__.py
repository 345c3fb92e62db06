"""How a ledger of an earlier version becomes one of this: Alembic's migrations, one module each in versions/."""
