"""Counting users from chains: frames with `t`, `p` and `n` (lib.usage.recency) and any columns to count them by."""

from __future__ import annotations

from collections.abc import Sequence

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
    firsts = first_presences.group_by(*by, "t").agg(pl.col("n").sum()).sort("t")
    firsts = firsts.with_columns(cumulative_users=pl.col("n").cum_sum().over(by) if by else pl.col("n").cum_sum())
    asked = ends.join(firsts.select(by).unique(), how="cross") if by else ends
    # The last first presence strictly before the end: t <= end - 1.
    joined = (
        asked.with_columns(t=pl.col("end") - 1)
        .sort("t")
        .join_asof(firsts.drop("n"), on="t", by=list(by) or None, strategy="backward", check_sortedness=not by)
    )
    return joined.select("bucket", *by, pl.col("cumulative_users").fill_null(0))
