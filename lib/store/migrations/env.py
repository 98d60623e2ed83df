"""How Alembic runs a migration: on the connection and in the transaction that `lib.store.schema` gives it."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from lib.store.tables import Base, UtcDateTime


def _written(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """A migration says what was true at its time: it names no type of ours."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=_written,
)
with context.begin_transaction():
    context.run_migrations()
