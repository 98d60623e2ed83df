"""What the dialogs of administration have in common: doing an act, a second question, a secret shown once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

import streamlit as st

from lib.errors import DaybookError
from lib.queries.console import Console
from lib.ui.escaping import plain
from lib.ui.page import show_error

P = ParamSpec("P")
_DONE, _SECRET, _CLOSE, _OPENING = "administer.done", "administer.secret", "administer.close", "administer.opening"


def open_dialog(
    console: Console,
    title: str,
    form: Callable[Concatenate[Console, P], None],
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """Show a form in a dialog. It runs again by itself, so everything in it asks as the viewer is at that moment."""
    st.session_state[_OPENING] = st.session_state.get(_OPENING, 0) + 1

    def body() -> None:
        if st.session_state.pop(_CLOSE, False):
            st.rerun()
        if _SECRET in st.session_state:
            _show_once(console)
        else:
            form(console, *args, **kwargs)

    st.dialog(plain(title), width="medium")(body)()


def field(name: str) -> str:
    """The key of a field in this opening of a dialog: what was typed in an earlier one is not in it."""
    return f"administer.{name}.{st.session_state.get(_OPENING, 0)}"


def notice(console: Console) -> None:
    """What the last act did, once; a secret that a dialog showed is forgotten."""
    st.session_state.pop(_SECRET, None)
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
    """Do what makes a secret, and let the dialog show that instead of its form; or say what is wrong."""
    try:
        secret = act()
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return
    # The browser may ask for the dialog again at once, for the field left last: kept until the next run of the page.
    st.session_state[_SECRET] = (done, secret)
    st.rerun(scope="fragment")


def _show_once(console: Console) -> None:
    done, secret = st.session_state[_SECRET]
    st.success(plain(done), icon=":material/check_circle:")
    st.write(console.say("administration.shown_once"))
    st.code(secret, language=None)
    st.button(console.say("administration.close"), on_click=_close, key=field("close"))


def _close() -> None:
    st.session_state[_CLOSE] = True


def second_question(console: Console, action: str, question: str, act: Callable[[], object], done: str) -> None:
    """A button of the words `administration.<action>` that asks again before what cannot simply be taken back."""
    label = console.say(f"administration.{action}")
    with st.popover(label, icon=":material/warning:", key=field(f"{action}_question")):
        st.write(plain(question))
        sure = st.button(label, type="primary", key=field(f"{action}_sure"))
    if sure:
        attempt(console, act, done)


def key_and_name(console: Console, row: dict[str, Any] | None) -> tuple[str, str]:
    """The fields for what integrations rely on, which never changes, and for what people read."""
    name = st.text_input(
        console.say("administration.name"), row["name"] if row else "", max_chars=200, key=field("name")
    )
    if row is not None:
        return row["key"], name
    label, help_text = console.say("administration.key"), console.say("administration.key_help")
    return st.text_input(label, max_chars=100, help=help_text, key=field("key")), name
