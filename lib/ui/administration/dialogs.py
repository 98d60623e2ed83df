"""What the dialogs of administration have in common: doing an act, a second question, a secret shown once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec

import streamlit as st

from lib.errors import DaybookError
from lib.queries.console import Console
from lib.ui.escaping import plain
from lib.ui.page import show_error

P = ParamSpec("P")
_DONE, _CLOSE = "administer.done", "administer.close"


def open_dialog(
    console: Console, title: str, form: Callable[Concatenate[Console, P], None], *args: P.args, **kwargs: P.kwargs
) -> None:
    """Show a form in a dialog. It runs again by itself, so everything in it asks as the viewer is at that moment."""

    def body() -> None:
        if st.session_state.pop(_CLOSE, False):
            st.rerun()
        form(console, *args, **kwargs)

    st.dialog(plain(title), width="medium")(body)()


def notice(console: Console) -> None:
    """What the last act did, once."""
    done = st.session_state.pop(_DONE, None)
    if isinstance(done, str):
        st.success(plain(done), icon=":material/check_circle:")


def attempt(console: Console, act: Callable[[], object], done: str) -> None:
    """Do it: close the dialog and say what was done, or say what is wrong and leave the dialog as it is."""
    try:
        act()
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return
    st.session_state[_DONE] = done
    st.rerun()


def attempt_for_secret(console: Console, act: Callable[[], str], done: str) -> None:
    """Do what makes a secret, and show that, once: it is in nobody's session afterwards."""
    try:
        secret = act()
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return
    st.success(plain(done), icon=":material/check_circle:")
    st.caption(console.say("administration.shown_once"))
    st.code(secret, language=None)
    st.button(console.say("administration.close"), on_click=_close, key="administer.close_button")


def _close() -> None:
    st.session_state[_CLOSE] = True


def second_question(console: Console, action: str, question: str, act: Callable[[], object], done: str) -> None:
    """A button of the words `administration.<action>` that asks once more before it does what cannot be taken back."""
    label = console.say(f"administration.{action}")
    with st.popover(label, icon=":material/warning:", key=f"administer.{action}_question"):
        st.write(plain(question))
        sure = st.button(label, type="primary", key=f"administer.{action}_sure")
    if sure:
        attempt(console, act, done)


def name_input(console: Console, name: str = "") -> str:
    """The field for what people read."""
    return st.text_input(console.say("administration.name"), name, max_chars=200, key="administer.name_field")


def key_input(console: Console, key: str | None) -> str:
    """The field for a key; what is there already keeps its own."""
    if key is not None:
        return key
    label, help_text = console.say("administration.key"), console.say("administration.key_help")
    return st.text_input(label, max_chars=100, help=help_text, key="administer.key_field")
