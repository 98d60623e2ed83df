"""The page of the operation log put together: what is asked, what was found, and that it was read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.queries.console import Console
from lib.queries.exportable import Exportable
from lib.queries.operations import OperationCounts
from lib.queries.rooms import room
from lib.ui import address, downloads
from lib.ui.operations import columns, facets, filter_bar, listing, timeline
from lib.ui.operations.period import grain_of
from lib.ui.operations.state import Shown

TABS = ("operations", "proof")

SAME_READING_SECONDS = 600
"""The same filter looked at again in this time, in the same tab, is one reading."""

_STYLE = """
<style>
.st-key-operations_chips button { min-height: 2rem; padding: 0 .6rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-operations_search) { flex: 1 1 16rem; }
.st-key-operations_side [data-testid="stExpanderDetails"] > [data-testid="stVerticalBlock"],
.st-key-operations_side [data-testid="stExpanderDetails"] [data-testid="stVerticalBlock"] { gap: .25rem; }
.st-key-operations_side { gap: .5rem; }
.st-key-operations_side [data-testid="stCheckbox"] p { overflow-wrap: anywhere; }
.st-key-operations_side [data-testid="stRadio"] p { white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 640px) {
  .st-key-operations_body > [data-testid="stHorizontalBlock"],
  .st-key-operations_body > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] {
    flex-direction: column-reverse;
  }
}
</style>
"""


def record_reading(console: Console, shown: Shown) -> None:
    """One record for each filter that is looked at, not for each run of the page (SPEC O3)."""
    told = shown.asked.as_json()
    mark = orjson.dumps([console.viewer.tenant_key, told], option=orjson.OPT_SORT_KEYS).decode()
    read: dict[str, float] = st.session_state.setdefault("oplog.read", {})
    now = time.monotonic()
    if now - read.get(mark, -SAME_READING_SECONDS) < SAME_READING_SECONDS:
        return
    console.log_reading.note(told)
    for old in [each for each, at in read.items() if now - at >= SAME_READING_SECONDS]:
        del read[old]
    read[mark] = now


def draw(console: Console, shown: Shown) -> None:
    """Everything below the period: search, chips, histogram, facets and the list."""
    st.html(_STYLE)
    asked, grain = shown.asked, grain_of(shown.asked.since, shown.asked.until)
    counts = console.operations.counts(asked, grain)
    organizations = console.log_reading.organizations()
    filter_bar.search_row(console, shown, counts)
    filter_bar.chips(console, shown, dict(zip(organizations["id"], organizations["name"], strict=True)))
    _total(console, shown, counts)
    timeline.draw(console, shown, counts, grain)
    values = facets.counted(console, asked, counts)
    with st.container(key="operations_body"):
        side, main = st.columns([1, 3.6])
    with side, st.container(key="operations_side"):
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
    return exportable.only(columns.taken_of(shown.columns))


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
