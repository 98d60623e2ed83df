"""What the database's own errors mean to the one who keeps it running, and what to do about them."""

from __future__ import annotations

from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from lib.errors import BadInput, DaybookError, Unavailable

_INIT = "of this version of Daybook (run `daybook init`)"

# The first that begins sqlite3's name of the error; {name} is the file.
_SQLITE = (
    ("SQLITE_BUSY", "Another program holds the database {name} locked (close it)"),
    ("SQLITE_LOCKED", "Another program holds the database {name} locked (close it)"),
    ("SQLITE_FULL", "The disk of the database {name} is full (make room on it)"),
    ("SQLITE_READONLY", "The database {name} may not be written (let Daybook's user write its folder)"),
    ("SQLITE_PERM", "The database {name} may not be opened (let Daybook's user read and write it)"),
    ("SQLITE_CANTOPEN", "The database {name} cannot be opened (see that it is there and may be read)"),
    ("SQLITE_NOTADB", "{name} is not a SQLite database (correct DAYBOOK_DATABASE_URL, or restore a backup)"),
    ("SQLITE_CORRUPT", "The database {name} is damaged (restore a backup)"),
    ("SQLITE_IOERR", "The disk of the database {name} does not work (see the system's log)"),
)

# The first that begins PostgreSQL's SQLSTATE.
_POSTGRESQL = (
    ("42P01", f"PostgreSQL at {{server}} lacks tables {_INIT}"),
    ("42703", f"PostgreSQL at {{server}} lacks columns {_INIT}"),
    ("22023", f"PostgreSQL at {{server}} lacks the role {_INIT}"),
    ("53100", "The disk of PostgreSQL at {server} is full (make room on it)"),
    ("53300", "PostgreSQL at {server} has no connection left (raise its max_connections)"),
    ("53", "PostgreSQL at {server} has too little memory or disk (see its log)"),
    ("25006", "PostgreSQL at {server} takes no writes now (name the primary server in DAYBOOK_DATABASE_URL)"),
    ("40", "PostgreSQL at {server} gave way to another transaction"),
    ("55P03", "PostgreSQL at {server} holds a lock for another program (wait for it)"),
    ("57014", "PostgreSQL at {server} stopped a query that took too long"),
)

# libpq gives no SQLSTATE for a connection that did not come about, only what the server said.
_REFUSALS = (
    ("password", "PostgreSQL at {server} refuses the user or the password (correct DAYBOOK_DATABASE_URL)"),
    ("pg_hba", "PostgreSQL at {server} does not admit this user from here (see its pg_hba.conf)"),
    ("role", "PostgreSQL at {server} does not know the user (correct DAYBOOK_DATABASE_URL)"),
    ("database", 'PostgreSQL at {server} has no database "{name}" (make it or correct DAYBOOK_DATABASE_URL)'),
)
_AWAY = "PostgreSQL at {server} does not answer (start it, or correct DAYBOOK_DATABASE_URL)"


def translated(error: SQLAlchemyError, url: URL, *, writing: bool) -> DaybookError | None:
    """What an error of the database means to us; None where the fault is in Daybook, or its caller's to name.

    No message holds the password or a row's value.
    """
    if isinstance(error, PoolTimeout):
        return Unavailable(what="All connections to the database are taken (wait for the others)")
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return None
    reason_of = _of_sqlite if url.get_backend_name() == "sqlite" else _of_postgresql
    reason = reason_of(error, writing)
    if reason is not None:
        return Unavailable(what=reason.format(name=url.database, server=_server(url)))
    if isinstance(error, DataError):
        return BadInput(what="The database cannot keep a value that has a null character or is too large")
    return None


def _server(url: URL) -> str:
    host, port = url.host or url.query.get("host") or "localhost", url.port or url.query.get("port") or 5432
    return f"{host}:{port}"


def _of_sqlite(error: DBAPIError, writing: bool) -> str | None:
    words, code = str(error.orig), str(getattr(error.orig, "sqlite_errorname", ""))
    if words.startswith(("no such table", "no such column")) or "has no column" in words:
        return f"The database {{name}} lacks tables {_INIT}"
    if code.startswith("SQLITE_READONLY") and not writing:
        return None  # somebody writes in a transaction that only reads
    return next((reason for prefix, reason in _SQLITE if code.startswith(prefix)), None)


def _of_postgresql(error: DBAPIError, writing: bool) -> str | None:
    state, words = getattr(error.orig, "sqlstate", None), str(error.orig)
    if state == "25006" and not writing:
        return None
    if state == "42501" and "set role" in words:
        return "The user of PostgreSQL at {server} may not be daybook_app (GRANT daybook_app TO that user)"
    if state is not None:
        known = next((reason for prefix, reason in _POSTGRESQL if state.startswith(prefix)), None)
        if known is not None:
            return known
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    if "FATAL:" in words:
        said = words.split("FATAL:", 1)[1]
        return next((reason for word, reason in _REFUSALS if word in said), _AWAY)
    return _REFUSALS[0][1] if "no password supplied" in words else _AWAY
