"""A section of a page: a metric over time, by a chosen grain, with the previous period behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.charts.theme import CONFIG
from lib.charts.trend import Trend
from lib.queries.console import Console
from lib.queries.remembering import remembered
from lib.ui import filters, notes
from lib.ui.tables import Column, Kind, heading, metric_columns
from lib.usage.buckets import Grain, Period
from lib.usage.metrics import Metric

Ask = Callable[[Period, Grain], pl.DataFrame]


def section(
    console: Console,
    name: str,
    metrics: Sequence[Metric],
    shown: Period,
    ask: Ask,
    *,
    now: pl.DataFrame | None = None,
    application: str | None = None,
    top: DeltaGenerator | None = None,
) -> None:
    """Draw it from what `ask` answers for a period and a grain: `bucket` and the metrics. Its heading goes to `top`.

    `now` is the answer for the period by the grain that the address says, where the page has it already.
    The notes on it are those of the whole tenant and of the application's project, or of every project.
    """
    top = top or st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=240):
            metric = filters.metric(console, "metric", metrics)
        with st.container(width="content"):
            grain = filters.grain(console, shown)
    columns = (Column("bucket", "usage.bucket", Kind.INSTANT), *metric_columns(metrics))
    with top:
        heading(console, f"usage.{name}", name, lambda: ask(shown, grain), columns, shown)
    now, before = ask(shown, grain) if now is None else now, ask(shown.previous(), grain)
    noted, recounts = notes.noted(console, shown, application), console.recounts.on_trend(shown, grain)
    as_of, language = console.usage.as_of(), console.viewer.language
    trend = Trend(metric, grain, shown, language, now, before, as_of, noted, recounts)
    figure, alt = remembered(("trend", trend.facts()), lambda: (trend.figure(), trend.alt()), trend.about_bytes)
    st.plotly_chart(figure, key=f"chart.{name}", alt=alt, config=CONFIG)
    notes.section(console, noted, shown, application)
