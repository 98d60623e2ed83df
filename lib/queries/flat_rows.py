"""Rows as programs take them away: the same for `daybook show`, `daybook export` and the read API."""

from __future__ import annotations

import polars as pl

from lib.queries.usage import Dimension, UsageFilter, UsageQueries
from lib.queries.visits import VisitFilter, VisitQueries
from lib.usage.buckets import Grain


def usage_rows(
    queries: UsageQueries, asked: UsageFilter, grain: Grain, dimension: Dimension | None = None
) -> pl.DataFrame:
    """`bucket` (not of the whole period), the key of the dimension asked for under its name, and the metrics, in
    order; buckets without events are left out."""
    if dimension is None:
        rows = queries.trend(asked, grain, filled=False)
    else:
        rows = queries.breakdown(asked, grain, dimension).drop("name").rename({"key": dimension})
    return rows.drop("bucket") if grain is Grain.PERIOD else rows


def visit_rows(
    queries: VisitQueries, asked: VisitFilter, grain: Grain | None = None, limit: int | None = None
) -> pl.DataFrame:
    """The visits themselves, newest first; with a grain, how many came by `bucket` (not of the whole period)."""
    if grain is None:
        return queries.rows(asked, limit)
    rows = queries.histogram(asked, grain)
    return rows.drop("bucket") if grain is Grain.PERIOD else rows
