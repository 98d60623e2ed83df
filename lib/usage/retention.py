"""Retention (SPEC U9): of the users of a day, how many came back."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import polars as pl

from lib.usage.buckets import Grain, Period, bucket_starts, start_of

Cohort = Literal["new", "active"]

DAYS_LATER = (1, 2, 3, 4, 5, 6, 7, 14, 30)
"""On which days after its own a cohort is looked for."""


def retained(presence: pl.DataFrame, period: Period, closed: int, of: Cohort) -> pl.DataFrame:
    """`day`, `users` and `day_<n>` of each local day of the period that has users.

    `presence` is `user_id` and `t`, once each, of all time; `closed` is the number of the first half hour that is
    not counted.
    A share is null until the day on which it looks is over.
    """
    days = _local_days(presence, period, closed)
    visits = presence.join(days.select("t", "day"), on="t").select("user_id", "day").unique()
    cohorts = visits.group_by("user_id").agg(pl.col("day").min()) if of == "new" else visits
    inside = days.filter(pl.col("t").is_between(period.first, period.end, closed="left"))["day"].unique()
    cohorts = cohorts.filter(pl.col("day").is_in(inside.implode()))
    sizes = cohorts.group_by("day").agg(users=pl.len().cast(pl.Int64))
    over = days.group_by("day").agg(pl.col("end").max()).filter(pl.col("end") <= closed)["day"]
    for later in DAYS_LATER:
        came = cohorts.with_columns(back=pl.col("day") + timedelta(days=later)).join(
            visits.rename({"day": "back"}), on=["user_id", "back"], how="semi"
        )
        counts = came.group_by("day").agg(pl.len().alias("came"))
        is_over = (pl.col("day") + timedelta(days=later)).is_in(over.implode())
        share = pl.when(is_over).then(pl.col("came").fill_null(0) / pl.col("users")).alias(f"day_{later}")
        sizes = sizes.join(counts, on="day", how="left").with_columns(share).drop("came")
    return sizes.sort("day")


def average(days: pl.DataFrame) -> pl.DataFrame:
    """One row, `day_1` and on: of all users of the days whose later day is over, the share that came back; null where
    none is."""
    shares = [f"day_{later}" for later in DAYS_LATER]
    users = {name: pl.col("users").filter(pl.col(name).is_not_null()).sum() for name in shares}
    came = {name: (pl.col("users") * pl.col(name)).sum() for name in shares}
    return days.select(pl.when(users[name] > 0).then(came[name] / users[name]).alias(name) for name in shares)


def _local_days(presence: pl.DataFrame, period: Period, closed: int) -> pl.DataFrame:
    """Each half hour from the first presence to the last counted one, with its local `day` and that day's `end`."""
    first = presence.select(pl.col("t").min()).item()
    whole = Period(
        start_of(min(first if first is not None else period.first, period.first)),
        start_of(max(closed, period.end)),
        period.zone,
    )
    # Whole local days, so that a day that is not over is known to end after what is counted.
    until = whole.until + timedelta(days=2)
    days = bucket_starts(Period(whole.since, until, period.zone), Grain.DAY)
    return days.select("t", "end", day=pl.col("bucket").dt.date())
