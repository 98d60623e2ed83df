"""A section of a page: mini programs or applications by a metric, each with its own exact figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import streamlit as st

from lib.queries.console import Console
from lib.ui import filters
from lib.ui.tables import Column, Kind, heading, metric_columns, table
from lib.usage.buckets import Period
from lib.usage.metrics import METRIC_BY_KEY, METRICS, Metric

STANDING = tuple(METRIC_BY_KEY[key] for key in ("opens", "page_views", "active_users", "new_users", "time_per_user"))
"""What a ranking shows beside the metric that it ranks by."""


def ranked_by(console: Console) -> Metric:
    """The heading over the rankings, with the choice of the metric that they rank by."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader(console.say("usage.rankings"), anchor=False, width="stretch")
        return filters.metric(console, "rank", METRICS)


def section(
    console: Console,
    name: str,
    rows: pl.DataFrame,
    again: Callable[[], pl.DataFrame],
    by: Metric,
    shown: Period,
    *,
    metrics: Sequence[Metric] = STANDING,
    on_open: Callable[[dict[str, Any]], object] | None = None,
) -> None:
    """Draw rows of `key`, `name` and metrics, the most of a metric first; a click on a name opens it.

    `again` asks for the rows once more when they are taken away.
    """
    ordered = list(dict.fromkeys([by, *metrics]))
    taken = (Column("key", "usage.key"), Column("name", "usage.name"), *metric_columns(ordered))
    heading(console, f"usage.{name}", name, again, taken, shown, minor=on_open is not None)
    rows = rows.sort(by.key, descending=True, nulls_last=True, maintain_order=True)
    opening = Column("name", "usage.name", Kind.OPENS, "usage.opens_dashboard", width=220)
    named = opening if on_open else Column("name", "usage.name", width=220)
    table(console, name, rows, (named, *metric_columns(ordered)), clicks={"name": on_open} if on_open else None)
