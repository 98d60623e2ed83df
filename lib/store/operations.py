"""Adding many operations at once, each of them once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.store.tables import Operation, OperationOrigin, OperationPending

_AT_ONCE = 5000  # values of one IN: both databases take more


def known_origins(session: Session, tenant_id: int, keys: Iterable[bytes]) -> set[bytes]:
    """Those of the keys that are in the log already."""
    column = OperationOrigin.key
    told = sa.select(column).where(OperationOrigin.tenant_id == tenant_id)
    return {key for some in _parts(keys) for key in session.scalars(told.where(column.in_(some)))}


def taken_ids(session: Session, ids: Iterable[int]) -> set[int]:
    """Those of the ids that stand in the log already, whoever has them."""
    column = Operation.id
    return {taken for some in _parts(ids) for taken in session.scalars(sa.select(column).where(column.in_(some)))}


def add_rows(session: Session, rows: Sequence[dict[str, Any]], keys: Sequence[bytes | None]) -> None:
    """Add rows with every column of `operation`; `keys` are those of their origins, in the same order.

    IntegrityError says that another transaction added one of them meanwhile.
    """
    if not rows:
        return
    session.execute(sa.insert(Operation.__table__), list(rows))  # type: ignore[arg-type]
    places = [{"tenant_id": row["tenant_id"], "id": row["id"]} for row in rows]
    session.execute(sa.insert(OperationPending.__table__), places)  # type: ignore[arg-type]
    origins = [
        {"tenant_id": row["tenant_id"], "key": key, "operation_id": row["id"]}
        for row, key in zip(rows, keys, strict=True)
        if key is not None
    ]
    if origins:
        session.execute(sa.insert(OperationOrigin.__table__), origins)  # type: ignore[arg-type]


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    every = list(values)
    return (every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE))
