"""Entries of one type: filters, the newest or the searched, older ones by pages, and following."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from lib.errors import DaybookError
from lib.logs.files.search import LONGEST_KEYWORD, Page
from lib.logs.files.types import Level
from lib.queries.console import Console
from lib.queries.server_logs import KeptType
from lib.ui import address
from lib.ui.page import show_error
from lib.ui.server_logs import lines, state
from lib.ui.server_logs.state import Shown
from lib.ui.sizes import size_text

ENTRIES = 200
SEARCH_SECONDS = 8.0
FOLLOW_SECONDS = 2.0

EARLIEST = datetime(1990, 1, 1)  # noqa: DTZ001


def draw(console: Console, kept: KeptType, shown: Shown) -> None:
    """The filters and what they find."""
    _filters(console, kept, shown)
    if shown.before is not None and all(file.key != shown.before.key for file in kept.files):
        st.info(console.say("server_logs.gone"), icon=":material/history_toggle_off:")
    if shown.before is None and _follows():
        _following(console, shown)
    else:
        _found(console, shown)
    st.caption(console.say("server_logs.times", zone=shown.zone))


def _filters(console: Console, kept: KeptType, shown: Shown) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            console.say("server_logs.keyword"),
            max_chars=LONGEST_KEYWORD,
            width=260,
            icon=":material/search:",
            **_tied("search", shown.asked.keyword, str),
        )
        st.pills(
            console.say("server_logs.levels"),
            list(Level),
            selection_mode="multi",
            format_func=lambda level: console.say(f"log_level.{level.lower()}"),
            width="content",
            **_tied("level", [each for each in Level if each in shown.asked.levels], state.levels_text),
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            console.say("server_logs.within"),
            [*state.WITHIN],
            format_func=lambda key: console.say(f"server_logs.within_{key}"),
            width=180,
            **_tied("within", shown.within, lambda key: "" if key == "all" else key),
        )
        st.selectbox(
            console.say("server_logs.which"),
            ["", *(file.key for file in kept.files)],
            format_func=lambda key: key or console.say("server_logs.all_files"),
            width=230,
            **_tied("file", shown.file if any(file.key == shown.file for file in kept.files) else "", str),
        )
        st.selectbox(
            console.say("server_logs.context"),
            [str(each) for each in state.CONTEXTS],
            width=130,
            **_tied("context", str(shown.asked.context), lambda text: "" if text == "0" else text),
        )
        st.checkbox(
            console.say("server_logs.match_case"),
            **_tied("case", shown.asked.match_case, lambda chosen: "1" if chosen else ""),
        )
        st.toggle(
            console.say("server_logs.follow"),
            help=console.say("server_logs.follow_help"),
            **_tied("follow", _follows(), lambda chosen: "1" if chosen else ""),
        )
    if shown.within == "range":
        _range(console, shown)


def _range(console: Console, shown: Shown) -> None:
    with st.container(horizontal=True):
        for name, text in (("since", shown.since), ("until", shown.until)):
            st.datetime_input(
                console.say(f"server_logs.{name}", zone=shown.zone),
                format="YYYY-MM-DD",
                step=timedelta(minutes=1),
                min_value=EARLIEST,
                max_value=datetime.now() + timedelta(days=2),  # noqa: DTZ005 (the widget's times have no zone)
                width=240,
                **_tied(name, datetime.strptime(text, state.WALL), _wall_text),  # noqa: DTZ007
            )


def _wall_text(chosen: datetime | None) -> str:
    return chosen.strftime(state.WALL) if chosen else ""


def _found(console: Console, shown: Shown) -> None:
    begun = time.monotonic()
    place = st.empty()

    def tell(searched: int) -> None:
        if time.monotonic() - begun > 0.5:
            place.caption(console.say("server_logs.searching", size=size_text(searched)))

    page = console.server_logs.page(
        shown.log,
        shown.asked,
        file=shown.file,
        before=shown.before,
        limit=ENTRIES,
        seconds=SEARCH_SECONDS,
        progress=tell,
    )
    place.empty()
    _pager(console, shown, page, "above")
    _draw(console, shown, page)
    seconds = time.monotonic() - begun
    if page.searched_bytes and seconds > 0.5:
        size = size_text(page.searched_bytes)
        st.caption(console.say("server_logs.searched", size=size, seconds=f"{seconds:.1f}"))


@st.fragment(run_every=FOLLOW_SECONDS)
def _following(console: Console, shown: Shown) -> None:
    try:
        page = console.server_logs.page(shown.log, shown.asked, file=shown.file, limit=ENTRIES, seconds=FOLLOW_SECONDS)
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return
    _draw(console, shown, page, follow=True)


def _draw(console: Console, shown: Shown, page: Page, *, follow: bool = False) -> None:
    for file in page.damaged:
        st.warning(console.say("server_logs.damaged", file=file), icon=":material/broken_image:")
    if page.is_unfinished:
        st.info(console.say("server_logs.unfinished"), icon=":material/hourglass_bottom:")
    elif not page.found:
        st.info(console.say("server_logs.none_found"), icon=":material/search_off:")
    elif page.older is None and not follow:
        st.caption(console.say("server_logs.beginning"))
    if page.found:
        lines.draw(console, page, shown.asked, shown.zone, follow=follow)


def _pager(console: Console, shown: Shown, page: Page, where: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            console.say("server_logs.go_on" if page.is_unfinished else "server_logs.older"),
            icon=":material/arrow_upward:",
            disabled=page.older is None,
            on_click=state.go_to,
            args=(page.older,),
            key=f"slog.older.{where}",
        )
        st.button(
            console.say("server_logs.to_newest"),
            icon=":material/vertical_align_bottom:",
            disabled=shown.before is None,
            on_click=state.go_to,
            args=(None,),
            key=f"slog.newest.{where}",
        )


def _follows() -> bool:
    return address.read("follow") == "1"


def _tied(name: str, value: Any, to_text: Callable[[Any], str | None]) -> dict[str, Any]:
    """The arguments of a filter: whoever changes it goes back to the newest entries."""
    return address.tied(name, value, to_text, clears=("before",))
