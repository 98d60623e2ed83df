"""Rows as programs take them away: the same for `daybook show`, `daybook export` and the read API."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Protocol, TypeVar

import orjson
import polars as pl

from lib.queries.operation_filter import OperationFilter
from lib.queries.operation_rows import BODY, ROW
from lib.queries.operations import OperationQueries
from lib.queries.spans import SpanFilter
from lib.queries.usage import Dimension, UsageFilter, UsageQueries
from lib.usage.buckets import Grain

F = TypeVar("F", bound=SpanFilter, contravariant=True)


class Log(Protocol[F]):
    """A log whose rows are few enough to be had at once."""

    def rows(self, asked: F, limit: int | None = None) -> pl.DataFrame:
        """The rows, newest first."""

    def histogram(self, asked: F, grain: Grain) -> pl.DataFrame:
        """How many rows there are by `bucket`."""


def usage_rows(
    queries: UsageQueries, asked: UsageFilter, grain: Grain, dimension: Dimension | None = None
) -> pl.DataFrame:
    """`bucket` (not of the whole period), the key of the dimension asked for under its name, and the metrics, in
    order; buckets without events are left out."""
    if dimension is None:
        rows = queries.trend(asked, grain, filled=False)
    else:
        rows = queries.breakdown(asked, grain, dimension).drop("name").rename({"key": dimension})
    return by_grain(rows, grain)


def by_grain(rows: pl.DataFrame, grain: Grain) -> pl.DataFrame:
    """Counts as programs take them away: without `bucket` where the whole period is the only one."""
    return rows.drop("bucket") if grain is Grain.PERIOD else rows


def log_rows(queries: Log[F], asked: F, grain: Grain | None = None, limit: int | None = None) -> pl.DataFrame:
    """The visits themselves (visit_rows.TOLD), or the sign-ins (sign_ins.TOLD), newest first; with a grain, how many
    there were by `bucket` (not of the whole period)."""
    return queries.rows(asked, limit) if grain is None else by_grain(queries.histogram(asked, grain), grain)


OPERATION = (*ROW, BODY)
"""The columns that `operations_told` makes rows for programs of."""


def operation_rows(queries: OperationQueries, asked: OperationFilter) -> Iterator[pl.DataFrame]:
    """The operations in full, newest first, as they were when the first frame is asked for (see `operations_told`);
    at least one frame, be it empty."""
    frames = (operations_told(frame) for frame in queries.rows(asked, OPERATION))
    first = next(frames, None)
    yield from chain([operations_told(_NO_OPERATION) if first is None else first], frames)


def operations_told(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of OPERATION with `old` and `new` as values of JSON (Object) in place of the body, and the id as text: a
    program may keep numbers as doubles, which an id does not fit."""
    bodies = [orjson.loads(body) for body in frame[BODY]]
    values = [pl.Series(name, [body.get(name) for body in bodies], dtype=pl.Object) for name in ("old", "new")]
    return frame.drop(BODY).with_columns(pl.col("id").cast(pl.String), *values)


def operation_counts(queries: OperationQueries, asked: OperationFilter, grain: Grain) -> pl.DataFrame:
    """`bucket` (not of the whole period), `operations` and `failures`; buckets without operations are left out."""
    return by_grain(queries.counts(asked, grain).histogram.filter(pl.col("operations") > 0), grain)


_NO_OPERATION = pl.DataFrame(schema={**ROW, BODY: pl.String()})
