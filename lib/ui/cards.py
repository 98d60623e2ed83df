"""Figures as cards, each with its change against the period before, in a sign and words and not only in colour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.charts.units import DASH, Change, Figure, change, figure_text, short_text
from lib.queries.console import Console
from lib.queries.status import Freshness
from lib.ui import filters
from lib.ui.periods import days_of
from lib.usage.buckets import Period, zone_of
from lib.usage.metrics import METRIC_BY_KEY, Metric, Unit

OVERVIEW = tuple(METRIC_BY_KEY[key] for key in ("opens", "page_views", "active_users", "new_users", "time_per_user"))
"""The metrics of the tenant as a whole."""

_NARROWEST = 150
"""Pixels: two cards side by side on a phone."""

_MOST_IN_A_ROW = 4
"""As many as have room for their changes in the words of either language at 1,280 pixels."""


@dataclass(frozen=True)
class Card:
    """A figure with the one before it. `of` is what it is a part of, as in 3 of 4; `trend` runs to the figure."""

    label: str
    help: str
    unit: Unit
    now: Figure
    before: Figure
    more_is_better: bool | None = True
    of: int | None = None
    trend: Sequence[Figure] = ()


def metric_cards(
    console: Console,
    metrics: Sequence[Metric],
    now: Mapping[str, Figure],
    before: Mapping[str, Figure],
    trend: pl.DataFrame,
) -> list[Card]:
    """A card for each metric, with its column of the trend."""
    return [
        Card(
            console.say(metric.words),
            console.say(f"{metric.words}_help"),
            metric.unit,
            now[metric.key],
            before[metric.key],
            metric.more_is_better,
            trend=trend[metric.key].to_list(),
        )
        for metric in metrics
    ]


def counted_card(console: Console, name: str, now: pl.DataFrame, before: pl.DataFrame, known: Sequence[object]) -> Card:
    """How many applications or mini programs had usage, a row each, of all that the viewer sees."""
    label, explained = console.say(f"usage.{name}"), console.say(f"usage.{name}_help")
    return Card(label, explained, Unit.COUNT, len(now), len(before), of=len(known))


def draw(console: Console, cards: Sequence[Card], period: Period, before: Period) -> None:
    """Cards side by side, as many as fit; says which instants a period that is not over is compared with."""
    first, last = days_of(period)
    words = "usage.before_day" if first == last else "usage.before_days"
    compared_with = console.say(words, days=(last - first).days + 1)
    if before != period.previous():
        zone = zone_of(period.zone)
        since, until = (f"{instant.astimezone(zone):%Y-%m-%d %H:%M}" for instant in (before.since, before.until))
        st.caption(console.say("usage.compared_so_far", since=since, until=until))
    wall = wall_of(len(cards))
    for card in cards:
        _draw_one(console, wall, card, compared_with)


def in_a_row(count: int) -> int:
    """How many of so many cards stand side by side: the most that leave none alone in the last row."""
    balanced = (columns for columns in range(_MOST_IN_A_ROW, 1, -1) if count % columns != 1)
    return min(count, next(balanced, _MOST_IN_A_ROW))


def wall_of(count: int) -> DeltaGenerator:
    """Where so many cards go, in rows of `in_a_row`, and fewer where a screen has no room for them."""
    return st.grid(in_a_row(count), min_column_width=_NARROWEST)


def freshness_cards(console: Console, freshness: Freshness) -> None:
    """How new the figures are, and what waits to be counted."""
    zone = zone_of(filters.zone(console))
    wall = wall_of(4)
    for name, instant in (("as_of", freshness.as_of), ("published_at", freshness.published_at)):
        local = None if instant is None else instant.astimezone(zone)
        wall.metric(
            console.say(f"status.{name}"),
            console.say("status.never") if local is None else f"{local:%H:%M}",
            delta=None if local is None else f"{local:%Y-%m-%d}",
            delta_color="gray",
            delta_arrow="off",
            delta_description=None if local is None else zone.key,
            help=console.say(f"status.{name}_help"),
            border=True,
            height="stretch",
        )
    for name, count, among in (
        ("publication", freshness.publication, None),
        ("waiting", freshness.waiting_rows, console.say("status.batches", batches=f"{freshness.waiting_batches:,}")),
    ):
        wall.metric(
            console.say(f"status.{name}"),
            f"{count:,}",
            delta=among,
            delta_color="gray",
            delta_arrow="off",
            help=console.say(f"status.{name}_help"),
            border=True,
            height="stretch",
        )


def _draw_one(console: Console, wall: DeltaGenerator, card: Card, compared_with: str) -> None:
    language = console.viewer.language
    value = short_text(card.now, card.unit, language)
    exact, before = (figure_text(figure, card.unit, language) for figure in (card.now, card.before))
    difference = change(card.now, card.before, language)
    told = "" if exact == DASH else console.say("usage.card_help", now=exact, before=before)
    wall.metric(
        card.label,
        value if card.of is None else console.say("usage.card_of", now=value, of=f"{card.of:,}"),
        delta=difference.text,
        delta_color=_colour(difference, card.more_is_better),
        delta_arrow=_arrow(difference),
        delta_description=compared_with,
        help="\n\n".join(part for part in (card.help, told) if part),
        border=True,
        height="stretch",
        # A gap where there is nothing over nothing.
        chart_data=[math.nan if figure is None else figure for figure in card.trend] if len(card.trend) > 1 else None,
        chart_type="area",
    )


def _arrow(difference: Change) -> Literal["up", "down", "off"]:
    return "up" if difference.direction == 1 else "down" if difference.direction == -1 else "off"


def _colour(difference: Change, more_is_better: bool | None) -> Literal["green", "red", "gray"]:
    if not difference.direction or more_is_better is None:
        return "gray"
    return "green" if (difference.direction > 0) is more_is_better else "red"
