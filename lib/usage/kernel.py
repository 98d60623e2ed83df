"""The counting kernel: from the events of one lake file to half-hour tables, in the order in which they lie.

A lake file is sorted by LAKE_ORDER, so a session is a run of rows: where it begins and ends, and what follows an
event, are
told by a row's neighbours. Nothing here grows with the number of sessions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from lib.usage.buckets import bucket_expr
from lib.usage.events import Kind
from lib.usage.packing import Packing

STAY_LIMIT_US = 1_800_000_000
"""Microseconds of stay at most where only the next event tells it: 30 minutes."""

PLACE = ("t", "application_id", "mini_program_id", "os")
COUNTS = ("opens", "page_views", "shares", "stay_us", "session_us", "entries", "exits")
PAGE_COUNTS = ("page_views", "stay_us", "entries", "exits", "shares")
_ONE = pl.lit(1, pl.Int64)


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
    counted = events.filter(~pl.col("is_excluded"))
    rows = _with_neighbours(counted)
    if rows.is_empty():
        return _nothing()
    packing = Packing.of(rows)
    if packing.fits:
        return _counted(packing.numbered(rows), packing)
    # Places share no row of any table, so halves of them are counted apart.
    middle = int(rows["place"].max()) // 2  # type: ignore[arg-type]
    halves = [tallied(counted.filter(half)) for half in (rows["place"] <= middle, rows["place"] > middle)]
    return Tally(*(pl.concat(getattr(half, name) for half in halves) for name in ("counts", "pages", "presence")))


def _nothing() -> Tally:
    places = {"t": pl.Int32(), "application_id": pl.Int32(), "mini_program_id": pl.Int32(), "os": pl.String()}
    paged = {**places, "page": pl.String()}
    return Tally(
        pl.DataFrame(schema={**places, **dict.fromkeys(COUNTS, pl.Int64())}),
        pl.DataFrame(schema={**paged, **dict.fromkeys(PAGE_COUNTS, pl.Int64())}),
        pl.DataFrame(schema={**paged, "visitor_id": pl.UInt64()}),
    )


def _with_neighbours(events: pl.DataFrame) -> pl.DataFrame:
    """What the counting needs of each event, with what its neighbours tell: the session's start, what comes next."""
    session, application, program = pl.col("session_id"), pl.col("application_id"), pl.col("mini_program_id")
    is_open = (pl.col("kind") == Kind.OPEN.value).cast(pl.Int64)
    elsewhere = (application != application.shift(1)) | (program != program.shift(1))
    return events.select(
        "application_id",
        "mini_program_id",
        "session_id",
        "visitor_id",
        "kind",
        "page",
        pl.col("os").fill_null(""),
        place=elsewhere.fill_null(False).cum_sum(),
        t=bucket_expr(pl.col("at")),
        at_us=pl.col("at").dt.epoch("us"),
        duration_us=pl.col("duration_ms") * 1000,
        starts=(session != session.shift(1)).fill_null(True),
        ends=(session != session.shift(-1)).fill_null(True),
        opens_so_far=is_open.cum_sum(),
    ).with_columns(
        start_t=pl.when("starts").then("t").forward_fill(),
        start_us=pl.when("starts").then("at_us").forward_fill(),
        opens_before=pl.when("starts").then(pl.col("opens_so_far") - is_open).forward_fill(),
        next_us=pl.when(~pl.col("ends")).then(pl.col("at_us").shift(-1)),
        left_us=_reported_by_leaving(),
    )


def _reported_by_leaving() -> pl.Expr:
    following = pl.col("kind").shift(-1) == Kind.PAGE_LEAVE.value
    same_page = pl.col("page").shift(-1).is_null() | (pl.col("page").shift(-1) == pl.col("page"))
    return pl.when(~pl.col("ends") & following & same_page).then(pl.col("duration_us").shift(-1))


def _counted(rows: pl.DataFrame, packing: Packing) -> Tally:
    rows = rows.with_columns(start_os_code=pl.when("starts").then("os_code").forward_fill())
    views = _views(rows)
    shares = rows.filter(pl.col("kind") == Kind.SHARE.value)
    at_start = {"t": "start_t", "system": "start_os_code"}

    def parts(page: str | None) -> Iterable[pl.DataFrame]:
        yield views.select(packing.key(page=page), page_views=_ONE, stay_us="stay_us")
        yield views.filter("is_entry").select(packing.key(**at_start, page=page), entries=_ONE)
        yield views.filter("is_exit").select(packing.key(**at_start, page=page), exits=_ONE)

    of_pages = shares.filter(pl.col("page_code") > 0).select(packing.key(), shares=_ONE)
    of_places = shares.select(packing.key(page=None), shares=_ONE)
    sessions = _sessions(rows).select(packing.key(**at_start, page=None), "opens", "session_us")
    counts = packing.unpacked(_summed([*parts(None), of_places, sessions], COUNTS)).drop("page")
    pages = packing.unpacked(_summed([*parts("page_code"), of_pages], PAGE_COUNTS))
    return Tally(counts, pages, _presence(rows, views, packing))


def _views(rows: pl.DataFrame) -> pl.DataFrame:
    until_next = pl.min_horizontal(pl.col("next_us") - pl.col("at_us"), pl.lit(STAY_LIMIT_US, pl.Int64))
    until_next = pl.when(pl.col("next_us").is_not_null()).then(until_next)
    session = pl.col("session_id")
    return rows.filter(pl.col("kind") == Kind.PAGE_VIEW.value).with_columns(
        stay_us=pl.coalesce("duration_us", "left_us", until_next, pl.lit(0, pl.Int64)),
        is_entry=(session != session.shift(1)).fill_null(True),
        is_exit=(session != session.shift(-1)).fill_null(True),
    )


def _sessions(rows: pl.DataFrame) -> pl.DataFrame:
    """A row a session, the last of its events. Each explicit open counts; the first event opens a session without
    one."""
    explicit = pl.col("opens_so_far") - pl.col("opens_before")
    return rows.filter("ends").with_columns(
        opens=pl.max_horizontal(explicit, _ONE),
        session_us=pl.col("at_us") + pl.col("duration_us").fill_null(0) - pl.col("start_us"),
    )


def _presence(rows: pl.DataFrame, views: pl.DataFrame, packing: Packing) -> pl.DataFrame:
    """Who viewed or opened, sorted by visitor and key, where repetitions are neighbours."""
    viewed = views.select("visitor_id", packing.key())
    opened = rows.filter(pl.col("starts") & (pl.col("kind") != Kind.PAGE_VIEW.value))
    whole = pl.concat([viewed, opened.select("visitor_id", packing.key(page=None))]).sort("visitor_id", "key")
    visitor, key = pl.col("visitor_id"), pl.col("key")
    differs = (visitor != visitor.shift(1)) | (key != key.shift(1))
    return packing.unpacked(whole.filter(differs.fill_null(True)))


def _summed(parts: Iterable[pl.DataFrame], counts: tuple[str, ...]) -> pl.DataFrame:
    """The sums of each key, in the order of keys, every count there."""
    summed = pl.concat(parts, how="diagonal").group_by("key").agg(pl.exclude("key").sum()).sort("key")
    missing = [pl.lit(0, pl.Int64).alias(name) for name in counts if name not in summed.columns]
    return summed.with_columns(missing).select("key", *counts)
