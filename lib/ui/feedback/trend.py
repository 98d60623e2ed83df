"""How much feedback there was and when, beside the opens of the mini program (SPEC F1, U7)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import polars as pl
import streamlit as st

from lib.access.permissions import Permission
from lib.charts.feedback import FeedbackTrend
from lib.charts.theme import CONFIG
from lib.charts.units import Figure
from lib.errors import BadInput
from lib.feedback.types import PRODUCT
from lib.queries.console import Console
from lib.ui import cards, filters
from lib.ui.cards import Card
from lib.ui.feedback.state import LISTING, Shown
from lib.ui.listing.period import text_of
from lib.ui.periods import compared
from lib.ui.tables import Column, Kind, heading
from lib.usage.buckets import Grain, bucket_of, start_of
from lib.usage.metrics import Unit

COLUMNS = (
    Column("bucket", "usage.bucket", Kind.INSTANT),
    Column("count", "feedback.count", Kind.COUNT),
    Column("opens", "feedback.opens", Kind.COUNT),
    Column("rate", "feedback.rate", Kind.RATIO),
)
_UNITS = {"count": Unit.COUNT, "opens": Unit.COUNT, "rate": Unit.RATIO}


def rows_of(console: Console, shown: Shown, grain: Grain | None = None) -> pl.DataFrame:
    """`bucket`, `count`, `opens` and `rate` by the grain, or by the one that the address says."""
    return console.feedback.per_thousand_opens(shown.asked, grain or filters.grain_shown(shown.halves))


def section(console: Console, shown: Shown, rows: pl.DataFrame) -> None:
    """The figures of the period against the one before, and the chart of `rows` with its download."""
    period, sees_opens = shown.halves, console.viewer.allows(Permission.USAGE_READ)
    with suppress(BadInput):  # before a period of so many years there is none to compare it with
        _cards(console, shown, rows, _UNITS if sees_opens else ("count",))
    grain = filters.grain_shown(period)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container():
            again = partial(rows_of, console, shown, grain)
            heading(console, "feedback.trend", "feedback_trend", again, COLUMNS, period)
        with st.container(width="content"):
            filters.grain(console, period)
    chart = FeedbackTrend(rows, period, grain, console.viewer.language)
    # With the period in its key a selection ends with the period that it was made in.
    key = f"chart.feedback.{shown.period}.{shown.asked.zone}.{grain.value}"
    choose = partial(_choose, key, chart, shown.asked.zone)
    st.plotly_chart(chart.figure(), key=key, on_select=choose, selection_mode="points", alt=chart.alt(), config=CONFIG)
    st.caption(console.say("feedback.click_a_bar"))
    if sees_opens and (shown.asked.kind or shown.asked.version or shown.asked.keyword):
        st.caption(console.say("feedback.rate_of_all"))


def _choose(key: str, chart: FeedbackTrend, zone: str) -> None:
    found = chart.picked(st.session_state[key]["selection"])
    if found is not None:
        LISTING.narrow(period=text_of(*found, zone))


def _cards(console: Console, shown: Shown, rows: pl.DataFrame, names: Iterable[str]) -> None:
    period = shown.halves
    before = compared(period, start_of(bucket_of(datetime.now(UTC)) + 1))
    asked = replace(shown.asked, since=before.since, until=before.until)
    now, then = (_totals(each) for each in (rows, console.feedback.per_thousand_opens(asked, Grain.PERIOD)))
    cards.draw(console, [_card(console, shown, name, now[name], then[name]) for name in names], period, before)


def _totals(rows: pl.DataFrame) -> dict[str, Figure]:
    """The whole period's figures: a sum over a sum, null where nothing is known (SPEC T4)."""
    count = int(rows["count"].sum())
    opens = int(rows["opens"].sum()) if rows["opens"].count() else None
    return {"count": count, "opens": opens, "rate": count * 1000 / opens if opens else None}


def _card(console: Console, shown: Shown, name: str, now: Figure, before: Figure) -> Card:
    more_is_better = True if name == "opens" else None if shown.tab == PRODUCT.key else False
    label, explained = console.say(f"feedback.{name}"), console.say(f"feedback.{name}_help")
    return Card(label, explained, _UNITS[name], now, before, more_is_better)
