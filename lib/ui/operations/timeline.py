"""How the operations spread over the period; a part of it is chosen by dragging over bars."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lib.charts.histogram import Histogram
from lib.charts.theme import CONFIG
from lib.queries.console import Console
from lib.queries.operations import OperationCounts
from lib.ui.operations import period
from lib.ui.operations.state import Shown, narrow
from lib.usage.buckets import Grain


def draw(console: Console, shown: Shown, counts: OperationCounts, grain: Grain) -> None:
    """Draw the histogram."""
    asked = shown.asked
    chart = Histogram(counts.histogram, asked.until, grain, console.viewer.language)
    # With the period in its key a selection ends with the period that it was made in.
    key = f"oplog.histogram.{shown.period}.{asked.zone}"
    st.plotly_chart(
        chart.figure(),
        key=key,
        on_select=partial(_choose, key, chart, asked.zone),
        selection_mode=("points", "box"),
        config=CONFIG,
        alt=chart.alt(),
    )
    st.caption(console.say("operations.by_grain", grain=console.say(f"charts.by_{grain.name.lower()}").capitalize()))


def _choose(key: str, chart: Histogram, zone: str) -> None:
    found = chart.picked(st.session_state[key]["selection"])
    if found is not None:
        narrow(period=period.text_of(*found, zone))
