"""What a transaction of one tenant can reach, and what no transaction can do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.errors import Unavailable
from lib.store import Store, schema
from lib.store.tables import (
    TENANT_TABLES,
    Account,
    AccountSession,
    Base,
    JobRun,
    Operation,
    Project,
    SignIn,
    Tenant,
)
from tests.postgres import Server

NOW = datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC)


def project(tenant_id: int, key: str) -> Project:
    return Project(tenant_id=tenant_id, key=key, name="Web", created_at=NOW)


def sign_in(tenant_id: int | None) -> SignIn:
    return SignIn(
        tenant_id=tenant_id, account_name="amy", occurred_at=NOW, address="", user_agent="", result="success"
    )


def operation(tenant_id: int, number: int) -> Operation:
    act = {"module": "accounts", "action": "add", "operation_class": "addition", "channel": "ui"}
    return Operation(
        id=number, tenant_id=tenant_id, occurred_at=NOW, received_at=NOW, operator="amy", body="{}", **act
    )


def two_tenants(store: Store) -> tuple[int, int]:
    """Two tenants with a project, a sign-in and an operation each, and a sign-in that belongs to neither."""
    with store.write(EVERY_TENANT) as session:
        acme, bolt = (Tenant(key=key, name=key, created_at=NOW) for key in ("acme", "bolt"))
        session.add_all([acme, bolt])
        session.flush()
        for tenant in (acme, bolt):
            session.add_all([project(tenant.id, "web"), sign_in(tenant.id), operation(tenant.id, tenant.id)])
        session.add(sign_in(None))
        return acme.id, bolt.id


def counts(session: Session) -> dict[str, int]:
    """How many rows of each kind a transaction sees."""
    kinds = (Tenant, Project, SignIn, Operation)
    return {kind.__tablename__: session.scalars(sa.select(sa.func.count()).select_from(kind)).one() for kind in kinds}


NOTHING = {"tenant": 0, "project": 0, "sign_in": 0, "operation": 0}
OF_ONE = {"tenant": 1, "project": 1, "sign_in": 1, "operation": 1}
EVERYTHING = {"tenant": 2, "project": 2, "sign_in": 3, "operation": 2}


def rows_changed(session: Session, statement: sa.Update | sa.Delete) -> int:
    result: Any = session.execute(statement)
    return int(result.rowcount)


@pytest.mark.spec("A5")
def test_a_transaction_of_one_tenant_sees_its_rows_alone(postgresql_store: Store) -> None:
    acme, bolt = two_tenants(postgresql_store)
    with postgresql_store.read(acme) as session:
        assert counts(session) == OF_ONE
        assert session.scalars(sa.select(Project.tenant_id)).all() == [acme]
        assert session.scalars(sa.select(Tenant.key)).all() == ["acme"]
    with postgresql_store.read(bolt) as session:
        assert session.scalars(sa.select(Tenant.key)).all() == ["bolt"]
    with postgresql_store.read(EVERY_TENANT) as session:
        assert counts(session) == EVERYTHING


@pytest.mark.spec("A5")
def test_a_transaction_of_one_tenant_changes_and_removes_nothing_of_another(postgresql_store: Store) -> None:
    acme, bolt = two_tenants(postgresql_store)
    with postgresql_store.write(acme) as session:
        assert rows_changed(session, sa.update(Project).values(name="taken")) == 1
        assert rows_changed(session, sa.update(Project).where(Project.tenant_id == bolt).values(name="taken")) == 0
        assert rows_changed(session, sa.update(Tenant).where(Tenant.id == bolt).values(name="taken")) == 0
        assert rows_changed(session, sa.delete(Project).where(Project.tenant_id == bolt)) == 0
        assert rows_changed(session, sa.delete(SignIn)) == 1
    with postgresql_store.read(EVERY_TENANT) as session:
        assert set(session.execute(sa.select(Project.tenant_id, Project.name))) == {(acme, "taken"), (bolt, "Web")}
        assert set(session.scalars(sa.select(SignIn.tenant_id))) == {bolt, None}


PLANTS: dict[str, Callable[[int], Any]] = {
    "a project": lambda other: sa.insert(Project).values(tenant_id=other, key="x", name="x", created_at=NOW),
    "a project moved": lambda other: sa.update(Project).values(tenant_id=other, key="moved"),
    "a row of no tenant": lambda other: sa.update(SignIn).values(tenant_id=None),
    "a tenant": lambda other: sa.insert(Tenant).values(id=99, key="x", name="x", memo="", created_at=NOW),
}


@pytest.mark.spec("A5")
@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS)
def test_a_transaction_of_one_tenant_plants_nothing_in_another(
    postgresql_store: Store, plant: Callable[[int], Any]
) -> None:
    acme, bolt = two_tenants(postgresql_store)
    refused = pytest.raises(ProgrammingError, match="violates row-level security policy")
    with refused, postgresql_store.write(acme) as session:
        session.execute(plant(bolt))
    with postgresql_store.read(EVERY_TENANT) as session:
        assert counts(session) == EVERYTHING


@pytest.mark.spec("A5")
@pytest.mark.parametrize("setting", [None, "", "0", "-1", "1 or true", "99999999999999999999", "EVERY", "all", "\n1"])
def test_a_transaction_whose_scope_is_missing_or_nonsense_sees_nothing(
    postgresql_store: Store, setting: str | None
) -> None:
    two_tenants(postgresql_store)
    with Session(postgresql_store.engine) as session:
        session.execute(sa.text("SET LOCAL ROLE daybook_app"))
        if setting is not None:
            session.execute(sa.text("SELECT set_config('app.tenant', :setting, true)"), {"setting": setting})
        assert counts(session) == NOTHING


@pytest.mark.spec("A5")
def test_the_owner_of_the_tables_is_held_to_the_scope_too(postgresql_store: Store) -> None:
    two_tenants(postgresql_store)
    with Session(postgresql_store.engine) as session:
        assert session.scalars(sa.text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")).one() is False
        assert counts(session) == NOTHING


@pytest.mark.spec("A5")
def test_a_scope_ends_with_its_transaction(postgresql_store: Store) -> None:
    settings = "current_setting('app.tenant', true), current_setting('transaction_read_only')"
    asked = sa.text(f"SELECT current_user, {settings}")
    with postgresql_store.read(7) as session:
        assert tuple(session.execute(asked).one()) == ("daybook_app", "7", "on")
    with postgresql_store.engine.connect() as connection:
        assert tuple(connection.execute(asked).one()) == ("daybook_owner", "", "off")


@pytest.mark.spec("A5")
def test_every_table_of_tenants_is_guarded_and_owned_by_another_than_the_one_who_asks(postgresql_store: Store) -> None:
    with postgresql_store.engine.connect() as connection:
        guarded = connection.scalars(
            sa.text(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                " AND relrowsecurity AND relforcerowsecurity AND relowner <> 'daybook_app'::regrole"
            )
        ).all()
    assert {table.name for table in TENANT_TABLES} < set(guarded)
    of_all = {"job_lock", "operation_chunk", "operation_key", "server_log_rule"}
    assert set(Base.metadata.tables) - set(guarded) == of_all


@pytest.mark.spec("A5")
def test_guards_of_an_earlier_version_are_replaced_when_it_is_upgraded(postgresql: Server) -> None:
    store = Store(postgresql.url(postgresql.create()))
    schema.migrate(store)
    acme, bolt = two_tenants(store)
    earlier = (
        "DROP POLICY of_tenant ON project",
        "CREATE POLICY of_tenant ON project USING (true)",
        "CREATE POLICY of_old ON sign_in USING (true)",
        "GRANT DELETE ON operation TO daybook_app",
        "COMMENT ON TABLE alembic_version IS 'guards of an earlier version'",
    )
    with store.engine.execution_options(daybook_migrating=True).begin() as connection:
        for statement in earlier:
            connection.exec_driver_sql(statement)
    with store.read(acme) as session:
        assert counts(session) == {**OF_ONE, "project": 2, "sign_in": 3}
    schema.migrate(store)
    for tenant_id in (acme, bolt):
        with store.read(tenant_id) as session:
            assert counts(session) == OF_ONE
    with pytest.raises(ProgrammingError, match="permission denied"), store.write(acme) as session:
        session.execute(sa.delete(Operation))
    store.dispose()
    postgresql.drop(str(store.url.database))


@pytest.mark.spec("A5")
def test_guards_that_stand_lock_no_table_when_it_is_migrated_again(postgresql_store: Store) -> None:
    schema.migrate(postgresql_store)
    policies = sa.text("SELECT oid FROM pg_policy ORDER BY oid")
    with postgresql_store.engine.connect() as connection:
        before = connection.scalars(policies).all()
    schema.migrate(postgresql_store)
    with postgresql_store.engine.connect() as connection:
        assert connection.scalars(policies).all() == before


def account(tenant_id: int | None, name: str) -> Account:
    return Account(
        tenant_id=tenant_id, name=name, type="ordinary", password_hash="", password_changed_at=NOW, created_at=NOW
    )


@pytest.mark.spec("A5")
def test_sessions_are_those_of_the_tenants_accounts(postgresql_store: Store) -> None:
    acme, bolt = two_tenants(postgresql_store)
    with postgresql_store.write(EVERY_TENANT) as session:
        for tenant_id, name in ((acme, "amy"), (bolt, "bob"), (None, "root")):
            owner = account(tenant_id, name)
            session.add(owner)
            session.flush()
            moments = {"created_at": NOW, "last_seen_at": NOW, "expires_at": NOW}
            session.add(AccountSession(account_id=owner.id, token_hash=name, **moments))
    hashes = sa.select(AccountSession.token_hash).order_by(AccountSession.token_hash)
    with postgresql_store.write(acme) as session:
        assert session.scalars(hashes).all() == ["amy"]
        assert rows_changed(session, sa.update(AccountSession).values(revoked_at=NOW)) == 1
    with postgresql_store.read(EVERY_TENANT) as session:
        assert session.scalars(hashes).all() == ["amy", "bob", "root"]
        assert session.scalars(hashes.where(AccountSession.revoked_at.is_not(None))).all() == ["amy"]


@pytest.mark.spec("A5")
def test_a_tenant_sees_its_own_runs_and_those_of_the_installation_but_changes_only_its_own(
    postgresql_store: Store,
) -> None:
    acme, bolt = two_tenants(postgresql_store)
    with postgresql_store.write(EVERY_TENANT) as session:
        for tenant_id, job in ((acme, "import a"), (bolt, "import b"), (None, "refresh")):
            session.add(JobRun(tenant_id=tenant_id, job=job, started_at=NOW, status="done"))
    with postgresql_store.write(acme) as session:
        assert sorted(session.scalars(sa.select(JobRun.job))) == ["import a", "refresh"]
        assert rows_changed(session, sa.update(JobRun).values(status="failed")) == 1
    with Session(postgresql_store.engine) as session:
        assert session.scalars(sa.select(JobRun.job)).all() == []


def test_a_transaction_that_reads_cannot_write(store: Store) -> None:
    acme, _ = two_tenants(store)
    with pytest.raises(DBAPIError, match=r"read-?only"), store.read(acme) as session:
        session.add(project(acme, "x"))
        session.flush()
    with store.write(acme) as session:
        session.add(project(acme, "y"))
    with store.read(EVERY_TENANT) as session:
        assert sorted(session.scalars(sa.select(Project.key))) == ["web", "web", "y"]


def test_a_transaction_that_reads_sees_one_moment(store: Store) -> None:
    acme, _ = two_tenants(store)
    with store.read(EVERY_TENANT) as session:
        assert counts(session) == EVERYTHING
        with store.write(acme) as other:
            other.add(project(acme, "later"))
        assert session.scalars(sa.select(sa.func.count()).select_from(Project)).one() == 2


def test_a_row_cannot_refer_to_one_that_is_not_there(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write(EVERY_TENANT) as session:
        session.add(project(4711, "web"))


def test_rows_stay_readable_after_the_transaction_that_read_or_wrote_them(store: Store) -> None:
    acme, _ = two_tenants(store)
    with store.read(acme) as session:
        read = session.scalars(sa.select(Project).where(Project.tenant_id == acme)).one()
    with store.write(acme) as session:
        written = project(acme, "x")
        session.add(written)
    assert (read.key, read.created_at, written.key) == ("web", NOW, "x")


@pytest.mark.spec("O9")
@pytest.mark.parametrize(
    "change", [sa.update(Operation).values(content="edited"), sa.delete(Operation)], ids=["edited", "removed"]
)
def test_an_operation_is_never_edited_or_removed(store: Store, change: sa.Update | sa.Delete) -> None:
    two_tenants(store)
    with pytest.raises((IntegrityError, ProgrammingError)), store.write(EVERY_TENANT) as session:
        session.execute(change)
    with store.read(EVERY_TENANT) as session:
        assert session.scalars(sa.select(Operation.content)).all() == ["", ""]


@pytest.mark.spec("O9")
def test_an_operation_is_not_replaced_on_sqlite(sqlite_store: Store) -> None:
    acme, _ = two_tenants(sqlite_store)
    again = sa.insert(Operation).prefix_with("OR REPLACE")
    values = {column.name: "edited" for column in Operation.__table__.columns if isinstance(column.type, sa.String)}
    with pytest.raises(IntegrityError, match="only ever added to"), sqlite_store.write(EVERY_TENANT) as session:
        session.execute(again.values(**values, id=acme, tenant_id=acme, occurred_at=NOW, received_at=NOW))


def test_another_user_works_once_it_is_a_member_of_the_role(postgresql: Server, postgresql_store: Store) -> None:
    two_tenants(postgresql_store)
    database = str(postgresql_store.url.database)
    postgresql.run(sql.SQL("DROP ROLE IF EXISTS app_server; CREATE ROLE app_server LOGIN"))
    other = Store(postgresql.url(database, user="app_server"))
    with pytest.raises(Unavailable, match="may not be daybook_app"), other.read(EVERY_TENANT):
        pass
    postgresql.run(sql.SQL("GRANT daybook_app TO app_server"))
    schema.require_current(other)
    with other.read(EVERY_TENANT) as session:
        assert counts(session) == EVERYTHING
    other.dispose()
    postgresql.run(sql.SQL("DROP ROLE app_server"))


def test_init_says_which_rights_it_lacks_and_works_with_them(postgresql: Server) -> None:
    postgresql.run(sql.SQL("DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN"))
    database = postgresql.create(owner="plain")
    store = Store(postgresql.url(database, user="plain"))
    with pytest.raises(Unavailable, match='CREATE ROLE daybook_app NOLOGIN; GRANT daybook_app TO "plain"'):
        schema.migrate(store)
    postgresql.run(sql.SQL("GRANT daybook_app TO plain"))
    schema.migrate(store)
    two_tenants(store)
    with store.read(EVERY_TENANT) as session:
        assert counts(session) == EVERYTHING
    store.dispose()
    postgresql.drop(database)
    postgresql.run(sql.SQL("DROP ROLE plain"))
