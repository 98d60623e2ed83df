"""The account menu at the top right: who is signed in, language, time zone, password, tokens, sign-out."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import streamlit as st

from lib.errors import BadInput
from lib.queries.console import Console
from lib.queries.own_account import offset_of, zones
from lib.ui import links, own_tokens, visitor
from lib.ui.escaping import plain
from lib.ui.page import show_error
from lib.words import Language, say

_LEFT, _OPENED = "daybook_left", "daybook_menu_opened"


def draw(console: Console) -> None:
    """Draw the menu; its place is in lib/ui/look.py."""
    viewer, say = console.viewer, console.say
    with st.container(key="account_menu"):
        menu = st.popover(
            plain(viewer.account_name), icon=":material/account_circle:", key=f"account_popover.{_opened()}"
        )
    with menu:
        st.text(say("account_menu.signed_in_as", name=viewer.account_name))
        of_whom = [say(f"account_menu.{viewer.account_type.value}"), *viewer.roles]
        if viewer.organization:
            of_whom.append(viewer.organization)
        st.caption(plain(" · ".join(of_whom)))
        links.to_operation_log(console)
        _draw_language(console)
        _draw_zone(console)
        if st.button(
            say("account_menu.password"),
            key="account_password",
            icon=":material/password:",
            width="stretch",
            on_click=_close,
        ):
            _password_dialog(console)
        if st.button(
            say("account_menu.tokens"), key="account_tokens", icon=":material/key:", width="stretch", on_click=_close
        ):
            own_tokens.open_dialog(console)
        st.button(
            say("account_menu.sign_out"),
            key="account_sign_out",
            icon=":material/logout:",
            width="stretch",
            on_click=_leave,
        )


def draw_language(language: Language) -> None:
    """The choice of the language before signing in."""
    st.session_state["stranger_language"] = language.value
    st.segmented_control(
        say("sign_in.language", language),
        [choice.value for choice in Language],
        format_func=lambda value: Language(value).own_name,
        key="stranger_language",
        label_visibility="collapsed",
        on_change=_choose_stranger_language,
    )


def has_left() -> bool:
    """Whether this run follows a sign-out in this tab."""
    return bool(st.session_state.pop(_LEFT, False))


def _choose_stranger_language() -> None:
    chosen = st.session_state.get("stranger_language")
    if chosen is not None:
        visitor.choose_language(Language(chosen))


def _opened() -> int:
    return int(st.session_state.get(_OPENED, 0))


def _close() -> None:
    """Close the menu: on a phone it would lie over the dialog that it opened. Under another key it begins closed."""
    st.session_state[_OPENED] = _opened() + 1


def _leave() -> None:
    badge = visitor.badge()
    if badge is not None:
        visitor.house().entrance.leave(badge, visitor.address())
    st.session_state[_LEFT] = True


def _draw_language(console: Console) -> None:
    st.session_state["account_language"] = console.viewer.language.value
    st.selectbox(
        console.say("account_menu.language"),
        [choice.value for choice in Language],
        format_func=lambda value: Language(value).own_name,
        key="account_language",
        on_change=lambda: console.own.choose_language(Language(st.session_state["account_language"])),
    )


def _draw_zone(console: Console) -> None:
    # Every run tells all zones, and none changes its clocks within a quarter of an hour.
    now = datetime.now(UTC)
    now = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    st.session_state["account_zone"] = console.viewer.zone
    st.selectbox(
        console.say("account_menu.zone"),
        zones() if console.viewer.zone in zones() else (console.viewer.zone, *zones()),
        format_func=lambda zone: _told_zone(zone, now),
        key="account_zone",
        on_change=lambda: console.own.choose_zone(st.session_state["account_zone"]),
    )


@lru_cache(maxsize=2000)
def _told_zone(zone: str, at: datetime) -> str:
    return f"{zone.replace('_', ' ')} ({offset_of(zone, at)})"


def _password_dialog(console: Console) -> None:
    @st.dialog(console.say("account_menu.password"))
    def ask() -> None:
        with st.form("password_form", border=False):
            current = st.text_input(console.say("own_account.current"), type="password", key="password_current")
            wanted = st.text_input(console.say("own_account.wanted"), type="password", key="password_wanted")
            again = st.text_input(console.say("own_account.again"), type="password", key="password_again")
            st.caption(console.say("own_account.rule"))
            if st.form_submit_button(console.say("own_account.save"), type="primary"):
                _change(console, current, wanted, again)

    ask()


def _change(console: Console, current: str, wanted: str, again: str) -> None:
    if wanted != again:
        st.error(console.say("own_account.different"))
        return
    try:
        opened = console.own.change_password(current, wanted)
    except BadInput as error:
        show_error(error, console.viewer.language)
        return
    visitor.remember(opened)
    st.toast(console.say("own_account.changed"), icon=":material/check:")
    st.rerun()
