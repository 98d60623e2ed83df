"""How records spread over the period; a part of it is chosen by a click on a bar or by dragging over several."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import streamlit as st

from lib.charts.histogram import Histogram
from lib.charts.theme import CONFIG
from lib.queries.console import Console
from lib.queries.exportable import Exportable
from lib.ui import downloads
from lib.ui.listing import period
from lib.ui.listing.listing import Listing


def draw(console: Console, listing: Listing, chart: Histogram, text: str, zone: str, taken: Exportable) -> None:
    """The histogram of the period that the address writes as `text`, and the download of its figures."""
    # With the period in its key a selection ends with the period that it was made in.
    key = f"{listing.key}.histogram.{text}.{zone}"
    place = f"{listing.key}_histogram"
    with st.container(gap="xsmall", key=place):
        st.plotly_chart(
            chart.figure(),
            key=key,
            on_select=partial(_choose, listing, key, chart, zone),
            selection_mode=("points", "box"),
            config=CONFIG,
            alt=chart.alt(),
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            grain = console.say(f"charts.by_{chart.grain.name.lower()}").capitalize()
            words = "listing.by_grain_failed" if chart.has_failures else "listing.by_grain"
            st.caption(console.say(words, grain=grain), width="content")
            downloads.control(console, taken)
        clicks = st.components.v2.component("bar_clicks", js=_script())
        act = partial(_click, listing, f"{place}.clicks", chart, zone)
        clicks(data={"place": place}, key=f"{place}.clicks", on_clicked_change=act)


def _choose(listing: Listing, key: str, chart: Histogram, zone: str) -> None:
    _show(listing, chart, zone, st.session_state[key]["selection"])


def _click(listing: Listing, key: str, chart: Histogram, zone: str) -> None:
    _show(listing, chart, zone, {"points": [{"point_index": st.session_state[key]["clicked"]}]})


def _show(listing: Listing, chart: Histogram, zone: str, selection: Mapping[str, Any]) -> None:
    found = chart.picked(selection)
    if found is not None:
        listing.narrow(period=period.text_of(*found, zone))


@cache
def _script() -> str:
    return (Path(__file__).parent / "clicks.js").read_text("utf-8")
