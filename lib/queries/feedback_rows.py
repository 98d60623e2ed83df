"""Rows of feedback and of uploaded logs as frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl
import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from lib.queries.names import Names
from lib.store.tables import Feedback, FeedbackLog

INSTANT: Final = pl.Datetime("us", "UTC")

ROW: Final[dict[str, pl.DataType]] = {
    "id": pl.Int64(),
    "occurred_at": INSTANT,
    "received_at": INSTANT,
    "type": pl.String(),
    "kind": pl.String(),
    "mini_program": pl.String(),
    "mini_program_name": pl.String(),
    "application": pl.String(),
    "application_name": pl.String(),
    "content": pl.String(),
    "contact": pl.String(),
    "user": pl.String(),
    "app_version": pl.String(),
    "mini_program_version": pl.String(),
    "os": pl.String(),
    "device": pl.String(),
    "image_count": pl.Int64(),
    "log_id": pl.Int64(),
    "source": pl.String(),
    "client_id": pl.String(),
}
"""A row is a feedback. `mini_program` and `application` are keys, the latter null for none; `contact` is null for who
may not see it, `log_id` where no log came with it."""

LOG: Final[dict[str, pl.DataType]] = {
    "id": pl.Int64(),
    "name": pl.String(),
    "size_bytes": pl.Int64(),
    "uploaded_at": INSTANT,
    "expires_at": INSTANT,
    "mini_program": pl.String(),
    "mini_program_name": pl.String(),
    "application": pl.String(),
    "application_name": pl.String(),
    "user": pl.String(),
    "sha256": pl.String(),
    "feedback_id": pl.Int64(),
}
"""A row is an uploaded log; `feedback_id` is the newest feedback that it came with and that the viewer may see."""

_PLACES = {
    "mini_program": "mini_program_id",
    "mini_program_name": "mini_program_id",
    "application": "application_id",
    "application_name": "application_id",
}
_OTHER_NAMES = {"user": "user_id"}

Column = InstrumentedAttribute[Any] | sa.ColumnElement[Any]


def feedback_columns(names: Iterable[str]) -> list[Column]:
    """What to select for columns of ROW."""
    return [getattr(Feedback, _PLACES.get(name) or _OTHER_NAMES.get(name, name)) for name in names]


def log_columns(names: Iterable[str], feedback_id: Column) -> list[Column]:
    """What to select for columns of LOG; `feedback_id` is the expression of that."""
    columns = [(name, _PLACES.get(name) or _OTHER_NAMES.get(name, name)) for name in names]
    return [feedback_id if name == "feedback_id" else getattr(FeedbackLog, column) for name, column in columns]


def framed(
    rows: Sequence[Sequence[Any]], columns: Sequence[str], schema: dict[str, pl.DataType], names: Names, zone: str
) -> pl.DataFrame:
    """Rows of the database as a frame with the columns of a schema, instants in the zone."""
    known = {
        "mini_program": _by_id(names.mini_programs, "key"),
        "mini_program_name": _by_id(names.mini_programs, "name"),
        "application": _by_id(names.applications, "key"),
        "application_name": _by_id(names.applications, "name"),
    }
    of_columns = zip(*rows, strict=True) if rows else ((),) * len(columns)
    made = []
    for name, values in zip(columns, of_columns, strict=True):
        if name in known:
            made.append(pl.Series(name, [known[name].get(number) for number in values], pl.String))
        elif schema[name] == INSTANT:
            instants = pl.Series(name, list(map(_utc, values)), INSTANT)
            made.append(instants.dt.convert_time_zone(zone))
        else:
            made.append(pl.Series(name, values, schema[name]))
    return pl.DataFrame(made)


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _by_id(named: pl.DataFrame, column: str) -> dict[int, str]:
    return dict(zip(named["id"].to_list(), named[column].to_list(), strict=True))
