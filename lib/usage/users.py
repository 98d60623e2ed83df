"""Counting users from chains: frames with `t`, `p` and `n` (lib.usage.recency) and any columns to count them by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from lib.usage.recency import NEVER


def users_by_bucket(chains: pl.DataFrame, buckets: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """`active_users` and `new_users` of each bucket of a trend (lib.usage.buckets.bucket_starts), where somebody
    was."""
    inside = chains.join(buckets.select("t", "bucket", "start"), on="t")
    p, n = pl.col("p"), pl.col("n")
    # NEVER is said apart: a bucket may begin in 1970 or before.
    return inside.group_by("bucket", *by).agg(
        n.filter((p < pl.col("start")) | (p == NEVER)).sum().alias("active_users"),
        n.filter(p == NEVER).sum().alias("new_users"),
    )


def cumulative_by_bucket(first_presences: pl.DataFrame, buckets: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """`cumulative_users` up to the end of each bucket of a trend, a row for every bucket and each of `by`.

    `first_presences` are the chains whose `p` is NEVER.
    """
    ends = buckets.group_by("bucket").agg(pl.col("end").first()).sort("end")
    # From which bucket on a presence counts: the first that ends after it.
    at = np.searchsorted(ends["end"].to_numpy(), first_presences["t"].to_numpy(), side="right")
    firsts = first_presences.select(*by, "n", at=pl.Series(at, dtype=pl.UInt32)).lazy()
    spots = ends.lazy().select("bucket").with_row_index("at")
    asked = firsts.select(by).unique().join(spots, how="cross") if by else spots
    summed = firsts.group_by("at", *by).agg(pl.col("n").sum())
    rows = asked.join(summed, on=["at", *by], how="left", nulls_equal=True).sort("at")
    total = pl.col("n").fill_null(0).cum_sum()
    return rows.select("bucket", *by, cumulative_users=total.over(by) if by else total).collect()
