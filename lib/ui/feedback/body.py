"""The page put together: the mini program, the period, the tabs that the viewer may see, and the open one."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.access.permissions import Permission
from lib.errors import NotPermitted
from lib.feedback.types import COMPLAINT
from lib.queries.console import Console
from lib.ui import address, blocks, filters
from lib.ui.feedback import details, filter_bar, listing, logs, nothing, state, trend
from lib.ui.feedback.state import LISTING, LOGS, TABS, Shown
from lib.ui.listing import look, period_row
from lib.ui.page import show_error


def draw(console: Console) -> None:
    """Everything below the title."""
    if not console.viewer.allows(Permission.COMPLAINT_READ) and address.read("tab") == COMPLAINT.key:
        _refuse_complaints(console)
        return
    tabs = tuple(tab for tab in TABS if tab != COMPLAINT.key or console.viewer.allows(Permission.COMPLAINT_READ))
    programs = dict(console.feedback.mini_programs())
    if not programs:
        blocks.no_mini_program(console)
        return
    with st.container(width=420):
        program = filters.choice(console, "mini_program", programs, clears=LISTING.place)
    tab = address.read_one_of("tab", tabs, tabs[0])
    shown = state.read(console, tab, program, dict(console.feedback.applications()))
    address.write(mini_program=program, zone=shown.asked.zone)
    period_row.draw(console, LISTING, shown.period, shown.span, shown.asked.zone)
    look.dress()
    with _open_tab(console, tabs, tab):
        if tab == LOGS:
            logs.draw(console, shown)
        else:
            _feedback(console, shown)
    if shown.feedback is not None:
        details.show(console, shown)


def _feedback(console: Console, shown: Shown) -> None:
    rows = trend.rows_of(console, shown)
    total = int(rows["count"].sum())
    if total or shown.is_narrowed:
        filter_bar.draw(console, shown)
    if total:
        trend.section(console, shown, rows)
        listing.section(console, shown, total)
    else:
        nothing.feedback(console, shown)


def _refuse_complaints(console: Console) -> None:
    """What an address that names the tab of complaints shows to all others; and the way to what they may see."""
    show_error(NotPermitted(permission=Permission.COMPLAINT_READ.value), console.viewer.language)
    st.button(
        console.say("feedback.to_others"),
        icon=":material/arrow_back:",
        key="ufb.to_others",
        on_click=address.write,
        kwargs={"tab": None},
    )


def _open_tab(console: Console, tabs: tuple[str, ...], tab: str) -> DeltaGenerator:
    labels = {console.say(f"usage.tab_{key}"): key for key in tabs}
    label = next(words for words, key in labels.items() if key == tab)
    containers = st.tabs([*labels], **LISTING.tied("tab", label, lambda words: labels.get(words, tabs[0])))
    return containers[tabs.index(tab)]
