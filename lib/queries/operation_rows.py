"""Rows of the operation log as frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import polars as pl
import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.store.tables import Operation, Tenant

INSTANT: Final = pl.Datetime("us", "UTC")

ROW: Final[dict[str, pl.DataType]] = {
    "id": pl.Int64(),
    "tenant": pl.String(),
    "occurred_at": INSTANT,
    "received_at": INSTANT,
    **dict.fromkeys(
        (
            "operator",
            "role",
            "organization",
            "product",
            "project",
            "application",
            "module",
            "submodule",
            "action",
            "operation_class",
            "object_type",
            "object_name",
            "object_id",
            "channel",
            "result",
            "address",
            "request_id",
            "source",
        ),
        pl.String(),
    ),
    "is_catalogued": pl.Boolean(),
    "content": pl.String(),
}
"""A row is an operation; `tenant` is the tenant's key, empty for what belongs to none."""

BODY: Final = "body"
"""The whole record as JSON text: what a caller that shows old and new values asks for besides."""

_AT_ONCE = 5000


def tenant_keys(session: Session) -> dict[int, str]:
    """The key of each tenant that the session may see, by id."""
    return {row[0]: row[1] for row in session.execute(sa.select(Tenant.id, Tenant.key))}


def rows_of(session: Session, places: Sequence[tuple[int, int]], columns: Sequence[str]) -> pl.DataFrame:
    """The operations at (tenant id, id), newest first; those that were removed meanwhile are left out."""
    by_tenant: dict[int, list[int]] = {}
    for tenant_id, operation_id in places:
        by_tenant.setdefault(tenant_id, []).append(operation_id)
    statements = (
        _select(columns).where(Operation.tenant_id == tenant_id, Operation.id.in_(ids[start : start + _AT_ONCE]))
        for tenant_id, ids in by_tenant.items()
        for start in range(0, len(ids), _AT_ONCE)
    )
    return framed(session, statements, columns).sort("id", descending=True)


def rows_between(
    session: Session, tenant_id: int, first_id: int, until_id: int, columns: Sequence[str], count: int, *, newest: bool
) -> pl.DataFrame:
    """A tenant's last (or first) operations with ids in [first_id, until_id), newest first."""
    column = Operation.id
    meant = _select(columns).where(Operation.tenant_id == tenant_id, column >= first_id, column < until_id)
    statement = meant.order_by(column.desc() if newest else column).limit(count)
    return framed(session, [statement], columns).sort("id", descending=True)


def framed(session: Session, statements: Iterable[sa.Select[Any]], columns: Sequence[str]) -> pl.DataFrame:
    """What statements made by `_select` give, as one frame with `id` and the columns."""
    names = _names(columns)
    schema: Mapping[str, pl.DataType] = {**ROW, BODY: pl.String(), "tenant": pl.Int64()}
    rows = [tuple(row) for statement in statements for row in session.execute(statement)]
    frame = pl.DataFrame(rows, schema={name: schema[name] for name in names}, orient="row")
    if "tenant" not in names:
        return frame
    keys = tenant_keys(session)
    known = pl.DataFrame({"tenant": list(keys), "key": list(keys.values())}, {"tenant": pl.Int64, "key": pl.String})
    named = frame.join(known, on="tenant", how="left", maintain_order="left")
    return named.with_columns(tenant=pl.col("key").fill_null("")).drop("key")


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("id", *(columns or ROW))))


def _select(columns: Sequence[str]) -> sa.Select[Any]:
    return sa.select(*(getattr(Operation, "tenant_id" if name == "tenant" else name) for name in _names(columns)))
