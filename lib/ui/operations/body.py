"""The page of the operation log put together: what is asked, what was found, and that it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.queries.console import Console
from lib.queries.exportable import Exportable
from lib.queries.operations import OperationCounts
from lib.queries.rooms import room
from lib.ui import address, downloads
from lib.ui.listing import look, reading
from lib.ui.listing import period_row as period_choice
from lib.ui.listing.period import grain_of
from lib.ui.operations import facets, filter_bar, listing, timeline
from lib.ui.operations.columns import COLUMNS
from lib.ui.operations.state import LISTING, Shown

TABS = ("operations", "proof")


def period_row(console: Console, shown: Shown) -> None:
    """Which period, in which time zone."""
    asked = shown.asked
    period_choice.draw(console, LISTING, shown.period, (asked.since, asked.until), asked.zone)


def record_reading(console: Console, shown: Shown) -> None:
    """One record for each filter that is looked at, not for each run of the page (SPEC O3)."""
    told = shown.asked.as_json()
    reading.once("oplog", [console.viewer.tenant_key, told], lambda: console.log_reading.note(told))


def draw(console: Console, shown: Shown) -> None:
    """Everything below the period: search, chips, histogram, facets and the list."""
    look.dress()
    asked, grain = shown.asked, grain_of(shown.asked.since, shown.asked.until)
    counts = console.operations.counts(asked, grain)
    organizations = console.log_reading.organizations()
    filter_bar.search_row(console, shown, counts)
    filter_bar.chips(console, shown, dict(zip(organizations["id"], organizations["name"], strict=True)))
    _total(console, shown, counts)
    timeline.draw(console, shown, counts, grain)
    values = facets.counted(console, asked, counts)
    with st.container(key="listing_body"):
        side, main = st.columns([1, 3.6])
    with side, st.container(key="listing_side"):
        if len(organizations):
            facets.tree(console, shown, organizations)
        facets.draw(console, shown, values)
    with main:
        _list(console, shown, counts)


def _list(console: Console, shown: Shown, counts: OperationCounts) -> None:
    page = console.operations.page(shown.asked, before=shown.before, after=shown.after, size=listing.SIZE)
    if page.rows.is_empty():
        st.info(console.say("operations.nothing"), icon=":material/search_off:")
    else:
        listing.draw(console, shown, page, counts)


def _total(console: Console, shown: Shown, counts: OperationCounts) -> None:
    failed = int(counts.histogram["failures"].sum())
    facts: Mapping[str, str] = {"total": f"{counts.total:,}", "failed": f"{failed:,}"}
    with st.container(horizontal=True, vertical_alignment="center"):
        number = "total_one" if counts.total == 1 else "total"
        words = f"operations.{number}_failed" if failed else f"operations.{number}"
        st.markdown(f"**{console.say(words, **facts)}**", width="content")
        downloads.control(console, taken(console, shown))


def taken(console: Console, shown: Shown) -> Exportable:
    """What is downloaded: the rows of the filter in the columns shown, those that come while one looks left out."""
    until = min(shown.asked.until, max(datetime.now(UTC), shown.asked.since + timedelta(seconds=1)))
    exportable = room("operations").exportable(console, replace(shown.asked, until=until).as_json())
    return exportable.only(COLUMNS.taken(shown.columns))


def tab(console: Console) -> tuple[str, DeltaGenerator]:
    """The open tab and its container; the other is not drawn."""
    labels = {console.say(f"operations.tab_{key}"): key for key in TABS}
    chosen = address.read_one_of("tab", TABS, TABS[0])
    label = console.say(f"operations.tab_{chosen}")
    said = address.tied("tab", label, lambda words: labels.get(words, TABS[0]), widget="oplog.tab")
    return chosen, st.tabs([*labels], **said)[TABS.index(chosen)]


def head(console: Console) -> None:
    """The page's title, and the button that shows what has happened since."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(console.say("page.operation_log"), anchor=False, width="stretch")
        st.button(console.say("usage.refresh"), icon=":material/refresh:", key="refresh")
