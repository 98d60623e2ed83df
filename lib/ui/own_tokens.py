"""The dialog of the account's own API tokens: what there is, making one, which is shown once, and ending one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from lib.errors import DaybookError
from lib.queries.console import Console
from lib.queries.own_tokens import LONGEST_DAYS, NAME_LENGTH, USUAL_DAYS
from lib.ui.escaping import plain
from lib.ui.page import show_error

_MADE, _DONE = "own_tokens_made", "own_tokens_done"


def open_dialog(console: Console) -> None:
    """Show the dialog; a token that an earlier one showed is forgotten."""
    for key in (_MADE, _DONE):
        st.session_state.pop(key, None)
    st.dialog(console.say("own_tokens.title"), width="medium")(lambda: _draw(console))()


def _draw(console: Console) -> None:
    say = console.say
    st.caption(say("own_tokens.what"))
    if token := st.session_state.get(_MADE):
        st.success(say("own_tokens.shown_once"), icon=":material/key:")
        st.code(token, language=None, wrap_lines=True)
    if done := st.session_state.pop(_DONE, None):
        st.success(plain(done), icon=":material/check_circle:")
    tokens = console.own_tokens.listing()
    working = [row for row in tokens.iter_rows(named=True) if row["is_working"]]
    for row in working:
        _draw_token(console, row)
    if not working:
        st.info(say("own_tokens.none"), icon=":material/info:")
    if ended := tokens.height - len(working):
        st.caption(say("own_tokens.ended", count=f"{ended:,}"))
    _draw_form(console)


def _draw_token(console: Console, row: dict[str, Any]) -> None:
    say, key = console.say, row["id"]
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"own_token_{key}"):
        with st.container(gap=None):
            st.text(row["name"])
            until = row["expires_at"].astimezone(console.zone)
            st.caption(plain(say("own_tokens.until", prefix=row["prefix"], day=f"{until:%Y-%m-%d}")))
        with st.popover(say("own_tokens.revoke"), icon=":material/block:", key=f"own_token_revoke_{key}"):
            st.write(plain(say("own_tokens.revoke_question", name=row["name"])))
            sure = st.button(say("own_tokens.revoke"), type="primary", key=f"own_token_sure_{key}")
    if sure:
        with _attempt(console):
            console.own_tokens.revoke(key)
            st.session_state.pop(_MADE, None)
            st.session_state[_DONE] = say("own_tokens.revoked", name=row["name"])


def _draw_form(console: Console) -> None:
    say = console.say
    with st.form("own_token_form", clear_on_submit=True):
        name = st.text_input(
            say("own_tokens.name"),
            max_chars=NAME_LENGTH,
            placeholder=say("own_tokens.name_example"),
            key="own_token_name",
        )
        days = st.number_input(say("own_tokens.days"), 1, LONGEST_DAYS, USUAL_DAYS, key="own_token_days")
        submitted = st.form_submit_button(say("own_tokens.make"), type="primary", icon=":material/add:")
    if submitted:
        with _attempt(console):
            st.session_state[_MADE] = console.own_tokens.add(name, int(days))


@contextmanager
def _attempt(console: Console) -> Iterator[None]:
    """Do it and draw the dialog anew, or say what is wrong."""
    try:
        yield
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return
    st.rerun(scope="fragment")
