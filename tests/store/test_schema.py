"""The tables that the migrations make, and what is said when they are not those of this version."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.exc import IntegrityError

from lib.access.viewer import EVERY_TENANT
from lib.errors import BadSetting, Unavailable
from lib.settings import Settings
from lib.store import Store, schema
from lib.store.tables import Base, Project, Tenant
from tests.postgres import Server
from tests.store.others import address, started

MIGRATE = """
import sys
from lib.store import Store, schema
sys.stdin.readline()
schema.migrate(Store(sys.argv[1]))
"""


@pytest.fixture
def empty_store(home: Settings, postgresql: Server, kind: str) -> Iterator[Store]:
    """A database without any table; on SQLite, not even a file."""
    store = Store(home.database_url if kind == "sqlite" else postgresql.url(postgresql.create()))
    yield store
    store.dispose()


both = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


def set_version(store: Store, version: str) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def _meant_for(dialect: str) -> Callable[..., bool]:
    """All but the index that only SQLite needs: Alembic does not look at `ddl_if`."""
    return lambda _item, name, *_: dialect == "sqlite" or name != "ix_operation_tenant_id_id"


def test_the_migrated_database_has_exactly_the_tables_of_the_code(store: Store) -> None:
    with store.engine.connect() as connection:
        options = {"compare_type": True, "include_object": _meant_for(connection.dialect.name)}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_a_migrated_database_is_current_and_migrating_it_again_changes_nothing(store: Store) -> None:
    schema.require_current(store)
    with store.write(EVERY_TENANT) as session:
        session.add(Tenant(key="acme", name="Acme", created_at=datetime.now(UTC)))
    schema.migrate(store)
    schema.require_current(store)
    with store.read(EVERY_TENANT) as session:
        assert session.scalars(sa.select(Tenant.key)).all() == ["acme"]


def test_a_number_is_never_given_twice(store: Store) -> None:
    with store.write(EVERY_TENANT) as session:
        session.add(Tenant(key="first", name="First", created_at=datetime.now(UTC)))
        session.flush()
        session.execute(sa.delete(Tenant))
        second = Tenant(key="second", name="Second", created_at=datetime.now(UTC))
        session.add(second)
        session.flush()
        assert second.id == 2


def test_every_table_numbers_its_rows_so_on_sqlite(sqlite_store: Store) -> None:
    with sqlite_store.engine.connect() as connection:
        made = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        without = {name for name, statement in made if "AUTOINCREMENT" not in statement}
    log = {"operation", "operation_pending", "operation_origin", "operation_seal", "operation_filed"}
    log |= {"finding_tally", "finding_seen", "finding_progress"}
    log |= {"feedback", "feedback_text", "feedback_image", "feedback_log"}
    assert without == {*log, "job_lock", "server_log_rule", "alembic_version", "sqlite_sequence"}


@both
def test_a_database_without_tables_asks_for_init(empty_store: Store) -> None:
    with pytest.raises(Unavailable) as refused:
        schema.require_current(empty_store)
    assert "run `daybook init`" in str(refused.value)
    assert not empty_store.file or not Path(empty_store.file).exists()
    schema.migrate(empty_store)
    schema.require_current(empty_store)


def test_an_empty_file_asks_for_init(home: Settings) -> None:
    (home.home / "daybook.sqlite").touch()
    store = Store(home.database_url)
    with pytest.raises(Unavailable, match="has no tables of Daybook"):
        schema.require_current(store)
    store.dispose()


def test_nothing_makes_a_file_that_is_missing_but_migrating(home: Settings) -> None:
    store = Store(home.database_url)
    for use in (store.read, store.write):
        with pytest.raises(Unavailable, match="cannot be opened"), use(EVERY_TENANT) as session:
            session.execute(sa.text("SELECT 1"))
    assert not (home.home / "daybook.sqlite").exists()


def test_the_file_of_a_new_database_is_its_owners_alone(home: Settings) -> None:
    store = Store(home.database_url)
    schema.migrate(store)
    store.dispose()
    assert {os.stat(path).st_mode & 0o077 for path in home.home.glob("daybook.sqlite*")} == {0}


def test_an_older_database_asks_for_the_upgrade(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "9998"))
    with pytest.raises(Unavailable, match=rf"older version, {schema.REVISIONS[-2]} \(run `daybook init` to upgrade"):
        schema.require_current(store)


@both
def test_a_newer_database_is_left_alone(empty_store: Store) -> None:
    schema.migrate(empty_store)
    set_version(empty_store, "9999")
    for ask in (schema.require_current, schema.migrate):
        with pytest.raises(Unavailable, match="newer version, 9999"):
            ask(empty_store)


@both
def test_two_processes_may_migrate_at_once(empty_store: Store) -> None:
    processes = [started(MIGRATE, address(empty_store)) for _ in range(2)]
    for process in processes:
        process.communicate("go\n", timeout=60)
    assert [process.returncode for process in processes] == [0, 0]
    schema.require_current(empty_store)


def test_a_migration_can_make_a_table_anew_that_others_refer_to(sqlite_store: Store) -> None:
    with sqlite_store.write(EVERY_TENANT) as session:
        session.add(Tenant(id=7, key="acme", name="Acme", created_at=datetime.now(UTC)))
        session.flush()
        session.add(Project(tenant_id=7, key="web", name="Web", created_at=datetime.now(UTC)))
    with sqlite_store.engine.execution_options(daybook_migrating=True).begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("tenant", recreate="always") as tenant:
            tenant.add_column(sa.Column("colour", sa.String()))
    with sqlite_store.read(7) as session:
        assert session.execute(sa.text("SELECT tenant_id, key FROM project")).all() == [(7, "web")]
        assert session.execute(sa.text("SELECT id, key, colour FROM tenant")).all() == [(7, "acme", None)]
    with pytest.raises(IntegrityError), sqlite_store.write(7) as session:
        session.execute(sa.text("DELETE FROM tenant"))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(BadSetting, match="DAYBOOK_DATABASE_URL"):
        Store(url)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/none/daybook.sqlite")
    with pytest.raises(Unavailable, match=r"none/daybook\.sqlite cannot be made"):
        schema.migrate(store)
    with pytest.raises(Unavailable, match=r"There is no database .*none/daybook\.sqlite"):
        schema.require_current(store)
