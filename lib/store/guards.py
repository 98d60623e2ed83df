"""What the database itself sees to: a tenant's rows are its own (on PostgreSQL), the operation log only grows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from lib.errors import Unavailable
from lib.store.engine import APPLICATION_ROLE
from lib.store.proof_guards import FUNCTIONS, RIGHTS, TRIGGERS
from lib.store.tables import TENANT_TABLES, AccountSession, Base, JobRun, Tenant

# Casts nothing but numbers: the setting is null where nobody set it, and empty after the transaction that did.
_SCOPE = "current_setting('app.tenant', true)"
_TENANT = f"CASE WHEN {_SCOPE} ~ '^[0-9]{{1,9}}$' THEN {_SCOPE}::int END"

_OWN_ROWS = {
    Tenant.__tablename__: f"id = {_TENANT}",
    # Sessions are those of the accounts that can be seen.
    AccountSession.__tablename__: "EXISTS (SELECT FROM account WHERE account.id = account_id)",
    JobRun.__tablename__: f"tenant_id = {_TENANT}",
    **{table.name: f"tenant_id = {_TENANT}" for table in TENANT_TABLES},
}
"""Which rows of a table a transaction of one tenant reads and writes."""

_RUNS_FOR_ALL = f"""CREATE POLICY of_all ON {JobRun.__tablename__} FOR SELECT
    USING (tenant_id IS NULL AND {_TENANT} IS NOT NULL)"""

# Those of earlier versions too, whatever they were called: what any policy allows is allowed.
_DROP_POLICIES = f"""
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT policyname, tablename FROM pg_policies WHERE schemaname = current_schema()
        AND tablename IN ({", ".join(f"'{table}'" for table in sorted(Base.metadata.tables))})
    LOOP
        EXECUTE 'DROP POLICY ' || quote_ident(found.policyname) || ' ON ' || quote_ident(found.tablename);
    END LOOP;
END $$
"""  # noqa: S608 (the names of our own tables)

_GRANT_ROLE = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APPLICATION_ROLE}') THEN
        CREATE ROLE {APPLICATION_ROLE} NOLOGIN;
    END IF;
    BEGIN
        SET LOCAL ROLE {APPLICATION_ROLE};
        RESET ROLE;
    EXCEPTION WHEN insufficient_privilege THEN
        GRANT {APPLICATION_ROLE} TO CURRENT_USER;
    END;
END $$
"""


def prepare_role(connection: sa.Connection) -> None:
    """Make the role that every transaction takes on, with the connecting user as a member.

    The first time this needs CREATEROLE; where the user has not that right, an administrator of the server runs the
    two statements that the message names. Raises Unavailable.
    """
    try:
        connection.exec_driver_sql(_GRANT_ROLE)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != "42501":
            raise
        user = connection.engine.url.username or "the user of DAYBOOK_DATABASE_URL"
        mend = f'CREATE ROLE {APPLICATION_ROLE} NOLOGIN; GRANT {APPLICATION_ROLE} TO "{user}"'
        what = f"This PostgreSQL user may not make the role {APPLICATION_ROLE} (have an administrator run: {mend})"
        raise Unavailable(what=what) from error


def guard(connection: sa.Connection) -> None:
    """Put the guards on every table, old and new. Where these stand already, no table is locked for it."""
    if connection.dialect.name == "sqlite":
        statements = list(TRIGGERS)
    else:
        statements = [*_rights(), *_row_security(), *FUNCTIONS]
        mark = _mark(statements)
        if _guarded(connection, mark):
            return
        statements.append(f"COMMENT ON TABLE alembic_version IS '{mark}'")
    for statement in statements:
        connection.exec_driver_sql(statement)


def _mark(statements: list[str]) -> str:
    """What the database keeps of the guards that were put on it, to know them from those of another version."""
    return f"guards {hashlib.sha256(chr(0).join(statements).encode()).hexdigest()}"


def _guarded(connection: sa.Connection, mark: str) -> bool:
    found = connection.scalar(sa.text("SELECT obj_description('alembic_version'::regclass, 'pg_class')"))
    if found != mark:
        return False
    forced = connection.scalars(
        sa.text(
            "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid AND polname = 'of_tenant'"
            " WHERE relnamespace = current_schema()::regnamespace AND relrowsecurity AND relforcerowsecurity"
            " AND has_table_privilege(:role, pg_class.oid, 'SELECT')"
        ),
        {"role": APPLICATION_ROLE},
    )
    return _OWN_ROWS.keys() <= set(forced)


def _rights() -> Iterator[str]:
    for what in ("SCHEMA", "ALL SEQUENCES IN SCHEMA"):
        grant = f"'GRANT USAGE ON {what} ' || quote_ident(current_schema()) || ' TO {APPLICATION_ROLE}'"
        yield f"DO $$ BEGIN EXECUTE {grant}; END $$"
    yield f"GRANT SELECT ON alembic_version TO {APPLICATION_ROLE}"
    for table in Base.metadata.tables:
        rights = RIGHTS.get(table, "SELECT, INSERT, UPDATE, DELETE")
        yield f'REVOKE ALL ON "{table}" FROM {APPLICATION_ROLE}'
        yield f'GRANT {rights} ON "{table}" TO {APPLICATION_ROLE}'


def _row_security() -> Iterator[str]:
    yield _DROP_POLICIES
    for table, own_rows in _OWN_ROWS.items():
        yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
        yield f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'
        yield f"""CREATE POLICY of_tenant ON "{table}" USING ({_SCOPE} = 'every' OR {own_rows})"""
    # The status page tells every tenant how the jobs of the whole installation went.
    yield _RUNS_FOR_ALL
