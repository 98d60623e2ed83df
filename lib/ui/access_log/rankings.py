"""What there is most of: ranked values, each with its bar; a click on one filters by it."""

from __future__ import annotations

import polars as pl
import streamlit as st

from lib.logs.place_names import named_places
from lib.queries.console import Console
from lib.queries.exportable import Exportable, days_between
from lib.ui import address
from lib.ui.access_log.log import Ranking
from lib.ui.access_log.state import PLACES, Shown
from lib.ui.listing import ranked
from lib.ui.listing.ranked import Rank
from lib.ui.tables import headed

MOST_SHOWN = 8
MOST_TAKEN = 10_000
"""Values in the file of a ranking."""


def draw(console: Console, shown: Shown) -> None:
    """Two lists, and the places: by country or by region."""
    standing = [each for each in shown.log.rankings if each.column not in PLACES]
    places = next(each for each in shown.log.rankings if each.column == shown.places)
    for column, ranking in zip(st.columns(3, gap="medium"), [*standing, places], strict=True):
        with column:
            _ranking(console, shown, ranking)


def _ranking(console: Console, shown: Shown, ranking: Ranking) -> None:
    with st.container(gap="xsmall"):
        headed(console, ranking.words, _taken(console, shown, ranking), minor=True)
        found = _found(console, shown, ranking, MOST_SHOWN)
        if found.is_empty():
            st.caption(console.say(f"access_log.none_by_{ranking.column}"))
        else:
            ranks = [_rank(console, shown, ranking, *row) for row in found.iter_rows()]
            chosen = getattr(shown.asked, ranking.name) or ""
            ranked.draw(shown.log.listing, ranking.name, console.say(ranking.words), ranks, chosen)
        if ranking.column in PLACES:
            _by(console, shown)


def _by(console: Console, shown: Shown) -> None:
    """Which places: countries, or regions of one."""
    st.segmented_control(
        console.say("access_log.place"),
        PLACES,
        format_func=lambda name: console.say(f"access_log.by_{name}"),
        label_visibility="collapsed",
        required=True,
        **address.tied("places", shown.places, lambda name: "" if name == PLACES[0] else str(name)),
    )


def _found(console: Console, shown: Shown, ranking: Ranking, most: int) -> pl.DataFrame:
    """The values whatever is chosen of them, so that another can be."""
    top = shown.log.queries(console).top(shown.without(ranking.name), ranking.column, most)
    return top.filter(pl.col("value") != "")


def _rank(console: Console, shown: Shown, ranking: Ranking, value: str, count: int, failed: int) -> Rank:
    choice = next(each for each in shown.log.choices if each.name == ranking.name)
    text = choice.word(value, console.viewer.language)
    key = f"access_log.rank_{shown.log.key}{'_failed' if failed else ''}"
    return Rank(value, text, count, failed, console.say(key, value=text, total=f"{count:,}", failed=f"{failed:,}"))


def _taken(console: Console, shown: Shown, ranking: Ranking) -> Exportable:
    counted = shown.log.counted
    headings = {ranking.column: ranking.heading, counted.every: f"column.{counted.every}"}
    headings |= {counted.failures: f"column.{counted.failures}"}

    def ask() -> pl.DataFrame:
        found = _found(console, shown, ranking, MOST_TAKEN).rename({"value": ranking.column})
        return named_places(found, console.viewer.language)

    asked = shown.asked
    days = days_between(asked.since, asked.until, asked.zone)
    return Exportable.of_frame(ranking.kind, headings, ask, *days, asked.zone)
