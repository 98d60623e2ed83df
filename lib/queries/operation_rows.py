"""Rows of the operation log as frames."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import numpy as np
import polars as pl
from sqlalchemy.orm import Session

from lib.store import operation_reading
from lib.store.tables import Tenant

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

_SCHEMA: Final[dict[str, pl.DataType]] = {**ROW, BODY: pl.String()}


def tenant_keys(session: Session) -> dict[int, str]:
    """The key of each tenant that the session may see, by id."""
    told = session.connection().exec_driver_sql(f"SELECT id, key FROM {Tenant.__tablename__}")  # noqa: S608 (our own)
    return {row[0]: row[1] for row in told}


def rows_of(
    session: Session, places: Sequence[tuple[int, int]], columns: Sequence[str], zone: str = "UTC"
) -> pl.DataFrame:
    """The operations at (tenant id, id), newest first; those that were removed meanwhile are left out."""
    by_tenant: dict[int, list[int]] = {}
    for tenant_id, operation_id in places:
        by_tenant.setdefault(tenant_id, []).append(operation_id)
    names = _names(columns)
    parts = (
        operation_reading.rows_by_id(session, tenant_id, ids, _kept(names)) for tenant_id, ids in by_tenant.items()
    )
    rows = sorted((row for of_tenant in parts for some in of_tenant for row in some), key=itemgetter(0), reverse=True)
    return _framed(session, rows, names, zone)


def rows_between(
    session: Session,
    tenant_id: int,
    ids: tuple[int, int],
    columns: Sequence[str],
    count: int,
    *,
    newest: bool,
    zone: str = "UTC",
) -> pl.DataFrame:
    """A tenant's last (or first) operations with ids in the half-open range `ids`, newest first."""
    names = _names(columns)
    rows = operation_reading.rows_between(session, tenant_id, *ids, _kept(names), count, newest=newest)
    return _framed(session, rows if newest else rows[::-1], names, zone)


def _framed(session: Session, rows: operation_reading.Rows, names: Sequence[str], zone: str) -> pl.DataFrame:
    """Rows as the database gives them as a frame; made of whole columns, as an expression takes longer than a page."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    instant = pl.Datetime("us", zone)
    made = []
    for name, values in zip(names, columns, strict=True):
        if name in operation_reading.INSTANTS:
            made.append(pl.Series(name, _microseconds(values)).cast(instant))
        elif name == "tenant":
            keys = tenant_keys(session)
            made.append(pl.Series(name, [keys.get(number, "") for number in values], pl.String))
        elif name == "is_catalogued":
            made.append(pl.Series(name, list(map(bool, values)), pl.Boolean))
        else:
            made.append(pl.Series(name, values, _SCHEMA[name]))
    return pl.DataFrame(made)


def _microseconds(values: tuple[Any, ...]) -> np.ndarray:
    if values and isinstance(values[0], int):
        return np.array(values, np.int64)
    return np.array(values, "datetime64[us]").view(np.int64)


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("id", *(columns or ROW))))


def _kept(names: Sequence[str]) -> list[str]:
    return ["tenant_id" if name == "tenant" else name for name in names]
