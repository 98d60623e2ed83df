"""Recency in memory: the chains of few large places, in the order of time and in the smallest numbers that hold them.

Half hours count from 1, so that a user who was never there before has 0 and is below every start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from lib.usage.packing import starts_of
from lib.usage.recency import NEVER

_FEW = 400
"""Up to how many buckets are asked for one by one."""


@dataclass(frozen=True)
class Kept:
    """A file of recency in one scope: its places, `t`, `p` and `n`, the half hours counted from `first_t` as 1."""

    first_t: int
    rows: pl.DataFrame

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Kept:
        """The rows of a file, in the order of `t`."""
        first = min(rows["t"].min(), rows.filter(pl.col("p") != NEVER)["p"].min() or rows["t"].min())  # type: ignore[type-var]
        since = pl.when(pl.col("p") == NEVER).then(0).otherwise(pl.col("p") - first + 1)
        counted = rows.with_columns(t=(pl.col("t") - first + 1).cast(pl.UInt32), p=since.cast(pl.UInt32))
        return cls(int(first), pl.DataFrame([column.shrink_dtype() for column in counted]))  # type: ignore[arg-type]

    def number(self, t: int) -> int:
        """A half hour as the rows have it; 1 where it is before them all."""
        return max(t - self.first_t + 1, 1)

    def between(self, first: int, end: int) -> pl.DataFrame:
        """The rows of the half hours [first, end): a slice."""
        start, stop = (self.rows["t"].search_sorted(self.number(bound), side="left") for bound in (first, end))
        return self.rows.slice(start, max(stop - start, 0))

    @cached_property
    def firsts(self) -> pl.DataFrame:
        """How many users (`n`) were in a place for the first time in half hour `t`, as it is numbered everywhere."""
        by = [name for name in self.rows.columns if name not in ("p", "n")]
        rows = self.rows.filter(pl.col("p") == 0).group_by(by).agg(pl.col("n").cast(pl.Int64).sum())
        return rows.with_columns(pl.col("t").cast(pl.Int32) + (self.first_t - 1)).sort("t")


def counted_by_bucket(parts: Sequence[Kept], buckets: pl.DataFrame, by: Sequence[str], chosen: pl.Expr) -> pl.DataFrame:
    """`active_users` and `new_users` of each bucket of a trend (lib.usage.buckets.bucket_starts) with users."""
    ordered = buckets.sort("t")
    starts = starts_of(ordered["start"].to_numpy())
    spans = ordered[starts].select(
        "bucket", "start", first="t", end=pl.Series([*ordered["t"].to_numpy()[starts[1:]], *ordered["t"].tail(1) + 1])
    )
    count = _one_by_one if spans.height <= _FEW else _at_once
    found = [rows for part in parts for rows in count(part, spans, by, chosen)]
    empty = {
        "bucket": buckets.schema["bucket"],
        **{name: pl.Int32() for name in by},
        "active_users": pl.Int64(),
        "new_users": pl.Int64(),
    }
    whole = pl.concat(
        [
            pl.DataFrame(schema=empty),
            *(rows.select(pl.col(name).cast(dtype) for name, dtype in empty.items()) for rows in found),
        ]
    )
    return whole.group_by("bucket", *by).agg(pl.col("active_users", "new_users").sum())


_SUMS = {
    "active_users": pl.col("n").cast(pl.Int64).sum(),
    "new_users": pl.col("n").filter(pl.col("p") == 0).cast(pl.Int64).sum(),
}


def _one_by_one(part: Kept, spans: pl.DataFrame, by: Sequence[str], chosen: pl.Expr) -> Iterator[pl.DataFrame]:
    for bucket, start, first, end in zip(spans["bucket"], spans["start"], spans["first"], spans["end"], strict=True):
        rows = part.between(first, end).filter(pl.col("p") < part.number(start), chosen)
        if rows.height:
            counted = rows.group_by(by).agg(**_SUMS) if by else rows.select(**_SUMS)
            yield counted.with_columns(bucket=pl.lit(bucket, spans.schema["bucket"]))


def _at_once(part: Kept, spans: pl.DataFrame, by: Sequence[str], chosen: pl.Expr) -> Iterator[pl.DataFrame]:
    rows = part.between(spans["first"][0], spans["end"][-1]).filter(chosen)
    if rows.is_empty():
        return
    numbers = np.array([part.number(end) for end in spans["first"]])
    span = pl.Series(np.searchsorted(numbers, rows["t"].to_numpy(), side="right") - 1, dtype=pl.UInt32)
    starts = pl.Series([part.number(start) for start in spans["start"]])
    inside = rows.with_columns(span=span).filter(pl.col("p") < starts.gather(span))
    counted = inside.group_by("span", *by).agg(**_SUMS)
    yield counted.with_columns(bucket=spans["bucket"].gather(counted["span"])).drop("span")
