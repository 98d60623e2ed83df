"""Rows as cells: nothing but numbers, truth values and text, which every format can hold."""

from __future__ import annotations

import polars as pl


def cells(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with instants as ISO 8601 text with their offset, durations as seconds, and lists joined by "; "."""
    return rows.with_columns(_cell(pl.col(name), dtype) for name, dtype in rows.schema.items())


def _cell(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%:z" if dtype.time_zone else "%Y-%m-%dT%H:%M:%S")
    if isinstance(dtype, pl.Duration):
        return column.dt.total_microseconds() / 1_000_000
    if isinstance(dtype, pl.List):
        return column.cast(pl.List(pl.String)).list.join("; ")
    if isinstance(dtype, pl.Boolean) or dtype.is_numeric():
        return column
    return column.cast(pl.String)
