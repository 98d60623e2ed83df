"""Rows of the operation log as plain tuples: many at once, SQLAlchemy's own rows cost as much as the reading."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.store.tables import Operation

INSTANTS: Final = ("occurred_at", "received_at")
"""Columns that come as text of UTC (2026-03-01 12:00:00.250000) from SQLite, as microseconds since 1970 from
PostgreSQL."""

_KNOWN = frozenset(column.name for column in Operation.__table__.columns)
_AT_ONCE = 5000

Rows = list[tuple[Any, ...]]


def rows_by_id(session: Session, tenant_id: int, ids: Sequence[int], columns: Sequence[str]) -> Iterator[Rows]:
    """A tenant's rows of these ids, some thousands at a time, in no order; those that were removed are left out. On
    SQLite `is_catalogued` is 0 or 1."""
    connection = session.connection()
    for start in range(0, len(ids), _AT_ONCE):
        told = json.dumps(ids[start : start + _AT_ONCE])
        if connection.dialect.name == "sqlite":
            meant = "tenant_id = ? AND id IN (SELECT value FROM json_each(?))"
        else:
            meant, told = "tenant_id = %s AND id = ANY(%s::bigint[])", f"{{{told[1:-1]}}}"
        yield _read(connection, columns, meant, (tenant_id, told))


def rows_between(
    session: Session, tenant_id: int, first_id: int, until_id: int, columns: Sequence[str], count: int, *, newest: bool
) -> Rows:
    """A tenant's last rows with ids in [first_id, until_id), the last first; or the first, the first first. On SQLite
    `is_catalogued` is 0 or 1."""
    connection = session.connection()
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    order = "DESC" if newest else "ASC"
    meant = f"tenant_id = {mark} AND id >= {mark} AND id < {mark} ORDER BY id {order} LIMIT {mark}"
    return _read(connection, columns, meant, (tenant_id, first_id, until_id, count))


def _read(connection: sa.Connection, columns: Sequence[str], meant: str, given: tuple[Any, ...]) -> Rows:
    if not _KNOWN.issuperset(columns):
        raise ValueError(f"{columns} are no columns of operations")
    told = columns
    if connection.dialect.name != "sqlite":
        told = [f"(extract(epoch FROM {name}) * 1000000)::bigint" if name in INSTANTS else name for name in columns]
    statement = f"SELECT {', '.join(told)} FROM operation WHERE {meant}"  # noqa: S608 (our own names)
    cursor = connection.exec_driver_sql(statement, given).cursor
    try:
        return list(cursor.fetchall())
    except connection.dialect.loaded_dbapi.Error as error:
        raise sa.exc.DBAPIError(statement, None, error) from error
    finally:
        cursor.close()
