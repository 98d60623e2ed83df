"""The one place that creates engines, and the two ways to use them: `read` and `write`, each in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT, TenantScope
from lib.errors import Unavailable

APPLICATION_ROLE = "daybook_app"
"""The PostgreSQL role that every transaction takes on: it owns nothing, so row-level security holds for it."""


class Store:
    """A database with Daybook's tables: SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.url: URL = make_url(url)
        self.engine = _engine(url)

    @property
    def is_postgresql(self) -> bool:
        """Whether row-level security is there to be told the tenant."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def read(self, scope: TenantScope) -> Iterator[Session]:
        """A transaction that sees the rows of one tenant, or of every tenant, and changes nothing."""
        with self._transaction(scope, "BEGIN") as session:
            yield session
            session.rollback()

    @contextmanager
    def write(self, scope: TenantScope) -> Iterator[Session]:
        """A transaction that changes rows of one tenant, or of every tenant: all of it or none.

        Raises Unavailable when the database is locked, full or away; IntegrityError passes, for its caller to name.
        """
        with self._transaction(scope, "BEGIN IMMEDIATE") as session:
            yield session
            session.commit()

    @contextmanager
    def _transaction(self, scope: TenantScope, begin: str) -> Iterator[Session]:
        try:
            with self.engine.connect() as connection:
                connection = connection.execution_options(daybook_begin=begin)
                with Session(connection, expire_on_commit=False) as session:
                    if self.is_postgresql:
                        _take_scope(session, scope)
                    yield session
        except IntegrityError:
            raise
        except DatabaseError as error:
            raise Unavailable(what=_reason(error)) from error

    def dispose(self) -> None:
        """Close the connections."""
        self.engine.dispose()


@cache
def _engine(url: str) -> sa.Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True, pool_size=8)
    engine = sa.create_engine(parsed, connect_args={"timeout": 30})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN would come late and never IMMEDIATE
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536", "wal_autocheckpoint=16000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("daybook_begin", "BEGIN IMMEDIATE"))


def _take_scope(session: Session, scope: TenantScope) -> None:
    # SET takes no bind parameters; the scope is made an int or the one word first. `propagate_set_commands` is Citus's.
    tenant = EVERY_TENANT if scope == EVERY_TENANT else str(int(scope))
    session.execute(sa.text(f"SET LOCAL ROLE {APPLICATION_ROLE}"))
    session.execute(sa.text("SET LOCAL citus.propagate_set_commands = 'local'"))
    session.execute(sa.text(f"SET LOCAL app.tenant = '{tenant}'"))


def _reason(error: DatabaseError) -> str:
    cause: Any = error.orig
    return " ".join(f"The database did not do it ({cause})".split())
