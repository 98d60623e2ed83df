"""Adding many operations at once, each of them once.

What goes to the driver here is written out: SQLAlchemy's own handling of parameters costs more than the insertion.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.store.tables import Operation, OperationOrigin, OperationPending, UtcDateTime

_AT_ONCE = 10_000  # values of one statement


def known_origins(session: Session, tenant_id: int, keys: Collection[bytes]) -> set[bytes]:
    """Those of the keys that are in the log already."""
    select = f"SELECT key FROM operation_origin WHERE tenant_id = {int(tenant_id)} AND key"  # noqa: S608 (a number)
    return set(_found(session, select, "bytea", keys))


def taken_ids(session: Session, ids: Collection[int]) -> set[int]:
    """Those of the ids that stand in the log already, whoever has them."""
    return set(_found(session, "SELECT id FROM operation WHERE id", "bigint", ids))


def add_rows(session: Session, rows: Sequence[Mapping[str, Any]], keys: Sequence[bytes | None]) -> None:
    """Add rows with every column of `operation`; `keys` are those of their origins, in the same order.

    IntegrityError says that another transaction added one of them meanwhile.
    """
    if not rows:
        return
    names = tuple(column.name for column in Operation.__table__.columns)
    _insert(session, Operation.__table__, names, list(map(itemgetter(*names), rows)))
    places = [(row["tenant_id"], row["id"]) for row in rows]
    _insert(session, OperationPending.__table__, ("tenant_id", "id"), places)
    origins = [(*place[:1], key, place[1]) for place, key in zip(places, keys, strict=True) if key is not None]
    if origins:
        _insert(session, OperationOrigin.__table__, ("tenant_id", "key", "operation_id"), origins)


def _insert(session: Session, table: sa.FromClause, names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        instants = [place for place, name in enumerate(names) if isinstance(table.c[name].type, UtcDateTime)]
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 (our own names)
        connection.exec_driver_sql(statement, [_stored(row, instants) for row in rows] if instants else rows)
        return
    kinds = ", ".join(f"%s::{table.c[name].type.compile(connection.dialect)}[]" for name in names)
    statement = f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM unnest({kinds})"  # noqa: S608 (our own names)
    for start in range(0, len(rows), _AT_ONCE):
        connection.exec_driver_sql(statement, tuple(map(list, zip(*rows[start : start + _AT_ONCE], strict=True))))


def _stored(row: tuple[Any, ...], instants: Sequence[int]) -> tuple[Any, ...]:
    """A row as SQLite keeps it: instants without a zone."""
    values = list(row)
    for place in instants:
        values[place] = _text_of(values[place])
    return tuple(values)


@lru_cache(maxsize=2)  # all rows of a batch are received at one instant
def _text_of(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _found(session: Session, select: str, kind: str, values: Collection[Any]) -> Iterator[Any]:
    connection, every = session.connection(), list(values)
    for start in range(0, len(every), _AT_ONCE):
        some = every[start : start + _AT_ONCE]
        if connection.dialect.name == "sqlite":
            told = connection.exec_driver_sql(f"{select} IN ({', '.join('?' * len(some))})", tuple(some))
        else:
            told = connection.exec_driver_sql(f"{select} = ANY(%s::{kind}[])", (some,))
        yield from told.scalars()
