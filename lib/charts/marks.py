"""What lies over a trend: notes on dates, and buckets that were counted again."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import polars as pl

from lib.charts.theme import NOTE, RECOUNT
from lib.charts.units import MINUS
from lib.usage.buckets import Grain, Period, bucket_starts, of_dates
from lib.words import Language, say

WIDEST = 44
"""Characters of a line in a hover box; Plotly does not break lines itself."""

MOST_LINES = 6

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HOVER = "%{customdata}<extra></extra>"


def hover_text(text: str) -> str:
    """What somebody typed, for a hover box, which reads a little HTML: shown as typed, in a few short lines."""
    lines = textwrap.wrap(_CONTROL.sub(" ", text), WIDEST, max_lines=MOST_LINES, placeholder="…")
    # Plotly knows no &quot;.
    return "<br>".join(html.escape(line, quote=False) for line in lines)


def note_lines(
    notes: pl.DataFrame, period: Period, grain: Grain, top: float, language: Language
) -> list[go.Scatter]:
    """A thin line through the bucket in which each noted day begins, and a mark at its top that tells the notes.

    `notes` has `noted_on`, `name` and `description`; `top` is where the axis ends.
    """
    texts: dict[str, list[str]] = {}
    starts = dict(bucket_starts(period, grain).select("t", pl.col("bucket").dt.to_string("%Y-%m-%dT%H:%M")).iter_rows())
    for noted_on, name, description in notes.select("noted_on", "name", "description").iter_rows():
        at = starts.get(max(of_dates(noted_on, noted_on, period.zone).first, period.first))
        if at is not None:
            told = f"<b>{hover_text(name)}</b> ({noted_on:%Y-%m-%d})"
            texts.setdefault(at, []).append("<br>".join(part for part in (told, hover_text(description)) if part))
    if not texts:
        return []
    group = {"legendgroup": "notes", "name": say("charts.notes", language)}
    across = [(place, y) for at in texts for place, y in ((at, 0.0), (at, top), (None, None))]
    lines = go.Scatter(
        x=[place for place, _ in across],
        y=[y for _, y in across],
        mode="lines",
        line={"color": NOTE, "width": 1},
        hoverinfo="skip",
        showlegend=False,
        **group,
    )
    heads = _marks(list(texts), [top] * len(texts), ["<br>".join(each) for each in texts.values()], group)
    return [lines, heads.update(marker={"symbol": "triangle-down", "size": 11, "color": NOTE})]


def recount_marks(recounts: pl.DataFrame, figures: pl.DataFrame, language: Language) -> list[go.Scatter]:
    """A ring around each point whose bucket was counted again after it had been published, and what came in between.

    `recounts` has `bucket`, `rows_late`, `rows_excluded` and `recorded_at`; `figures` has `bucket` and `figure`.
    """
    rows = recounts.join(figures.drop_nulls("figure"), on="bucket").sort("bucket")
    if rows.is_empty():
        return []
    texts = [
        say(
            "charts.recounted",
            language,
            when=f"{row['recorded_at']:%Y-%m-%d %H:%M}",
            late=f"{row['rows_late']:,}",
            excluded=f"{row['rows_excluded']:,}".replace("-", MINUS),
        )
        for row in rows.iter_rows(named=True)
    ]
    places = rows["bucket"].dt.to_string("%Y-%m-%dT%H:%M").to_list()
    rings = _marks(places, rows["figure"].to_list(), texts, {"name": say("charts.recounts", language)})
    return [rings.update(marker={"symbol": "circle-open", "size": 11, "color": RECOUNT, "line": {"width": 1.5}})]


def _marks(places: list[str], heights: list[float], texts: list[str], look: Mapping[str, Any]) -> go.Scatter:
    told = {"customdata": texts, "hovertemplate": _HOVER}
    return go.Scatter(x=places, y=heights, mode="markers", cliponaxis=False, **told, **look)
