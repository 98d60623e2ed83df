"""The page put together: all types under the system's health, or one type with its tabs."""

from __future__ import annotations

import streamlit as st

from lib.queries.console import Console
from lib.queries.server_logs import KeptType
from lib.ui import address
from lib.ui.listing import reading
from lib.ui.server_logs import files, health, rule, state, types, viewer
from lib.ui.server_logs.state import TABS, Shown


def head(console: Console, shown: Shown) -> None:
    """The page's title, and the way back from one type to all."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(console.say("page.server_logs"), anchor=False, width="stretch")
        st.button(console.say("usage.refresh"), icon=":material/refresh:", key="refresh")
    if shown.log:
        st.button(
            console.say("server_logs.back"),
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=state.open_log,
            args=("",),
            key="slog.back",
        )


def draw(console: Console, shown: Shown) -> None:
    """What the address names."""
    if not shown.log:
        types.draw(console, health.draw(console, shown.zone), shown.zone)
        return
    kept = next(each for each in console.server_logs.types() if each.log_type.key == shown.log)
    st.subheader(f"{console.say(f'log_type.{shown.log}')} · {kept.log_type.file}", anchor=False)
    st.caption(console.say(f"log_type.{shown.log}_help"))
    labels = {console.say(f"server_logs.tab_{key}"): key for key in TABS}
    label = next(words for words, key in labels.items() if key == shown.tab)
    tabs = st.tabs([*labels], **address.tied("tab", label, lambda words: labels.get(words, TABS[0])))
    with tabs[TABS.index(shown.tab)]:
        _tab(console, kept, shown)


def _tab(console: Console, kept: KeptType, shown: Shown) -> None:
    if shown.tab == "rule":
        rule.draw(console, kept)
    elif not kept.files:
        _nothing(console, kept)
    elif shown.tab == "files":
        files.draw(console, kept, shown.zone)
    else:
        record_reading(console, shown)
        viewer.draw(console, kept, shown)


def _nothing(console: Console, kept: KeptType) -> None:
    st.info(
        console.say(
            "server_logs.nothing_written",
            type=kept.log_type.key,
            file=kept.log_type.file,
            folder=console.settings.log_dir,
        ),
        icon=":material/inbox:",
    )


def record_reading(console: Console, shown: Shown) -> None:
    """One record for each filter that is looked at, not for each run of the page (SPEC O3)."""
    told = shown.asked_as_json
    reading.once("slog", [shown.log, told], lambda: console.server_logs.note_reading(shown.log, told))
