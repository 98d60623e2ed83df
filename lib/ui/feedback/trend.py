"""How much feedback there was and when, beside the opens of the mini program (SPEC F1, U7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import streamlit as st

from lib.charts.feedback import FeedbackTrend
from lib.charts.theme import CONFIG
from lib.charts.units import Figure
from lib.feedback.types import PRODUCT
from lib.queries.console import Console
from lib.ui import cards, filters
from lib.ui.cards import Card
from lib.ui.feedback.state import Shown
from lib.ui.periods import compared
from lib.ui.tables import Column, Kind, heading
from lib.usage.buckets import Grain, Period, bucket_of, start_of
from lib.usage.metrics import Unit

COLUMNS = (
    Column("bucket", "usage.bucket", Kind.INSTANT),
    Column("count", "feedback.count", Kind.COUNT),
    Column("opens", "feedback.opens", Kind.COUNT),
    Column("rate", "feedback.rate", Kind.RATIO),
)
_UNITS = {"count": Unit.COUNT, "opens": Unit.COUNT, "rate": Unit.RATIO}


def section(console: Console, shown: Shown) -> None:
    """The figures of the period against the one before, and the chart with its download."""
    period = shown.halves
    before = compared(period, start_of(bucket_of(datetime.now(UTC)) + 1))
    now, then = (_of_period(console, shown, each) for each in (period, before))
    names = _UNITS if now["opens"] is not None else ("count",)
    wall = [_card(console, shown, name, now[name], then[name]) for name in names]
    cards.draw(console, wall, period, before)
    grain = filters.grain_shown(period)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container():
            heading(console, "feedback.trend", "feedback_trend", lambda: _rows(console, shown, grain), COLUMNS, period)
        with st.container(width="content"):
            filters.grain(console, period)
    chart = FeedbackTrend(_rows(console, shown, grain), period, grain, console.viewer.language)
    st.plotly_chart(chart.figure(), key="chart.feedback", alt=chart.alt(), config=CONFIG)
    asked = shown.asked
    if now["opens"] is not None and (asked.kind or asked.version or asked.keyword):
        st.caption(console.say("feedback.rate_of_all"))


def _rows(console: Console, shown: Shown, grain: Grain) -> pl.DataFrame:
    return console.feedback.per_thousand_opens(shown.asked, grain)


def _of_period(console: Console, shown: Shown, period: Period) -> dict[str, Figure]:
    asked = replace(shown.asked, since=period.since, until=period.until)
    rows = console.feedback.per_thousand_opens(asked, Grain.PERIOD)
    return {name: rows[name][0] if len(rows) else None for name in _UNITS}


def _card(console: Console, shown: Shown, name: str, now: Figure, before: Figure) -> Card:
    more_is_better = True if name == "opens" else None if shown.tab == PRODUCT.key else False
    label, explained = console.say(f"feedback.{name}"), console.say(f"feedback.{name}_help")
    return Card(label, explained, _UNITS[name], now, before, more_is_better)
