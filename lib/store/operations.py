"""Adding many operations at once, each of them once.

What goes to the driver here is written out: SQLAlchemy's own handling of parameters costs more than the insertion.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.store.columnwise import source_of
from lib.store.tables import Operation, OperationOrigin, OperationPending

_AT_ONCE = 10_000  # values of one statement
_ROWS_AT_ONCE = 2_000

Row = tuple[Any, ...]


def known_origins(session: Session, tenant_id: int, keys: Collection[bytes]) -> set[bytes]:
    """Those of the keys that are in the log already."""
    select = f"SELECT key FROM operation_origin WHERE tenant_id = {int(tenant_id)} AND key"  # noqa: S608 (a number)
    return set(_found(session, select, "bytea", keys))


def taken_ids(session: Session, ids: Collection[int]) -> set[int]:
    """Those of the ids that stand in the log already, whoever has them."""
    return set(_found(session, "SELECT id FROM operation WHERE id", "bigint", ids))


def add_rows(session: Session, rows: Sequence[Row], keys: Sequence[bytes | None]) -> None:
    """Add rows with the columns of `operation` in their order, instants as text (2026-03-01 12:00:00.250000, UTC);
    `keys` are those of their origins, in the same order.

    IntegrityError says that another transaction added one of them meanwhile.
    """
    if not rows:
        return
    _insert(session, Operation.__table__, rows)
    _insert(session, OperationPending.__table__, [row[:2] for row in rows])
    origins = [(row[0], key, row[1]) for row, key in zip(rows, keys, strict=True) if key is not None]
    if origins:
        _insert(session, OperationOrigin.__table__, origins)


def _insert(session: Session, table: sa.FromClause, rows: Sequence[Row]) -> None:
    connection = session.connection()
    names = [column.name for column in table.columns]
    into = f"INSERT INTO {table} ({', '.join(names)})"
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"{into} VALUES ({', '.join('?' * len(names))})", list(rows))
        return
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        source, given = source_of(table, rows[start : start + _ROWS_AT_ONCE])
        connection.exec_driver_sql(f"{into} {source}", given)


def _found(session: Session, select: str, kind: str, values: Collection[Any]) -> Iterator[Any]:
    connection, every = session.connection(), list(values)
    for start in range(0, len(every), _AT_ONCE):
        some = every[start : start + _AT_ONCE]
        if connection.dialect.name == "sqlite":
            told = connection.exec_driver_sql(f"{select} IN ({', '.join('?' * len(some))})", tuple(some))
        else:
            told = connection.exec_driver_sql(f"{select} = ANY(%s::{kind}[])", (some,))
        yield from told.scalars()
