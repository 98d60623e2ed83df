"""The filters above the list: kinds as chips with counts, a keyword, the application, the version and the system."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import streamlit as st

from lib.feedback.types import ABNORMALITY, FEEDBACK_KINDS
from lib.queries.console import Console
from lib.queries.feedback import Facet
from lib.queries.feedback_filter import FeedbackFilter
from lib.ui import filters
from lib.ui.feedback.state import LISTING, Shown
from lib.ui.listing import bar

_STYLE = """
<style>
@media (max-width: 640px) {
  .st-key-feedback_filters > [data-testid="stLayoutWrapper"] { width: 100%; flex-basis: 100%; }
}
</style>
"""

MOST_OFFERED = 200
"""Versions or systems, those with most records first."""


def draw(console: Console, shown: Shown) -> None:
    """Every filter of a tab of feedback but the period."""
    st.html(_STYLE)
    if shown.tab == ABNORMALITY.key:
        _kinds(console, shown)
    asked = shown.asked
    with st.container(horizontal=True, vertical_alignment="bottom", key="feedback_filters"):
        bar.search(console, LISTING, asked.keyword or "", "feedback.search")
        _choice(console, replace(asked, application=None), "application", asked.application)
        _choice(console, replace(asked, version=None), "version", asked.version)
        _choice(console, replace(asked, os=None), "os", asked.os)


def _choice(console: Console, asked: FeedbackFilter, column: Facet, chosen: str | None) -> None:
    """The values of a column with their counts; the chosen one in any case, so that a link keeps its filter."""
    counted = console.feedback.by(asked, column).filter(pl.col("value") != "").rows()
    offered = {value: _with_count(console, name, count) for value, name, count in counted[:MOST_OFFERED]}
    if chosen and chosen not in offered:
        count = next((count for value, _name, count in counted if value == chosen), 0)
        offered[chosen] = _with_count(console, chosen, count)
    with st.container(width=205):
        filters.choice(console, column, offered, everything=f"usage.every_{column}", clears=LISTING.place)


def _kinds(console: Console, shown: Shown) -> None:
    found = console.feedback.by(replace(shown.asked, kind=None), "kind")
    counts = dict(zip(found["value"], found["count"], strict=True))
    labels = {
        kind.key: _with_count(console, console.say(kind.words), counts.get(kind.key, 0)) for kind in FEEDBACK_KINDS
    }
    st.pills(
        console.say("feedback.kinds"),
        list(labels),
        format_func=labels.__getitem__,
        label_visibility="collapsed",
        **LISTING.tied("kind", shown.asked.kind, lambda key: str(key or "")),
    )


def _with_count(console: Console, name: str, count: int) -> str:
    return console.say("feedback.with_count", name=name, count=f"{count:,}")
