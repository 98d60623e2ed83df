"""The counting kernel: from the events of one lake file to half-hour tables, in the order in which they lie.

A lake file is sorted by LAKE_ORDER, so a session is a run of rows: where it begins and ends, and what follows an
event, are
told by a row's neighbours. Nothing here grows with the number of sessions.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from lib.usage.buckets import bucket_expr
from lib.usage.events import Kind

STAY_LIMIT_US = 1_800_000_000
"""Microseconds of stay at most where only the next event tells it: 30 minutes."""

PLACE = ("t", "application_id", "mini_program_id", "os")
COUNTS = ("opens", "page_views", "shares", "stay_us", "session_us", "entries", "exits")
PRESENCE_ORDER = ("application_id", "mini_program_id", "visitor_id", "t", "page", "os")
PAGE_COUNTS = ("page_views", "stay_us", "entries", "exits", "shares")


@dataclass(frozen=True)
class Tally:
    """What the kernel makes of some sessions. Counts add up over tallies; presence is a set.

    `counts`: PLACE and COUNTS, a row for what happened in a half hour (`t`). `pages`: PLACE, `page` and PAGE_COUNTS.
    `presence`: PLACE, `page` (null: an open without a page view) and `visitor_id`, once each. Times are microseconds.
    """

    counts: pl.DataFrame
    pages: pl.DataFrame
    presence: pl.DataFrame


def tallied(events: pl.DataFrame) -> Tally:
    """Count the events of a lake file, or of any whole sessions in LAKE_ORDER."""
    rows = _with_neighbours(events)
    views = _views(rows)
    sessions = _sessions(rows)
    shares = rows.filter(pl.col("kind") == Kind.SHARE.value).select(*PLACE, "page", shares=pl.lit(1, pl.Int64))
    first_views = views.filter("is_entry").select(*_at_session_start(), "page", entries=pl.lit(1, pl.Int64))
    last_views = views.filter("is_exit").select(*_at_session_start(), "page", exits=pl.lit(1, pl.Int64))
    viewed = views.select(*PLACE, "page", "page_views", "stay_us")
    return Tally(
        counts=_summed(
            [part.drop("page", strict=False) for part in (viewed, shares, sessions, first_views, last_views)],
            PLACE,
            COUNTS,
        ),
        pages=_summed(
            [viewed, first_views, last_views, shares.filter(pl.col("page").is_not_null())],
            (*PLACE, "page"),
            PAGE_COUNTS,
        ),
        presence=_presence(rows, views),
    )


def _with_neighbours(events: pl.DataFrame) -> pl.DataFrame:
    session = pl.col("session_id")
    starts = (session != session.shift(1)).fill_null(True)
    ends = (session != session.shift(-1)).fill_null(True)
    is_open = (pl.col("kind") == Kind.OPEN.value).cast(pl.Int64)
    return events.select(
        "application_id",
        "mini_program_id",
        "session_id",
        "visitor_id",
        "kind",
        "page",
        pl.col("os").fill_null(""),
        t=bucket_expr(pl.col("at")),
        at_us=pl.col("at").dt.epoch("us"),
        duration_us=pl.col("duration_ms") * 1000,
        starts=starts,
        ends=ends,
        opens_so_far=is_open.cum_sum(),
    ).with_columns(
        start_t=pl.when("starts").then("t").forward_fill(),
        start_us=pl.when("starts").then("at_us").forward_fill(),
        start_os=pl.when("starts").then("os").forward_fill(),
        opens_before=pl.when("starts")
        .then(pl.col("opens_so_far") - (pl.col("kind") == Kind.OPEN.value))
        .forward_fill(),
        next_us=pl.when(~pl.col("ends")).then(pl.col("at_us").shift(-1)),
        left_us=_reported_by_leaving(),
    )


def _reported_by_leaving() -> pl.Expr:
    following = pl.col("kind").shift(-1) == Kind.PAGE_LEAVE.value
    same_page = pl.col("page").shift(-1).is_null() | (pl.col("page").shift(-1) == pl.col("page"))
    return pl.when(~pl.col("ends") & following & same_page).then(pl.col("duration_us").shift(-1))


def _views(rows: pl.DataFrame) -> pl.DataFrame:
    until_next = pl.min_horizontal(pl.col("next_us") - pl.col("at_us"), pl.lit(STAY_LIMIT_US, pl.Int64))
    until_next = pl.when(pl.col("next_us").is_not_null()).then(until_next)
    session = pl.col("session_id")
    return rows.filter(pl.col("kind") == Kind.PAGE_VIEW.value).with_columns(
        page_views=pl.lit(1, pl.Int64),
        stay_us=pl.coalesce("duration_us", "left_us", until_next, pl.lit(0, pl.Int64)),
        is_entry=(session != session.shift(1)).fill_null(True),
        is_exit=(session != session.shift(-1)).fill_null(True),
    )


def _sessions(rows: pl.DataFrame) -> pl.DataFrame:
    # An explicit open counts each time; a session without one was opened by its first event.
    explicit = pl.col("opens_so_far") - pl.col("opens_before")
    return rows.filter("ends").select(
        *_at_session_start(),
        opens=pl.max_horizontal(explicit, pl.lit(1, pl.Int64)),
        session_us=pl.col("at_us") + pl.col("duration_us").fill_null(0) - pl.col("start_us"),
    )


def _at_session_start() -> list[pl.Expr]:
    return [
        pl.col("start_t").alias("t"),
        pl.col("application_id"),
        pl.col("mini_program_id"),
        pl.col("start_os").alias("os"),
    ]


def _presence(rows: pl.DataFrame, views: pl.DataFrame) -> pl.DataFrame:
    viewed = views.select(*PLACE, "page", "visitor_id")
    opened = rows.filter(pl.col("starts") & (pl.col("kind") != Kind.PAGE_VIEW.value)).select(
        *PLACE, pl.lit(None, pl.String).alias("page"), "visitor_id"
    )
    return (
        pl.concat([viewed, opened]).unique().sort(*PRESENCE_ORDER)
    )


def _summed(parts: list[pl.DataFrame], by: tuple[str, ...], counts: tuple[str, ...]) -> pl.DataFrame:
    whole = pl.concat(parts, how="diagonal")
    missing = [pl.lit(0, pl.Int64).alias(name) for name in counts if name not in whole.columns]
    return whole.with_columns(missing).group_by(by).agg(pl.col(counts).cast(pl.Int64).sum()).sort(by)
