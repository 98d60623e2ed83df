"""Frames to JSON: one object a row."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl


def json_rows(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows as values that JSON has, by column: instants and dates are ISO 8601 text, null is null."""
    return [{name: _value(value) for name, value in row.items()} for row in rows.iter_rows(named=True)]


def _value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value  # a datetime is a date
