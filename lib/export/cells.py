"""Rows as cells: nothing but numbers, truth values and text, which every format can hold."""

from __future__ import annotations

import polars as pl


def cells(rows: pl.DataFrame, zone: str | None = None) -> pl.DataFrame:
    """The rows with instants as ISO 8601 text with the offset of the zone (None: of their own), durations as seconds,
    and lists joined by "; ". What is no number (NaN, infinity) is null."""
    return rows.with_columns(_cell(pl.col(name), dtype, zone) for name, dtype in rows.schema.items())


def _cell(column: pl.Expr, dtype: pl.DataType, zone: str | None) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return _instant(column, dtype, zone)
    if isinstance(dtype, pl.Duration):
        return column.dt.total_microseconds() / 1_000_000
    if isinstance(dtype, pl.List):
        return column.cast(pl.List(pl.String)).list.join("; ")
    if dtype.is_float():
        return pl.when(column.is_finite()).then(column)
    if isinstance(dtype, pl.Boolean) or dtype.is_numeric():
        return column
    return column.cast(pl.String)


def _instant(column: pl.Expr, dtype: pl.Datetime, zone: str | None) -> pl.Expr:
    # %.f is the fraction of a second, and nothing where there is none.
    if dtype.time_zone is None:
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.f")
    here = column if zone in {None, dtype.time_zone} else column.dt.convert_time_zone(zone or "UTC")
    return here.dt.to_string("%Y-%m-%dT%H:%M:%S%.f%:z")
