"""A section of a page: a metric over time, by a chosen grain, with the previous period behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.charts.theme import CONFIG
from lib.charts.trend import Trend
from lib.queries.console import Console
from lib.queries.exportable import Exportable
from lib.queries.remembering import remembered
from lib.ui import filters, notes
from lib.ui.periods import so_far_behind
from lib.ui.tables import Column, Kind, headed, metric_columns, taken
from lib.usage.buckets import Grain, Period
from lib.usage.metrics import Metric
from lib.words import Phrase

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

    def asked(now: pl.DataFrame | None = None) -> Trend:
        as_of = console.usage.as_of()
        behind = so_far_behind(shown, grain, as_of)
        return Trend(
            metric,
            grain,
            shown,
            console.viewer.language,
            ask(shown, grain) if now is None else now,
            ask(shown.previous(), grain),
            as_of,
            part=ask(behind, grain) if behind else None,
            part_until=behind.until if behind else None,
        )

    with top:
        headed(console, f"usage.{name}", _taken(console, name, lambda: asked().rows(), metrics, shown))
    noted, recounts = notes.noted(console, shown, application), console.recounts.on_trend(shown, grain)
    trend = replace(asked(now), notes=noted, recounts=recounts)
    figure, alt = remembered(("trend", trend.facts()), lambda: (trend.figure(), trend.alt()), trend.about_bytes)
    st.plotly_chart(figure, key=f"chart.{name}", alt=alt, config=CONFIG)
    notes.section(console, noted, shown, application)


def _taken(
    console: Console, name: str, ask: Callable[[], pl.DataFrame], metrics: Sequence[Metric], shown: Period
) -> Exportable:
    """The rows of a trend to take away, with the previous period's beside them."""
    columns = (Column("bucket", "usage.bucket", Kind.INSTANT), *metric_columns(metrics))
    exportable = taken(console, name, ask, columns, shown)
    before = {f"before_{each.key}": Phrase("usage.before_of", metric=Phrase(each.words)) for each in metrics}
    return replace(exportable, headings={**exportable.headings, "before_bucket": "usage.before_bucket", **before})
