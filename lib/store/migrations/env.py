"""How Alembic runs a migration: on the connection and in the transaction that `lib.store.schema` gives it."""

from __future__ import annotations

from alembic import context

from lib.store.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
