"""The page of the access log put together: what is asked, what was found, and that it was read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.charts.histogram import Histogram
from lib.errors import NotPermitted
from lib.queries.console import Console
from lib.queries.exportable import Exportable, days_between
from lib.queries.rooms import room
from lib.ui import address, downloads
from lib.ui.access_log import details, filter_bar, listing, nothing, rankings, state
from lib.ui.access_log.log import Log
from lib.ui.access_log.state import Shown
from lib.ui.listing import look, period_row, reading, timeline
from lib.ui.listing.period import grain_of
from lib.ui.page import refuse
from lib.usage.buckets import Grain

_STYLE = """
<style>
@media (max-width: 640px) {
  [data-testid="stVerticalBlock"]:has(> [data-testid="stLayoutWrapper"] > .st-key-access_rankings),
  [data-testid="stVerticalBlock"]:has(> .st-key-access_rankings) { flex-direction: column-reverse; }
}
.st-key-access_rankings { margin-bottom: .75rem; }
.st-key-access_rankings [data-testid="stPopover"] button p {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
}
</style>
"""


def draw(console: Console) -> None:
    """The page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(console.say("page.access_log"), anchor=False, width="stretch")
        st.button(console.say("usage.refresh"), icon=":material/refresh:", key="refresh")
    look.dress()
    st.html(_STYLE)
    try:
        shown = state.read(console)
    except NotPermitted as error:
        refuse(error, console.viewer.language)
    with _tab(console, shown.log):
        asked = shown.asked
        span = (asked.since, asked.until)
        period_row.draw(console, shown.log.listing, shown.period, span, asked.zone)
        _record_reading(console, shown)
        _log(console, shown)
    if shown.record is not None:
        details.show(console, shown)


def _tab(console: Console, log: Log) -> DeltaGenerator:
    """The container of the open tab; the other is not drawn."""
    mine = state.open_to(console.viewer)
    labels = {console.say(f"access_log.tab_{each.key}"): each.key for each in mine}
    label = console.say(f"access_log.tab_{log.key}")
    said = address.tied(
        "tab", label, lambda words: labels.get(words, mine[0].key), widget="log", clears=state.OF_ONE_LOG
    )
    return st.tabs([*labels], **said)[mine.index(log)]


def _record_reading(console: Console, shown: Shown) -> None:
    told = shown.asked.as_json()
    noted_by = console.log_reading.note_visits if shown.log.key == "visits" else console.log_reading.note_sign_ins
    reading.once(f"access_log.{shown.log.key}", [console.viewer.tenant_key, told], lambda: noted_by(told))


def _log(console: Console, shown: Shown) -> None:
    """Everything below the period."""
    log, asked = shown.log, shown.asked
    grain = grain_of(asked.since, asked.until)
    histogram = log.queries(console).histogram(asked, grain, filled=True)
    filter_bar.draw(console, shown)
    total = int(histogram[log.counted.every].sum())
    if not total:
        nothing.draw(console, shown)
        return
    _total(console, shown, total, int(histogram[log.counted.failures].sum()))
    _timeline(console, shown, histogram, grain)
    with st.container():
        with st.container(key="access_rankings"):
            rankings.draw(console, shown)
        with st.container():
            listing.draw(console, shown, total)


def _total(console: Console, shown: Shown, total: int, failed: int) -> None:
    words = f"access_log.{shown.log.key}_{'one' if total == 1 else 'many'}{'_failed' if failed else ''}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{console.say(words, total=f'{total:,}', failed=f'{failed:,}')}**", width="content")
        downloads.control(console, taken(console, shown))


def taken(console: Console, shown: Shown) -> Exportable:
    """What is downloaded: the rows of the filter in the columns shown, those that come while one looks left out."""
    until = min(shown.asked.until, max(datetime.now(UTC), shown.asked.since + timedelta(seconds=1)))
    exportable = room(shown.log.key).exportable(console, replace(shown.asked, until=until).as_json())
    return exportable.only(shown.log.columns.taken(shown.columns))


def _timeline(console: Console, shown: Shown, histogram: pl.DataFrame, grain: Grain) -> None:
    log, asked = shown.log, shown.asked
    chart = Histogram(histogram, asked.until, grain, console.viewer.language, log.counted)
    headings = {name: f"column.{name}" for name in histogram.columns}
    again = Exportable.of_frame(
        f"{log.key}_by_time",
        headings,
        lambda: log.queries(console).histogram(asked, grain, filled=True),
        *days_between(asked.since, asked.until, asked.zone),
        asked.zone,
    )
    timeline.draw(console, log.listing, chart, shown.period, asked.zone, again)
