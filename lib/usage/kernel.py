"""The counting kernel: from the events of one lake file to half-hour tables, in the order in which they lie.

A lake file is sorted by LAKE_ORDER, so a session is a run of rows: where it begins and ends, and what follows an
event, are told
by a row's neighbours. Nothing here grows with the number of sessions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from lib.usage.buckets import bucket_expr
from lib.usage.events import Kind
from lib.usage.packing import NAME, Numbers, Packing, starts_of

STAY_LIMIT_US = 1_800_000_000
"""Microseconds of stay at most where only the next event tells it: 30 minutes."""

BACKGROUND_US = 30_000_000
"""Microseconds in the background after which a return is an open: 30 seconds."""

PLACE = ("t", "application_id", "mini_program_id", "os")
COUNTS = ("opens", "page_views", "shares", "stay_us", "session_us", "entries", "exits")
PAGE_COUNTS = ("page_views", "stay_us", "entries", "exits", "shares")
_ONE = pl.lit(1, pl.Int64)
_NOTHING = pl.lit(0, pl.Int64)


@dataclass(frozen=True)
class Tally:
    """What the kernel makes of some sessions. Counts add up over tallies. Times are microseconds.

    `counts`: PLACE and COUNTS, a row for what happened in a half hour (`t`). `pages`: PLACE, `page` and PAGE_COUNTS.
    `presence`: PLACE, `page` (null: an open without a page view), `visitor_id`, and `n`, for how many views or opens:
    who was somewhere is there while they add up to more than 0.
    """

    counts: pl.DataFrame
    pages: pl.DataFrame
    presence: pl.DataFrame


def tallied(events: pl.DataFrame) -> Tally:
    """Count the events of a lake file, or of any whole sessions in LAKE_ORDER."""
    # What is no longer needed goes at once: a date's rows are the most that a rebuild holds.
    counted = events.filter(~pl.col("is_excluded")) if events["is_excluded"].any() else events
    del events
    rows = _with_neighbours(counted)
    if rows.is_empty():
        return _nothing()
    packing = Packing.of(rows)
    if packing.fits:
        del counted
        return _counted(packing.numbered(rows), packing)
    # Places share no row of any table, so halves of them are counted apart.
    middle = int(rows["place"].max()) // 2  # type: ignore[arg-type]
    halves = [tallied(counted.filter(half)) for half in (rows["place"] <= middle, rows["place"] > middle)]
    return Tally(*(pl.concat(getattr(half, name) for half in halves) for name in ("counts", "pages", "presence")))


def _nothing() -> Tally:
    places = {"t": pl.Int32(), "application_id": pl.Int32(), "mini_program_id": pl.Int32(), "os": NAME}
    paged = {**places, "page": NAME}
    return Tally(
        pl.DataFrame(schema={**places, **dict.fromkeys(COUNTS, pl.Int64())}),
        pl.DataFrame(schema={**paged, **dict.fromkeys(PAGE_COUNTS, pl.Int64())}),
        pl.DataFrame(schema={**paged, "visitor_id": pl.UInt64(), "n": pl.Int32()}),
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
        **({"returns": _returns()} if (events["kind"] == Kind.CLOSE.value).any() else {}),
    )


def _returns() -> pl.Expr:
    """How many times so far somebody came back after more than BACKGROUND_US, as far as no explicit open says so.

    Leaving a page, which may be told late, neither is a return nor comes before one.
    """
    kind = pl.col("kind")
    closed_us = pl.when(kind == Kind.CLOSE.value).then("at_us").when(~_left() | pl.col("starts")).then(_NOTHING)
    before_us = closed_us.forward_fill().shift(1)
    is_front = ~_left() & ~kind.is_in([Kind.CLOSE.value, Kind.OPEN.value])
    came_back = ~pl.col("starts") & is_front & (before_us > 0) & (pl.col("at_us") - before_us > BACKGROUND_US)
    return came_back.fill_null(False).cast(pl.Int64).cum_sum()


def _left() -> pl.Expr:
    return pl.col("kind") == Kind.PAGE_LEAVE.value


def _reported_by_leaving() -> pl.Expr:
    following = pl.col("kind").shift(-1) == Kind.PAGE_LEAVE.value
    same_page = pl.col("page").shift(-1).is_null() | (pl.col("page").shift(-1) == pl.col("page"))
    return pl.when(~pl.col("ends") & following & same_page).then(pl.col("duration_us").shift(-1))


def _counted(rows: pl.DataFrame, packing: Packing) -> Tally:
    rows = rows.with_columns(start_os_code=pl.when("starts").then("os_code").forward_fill())
    views = _views(rows)
    shares = rows.filter(pl.col("kind") == Kind.SHARE.value)
    at_start = {"t": "start_t", "system": "start_os_code"}
    steps = pl.concat(
        [
            views.select(_step(packing.key(), 0), "stay_us"),
            views.filter("is_entry").select(_step(packing.key(**at_start), 1), stay_us=_NOTHING),
            views.filter("is_exit").select(_step(packing.key(**at_start), 2), stay_us=_NOTHING),
            shares.select(_step(packing.key(), 3), stay_us=_NOTHING),
        ]
    )
    keys, of_pages = _summed_steps(steps.sort("key"))
    sessions = _sessions(rows).select(packing.key(**at_start, page=None), "opens", "session_us").sort("key")
    counts = _of_places(keys // packing.page_count, of_pages, sessions, packing)
    # A share without a page is its place's alone; a view without one is of the page null.
    is_paged = (keys % packing.page_count > 0) | (of_pages["page_views"] + of_pages["entries"] + of_pages["exits"] > 0)
    shared = np.where(keys % packing.page_count > 0, of_pages["shares"], 0)
    pages = packing.unpacked(keys, {**of_pages, "shares": shared}).filter(is_paged)
    return Tally(
        counts.select(*PLACE, *COUNTS),
        pages.select(*PLACE, "page", *PAGE_COUNTS),
        _presence(rows, views, packing),
    )


def _step(key: pl.Expr, step: int) -> pl.Expr:
    return key * 4 + step


def _summed_steps(steps: pl.DataFrame) -> tuple[Numbers, dict[str, Numbers]]:
    """The keys of steps in their order, and what each key has of every step."""
    ordered = steps["key"].to_numpy()
    starts = starts_of(ordered)
    lengths = np.diff(starts, append=len(ordered))
    keys, step = ordered[starts] // 4, ordered[starts] % 4
    first = starts_of(keys)
    at = np.repeat(np.arange(len(first)), np.diff(first, append=len(keys)))
    sums = {name: np.zeros(len(first), np.int64) for name in ("page_views", "entries", "exits", "shares", "stay_us")}
    for number, name in enumerate(("page_views", "entries", "exits", "shares")):
        sums[name][at[step == number]] = lengths[step == number]
    if len(first):
        sums["stay_us"] = np.add.reduceat(steps["stay_us"].to_numpy(), starts[first])
    return keys[first], sums


def _of_places(keys: Numbers, of_pages: dict[str, Numbers], sessions: pl.DataFrame, packing: Packing) -> pl.DataFrame:
    """The pages' counts added up to their places, and with those of the sessions that began there."""
    of_sessions = {name: sessions[name].to_numpy() for name in ("opens", "session_us")}
    parts = [(keys, of_pages), (sessions["key"].to_numpy() // packing.page_count, of_sessions)]
    summed = []
    for ordered, counts in parts:
        starts = starts_of(ordered)
        totals = {name: np.add.reduceat(each, starts) if len(starts) else each for name, each in counts.items()}
        summed.append((ordered[starts], totals))
    whole = pl.Series(np.concatenate([each for each, _ in summed])).unique().sort().to_numpy()
    sums = {name: np.zeros(len(whole), np.int64) for name in COUNTS}
    for ordered, totals in summed:
        at = np.searchsorted(whole, ordered)
        for name, each in totals.items():
            sums[name][at] = each
    return packing.unpacked(whole * packing.page_count, sums)


def _views(rows: pl.DataFrame) -> pl.DataFrame:
    until_next = pl.min_horizontal(pl.col("next_us") - pl.col("at_us"), pl.lit(STAY_LIMIT_US, pl.Int64))
    until_next = pl.when(pl.col("next_us").is_not_null()).then(until_next)
    session = pl.col("session_id")
    return rows.filter(pl.col("kind") == Kind.PAGE_VIEW.value).select(
        "visitor_id",
        "place",
        "t",
        "start_t",
        "os_code",
        "start_os_code",
        "page_code",
        stay_us=pl.coalesce("duration_us", "left_us", until_next, pl.lit(0, pl.Int64)),
        is_entry=(session != session.shift(1)).fill_null(True),
        is_exit=(session != session.shift(-1)).fill_null(True),
    )


def _sessions(rows: pl.DataFrame) -> pl.DataFrame:
    """A row a session, the last of its events. Each explicit open counts, and each return; the first event opens a
    session without an explicit one."""
    opens = pl.max_horizontal(pl.col("opens_so_far") - pl.col("opens_before"), _ONE)
    if "returns" in rows.columns:
        opens += pl.col("returns") - pl.col("returns").shift(1).fill_null(0)
    return rows.filter("ends").with_columns(
        opens=opens,
        session_us=pl.col("at_us") + pl.col("duration_us").fill_null(0) - pl.col("start_us"),
    )


def _presence(rows: pl.DataFrame, views: pl.DataFrame, packing: Packing) -> pl.DataFrame:
    """Who viewed or opened, once each, sorted by visitor and key."""
    viewed = views.select("visitor_id", packing.key())
    opened = rows.filter(pl.col("starts") & (pl.col("kind") != Kind.PAGE_VIEW.value))
    whole = pl.concat([viewed, opened.select("visitor_id", packing.key(page=None))])
    # Visitors are runs: a number for each, in their order, makes one number to sort by.
    visitors, keys = whole["visitor_id"].to_numpy(), whole["key"].to_numpy()
    runs = starts_of(visitors)
    of_runs = pl.Series(visitors[runs])
    known, ranks = of_runs.unique().sort().to_numpy(), of_runs.rank("dense").cast(pl.UInt64).to_numpy() - np.uint64(1)
    codes = np.repeat(ranks, np.diff(runs, append=len(visitors)))
    if len(known).bit_length() + packing.bits > 64:
        ordered = whole.group_by("visitor_id", "key").agg(n=pl.len().cast(pl.Int32)).sort("visitor_id", "key")
        return packing.unpacked(
            ordered["key"].to_numpy(), {name: ordered[name].to_numpy() for name in ("visitor_id", "n")}
        )
    packed = pl.Series(codes << np.uint64(packing.bits) | keys).sort().to_numpy()
    starts = starts_of(packed)
    n, packed = np.diff(starts, append=len(packed)).astype(np.int32), packed[starts]
    key, code = packed & np.uint64((1 << packing.bits) - 1), packed >> np.uint64(packing.bits)
    return packing.unpacked(key, {"visitor_id": known[code.astype(np.int64)], "n": n})
