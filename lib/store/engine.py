"""The one place that creates engines, and the two ways to use them: `read` and `write`, each one transaction."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import cast
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT, TenantScope
from lib.errors import BadSetting
from lib.store.faults import translated
from lib.store.turns import writers_turn

_log = logging.getLogger("daybook.database")

APPLICATION_ROLE = "daybook_app"
"""The PostgreSQL role that every transaction takes on: it owns nothing, and is held to row-level security."""

PATIENCE_SECONDS = 20.0
"""How long a writer waits for another before it gives up."""

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "recursive_triggers=ON",  # else REPLACE deletes rows past the triggers that keep the operation log
    "cache_size=-65536",
    "wal_autocheckpoint=16000",
)


class Store:
    """A database with Daybook's tables: SQLite or PostgreSQL."""

    def __init__(self, url: str, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.url: URL = make_url(url)
        self.patience_seconds = patience_seconds
        if not self.is_postgresql and self.url.database in {None, "", ":memory:"}:
            raise BadSetting(name="DAYBOOK_DATABASE_URL", what="sqlite:/// needs the path of a file")
        self.engine = _engine(self.url, patience_seconds)

    @property
    def is_postgresql(self) -> bool:
        """Whether row-level security is there to be told the tenant."""
        return self.url.get_backend_name() == "postgresql"

    @property
    def file(self) -> str:
        """The path of the SQLite file; empty on PostgreSQL."""
        return "" if self.is_postgresql else os.path.abspath(self.url.database or "")

    @contextmanager
    def read(self, scope: TenantScope) -> Iterator[Session]:
        """A transaction that sees rows of one tenant, or of every tenant, as they are at one moment, and changes none.

        Rows that it gave stay readable after it (no rollback here: it would expire them). Raises Unavailable when the
        database is away or damaged.
        """
        with self._transaction(scope, writing=False) as session:
            yield session

    @contextmanager
    def write(self, scope: TenantScope) -> Iterator[Session]:
        """A transaction that changes rows of one tenant, or of every tenant: all of it or none.

        On SQLite everybody else waits until it ends, so work things out before it, and never begin one inside another.
        Raises Unavailable when the database is locked, full or away; IntegrityError passes, for its caller to name.
        """
        with self.turn(), self._transaction(scope, writing=True) as session:
            yield session
            session.commit()

    def turn(self) -> AbstractContextManager[None]:
        """The right to write; PostgreSQL sees to it itself."""
        return nullcontext() if self.is_postgresql else writers_turn(self.file, self.patience_seconds)

    @contextmanager
    def _transaction(self, scope: TenantScope, *, writing: bool) -> Iterator[Session]:
        with self.faults_named(writing=writing), self.engine.connect() as connection:
            connection = connection.execution_options(daybook_writing=writing)
            with Session(connection, expire_on_commit=False) as session:
                if self.is_postgresql:
                    # Without parameters the driver sends several statements at once: one round trip.
                    session.connection().exec_driver_sql(
                        _postgresql_scope(scope, writing), execution_options={"no_parameters": True}
                    )
                yield session

    @contextmanager
    def faults_named(self, *, writing: bool) -> Iterator[None]:
        """Raise what stands in the way of the database as Unavailable."""
        try:
            yield
        except SQLAlchemyError as error:
            known = translated(error, self.url, writing=writing)
            if known is None:
                raise
            _log.error("%s", known)
            raise known from error

    def dispose(self) -> None:
        """Close the connections."""
        with _engines_lock:
            _engines.pop((self.url, self.patience_seconds), None)
        self.engine.dispose()


_engines: dict[tuple[URL, float], sa.Engine] = {}
_engines_lock = threading.Lock()


def _engine(url: URL, patience_seconds: float) -> sa.Engine:
    with _engines_lock:
        if (url, patience_seconds) not in _engines:
            is_postgresql = url.get_backend_name() == "postgresql"
            _engines[url, patience_seconds] = _postgresql(url) if is_postgresql else _sqlite(url, patience_seconds)
        return _engines[url, patience_seconds]


def _postgresql(url: URL) -> sa.Engine:
    return sa.create_engine(
        url, pool_pre_ping=True, pool_size=8, hide_parameters=True, connect_args={"connect_timeout": 10}
    )


def _postgresql_scope(scope: TenantScope, writing: bool) -> str:
    # SET takes no bind parameters; the scope is made an int or the one word first. Citus alone knows the `citus.` line.
    tenant = EVERY_TENANT if scope == EVERY_TENANT else str(int(scope))
    return (
        f"SET TRANSACTION {'READ WRITE' if writing else 'ISOLATION LEVEL REPEATABLE READ READ ONLY'};"
        f" SET LOCAL ROLE {APPLICATION_ROLE};"
        f" SET LOCAL citus.propagate_set_commands = 'local'; SET LOCAL app.tenant = '{tenant}'"
    )


def _sqlite(url: URL, patience_seconds: float) -> sa.Engine:
    # mode=rw: a file that is missing stays missing; `migrate` is what makes one.
    address = f"file:{quote(os.path.abspath(url.database or ''))}?mode=rw"
    # Daybook's own writers take turns; this is how long to wait for other programs.
    busy_seconds = min(5.0, patience_seconds)

    def connected() -> sqlite3.Connection:
        # No isolation level: the driver's own BEGIN would come late and never IMMEDIATE.
        return sqlite3.connect(address, busy_seconds, uri=True, isolation_level=None, check_same_thread=False)

    engine = sa.create_engine(url, creator=connected, hide_parameters=True, pool_size=8, max_overflow=32)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    writing = options.get("daybook_writing", True)
    # These two touch no file; told to the driver itself they cost a tenth.
    driver.execute(f"PRAGMA query_only = {0 if writing else 1}")
    # A migration changes a table by making another and dropping the first: rows that refer to it must bear that.
    driver.execute(f"PRAGMA foreign_keys = {0 if options.get('daybook_migrating') else 1}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
