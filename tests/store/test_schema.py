"""The tables that the migrations make, and what is said when they are not those of this version."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from lib.store import Store, schema
from lib.store.tables import Base


def test_the_migrated_database_has_exactly_the_tables_of_the_code(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_migrated_database_is_current_and_migrating_it_again_changes_nothing(store: Store) -> None:
    schema.require_current(store)
    schema.migrate(store)
    schema.require_current(store)
