"""The tab of a dashboard that shows how many users come back (SPEC U9)."""

from __future__ import annotations

from functools import partial
from typing import cast

import polars as pl
import streamlit as st

from lib.charts.heat import heat
from lib.charts.units import DASH, share_text
from lib.queries.console import Console
from lib.queries.usage import UsageFilter
from lib.ui import address
from lib.ui.tables import MOST_ROWS_OF_A_PAGE, ROW_HEIGHT, Column, Kind, heading
from lib.usage.retention import DAYS_LATER, Cohort, average

COHORTS: tuple[Cohort, ...] = ("new", "active")

MOST_DAYS = 366
"""Rows that are drawn at once, the newest; the download has all."""

_SHARES = tuple(f"day_{later}" for later in DAYS_LATER)
_COLUMNS = (
    Column("day", "retention.day"),
    Column("users", "retention.users", Kind.COUNT),
    *(Column(share, f"retention.{share}", Kind.SHARE) for share in _SHARES),
)


def section(console: Console, asked: UsageFilter) -> None:
    """Whose return is looked at, and a row for each day: how many users, and the share that came back."""
    of = _cohort()
    taken = partial(_taken, console, asked, of)
    heading(console, "retention.title", "retention", taken, _COLUMNS, asked.period)
    st.segmented_control(
        console.say("retention.of"),
        COHORTS,
        format_func=lambda each: console.say(f"retention.{each}"),
        required=True,
        **address.tied("of", of, str),
    )
    st.caption(console.say(f"retention.{of}_help"))
    days = _ask(console, asked, of)
    if days.is_empty():
        st.info(console.say("retention.nobody"), icon=":material/hourglass_empty:")
        return
    if len(days) > MOST_DAYS:
        st.caption(console.say("retention.newest", most=MOST_DAYS, days=f"{len(days):,}"))
    _table(console, days)


def _cohort() -> Cohort:
    return cast(Cohort, address.read_one_of("of", COHORTS, COHORTS[0]))


def _ask(console: Console, asked: UsageFilter, of: Cohort) -> pl.DataFrame:
    return console.usage.retention(asked, of)


def _taken(console: Console, asked: UsageFilter, of: Cohort) -> pl.DataFrame:
    return _with_average(console, _ask(console, asked, of))


def _with_average(console: Console, days: pl.DataFrame) -> pl.DataFrame:
    """The average of all days as the first row, then the days, newest last, as they are written; none of no days."""
    named = days.with_columns(pl.col("day").dt.to_string("%Y-%m-%d"))
    words, nobody = pl.lit(console.say("retention.average")).alias("day"), pl.lit(None, pl.Int64).alias("users")
    overall = average(days).select(words, nobody, *_SHARES)
    return pl.concat([overall, named.select(overall.columns)]) if len(days) else named


def _table(console: Console, days: pl.DataFrame) -> None:
    """The average of all days, then the newest, each share on a ground that is darker the more came back."""
    every = _with_average(console, days)
    rows = pl.concat([every.head(1), every.slice(1).tail(MOST_DAYS)])
    most = max((share for name in _SHARES for share in rows[name].slice(1).drop_nulls()), default=0.0)
    styled = (
        rows.to_pandas()
        .style.map(partial(heat, most=most), subset=list(_SHARES))
        .format(dict.fromkeys(_SHARES, _share) | {"users": _count})
    )
    st.dataframe(
        styled,
        hide_index=True,
        height="content" if len(rows) <= MOST_ROWS_OF_A_PAGE else (MOST_ROWS_OF_A_PAGE + 1) * ROW_HEIGHT,
        row_height=ROW_HEIGHT,
        column_config={
            column.key: st.column_config.Column(console.say(column.words), pinned=column.key == "day")
            for column in _COLUMNS
        },
        key="table.retention",
        placeholder=DASH,
        alt=console.say("table.retention", rows=len(days)),
    )


def _share(share: float | None) -> str:
    return DASH if share is None or share != share else share_text(share)


def _count(users: float | None) -> str:
    return DASH if users is None or users != users else f"{users:,.0f}"
