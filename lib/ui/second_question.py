"""Deleting asks a second time, in a dialog, and says what cannot be undone."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lib.errors import DaybookError
from lib.queries.console import Console
from lib.ui.escaping import plain
from lib.ui.page import show_error


def button(console: Console, label: str, question: str, sure: str, act: Callable[[], object], key: str) -> None:
    """The button of the first time. `sure` is what the button of the second is called; `act` is done after it, and the
    page runs again; what it raises is told in the dialog."""
    if st.button(label, icon=":material/delete:", key=key):
        st.dialog(label)(_asked)(console, question, sure, act, key)


def _asked(console: Console, question: str, sure: str, act: Callable[[], object], key: str) -> None:
    st.write(plain(question))
    if not st.button(sure, type="primary", key=f"{key}_sure"):
        return
    try:
        act()
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return
    st.rerun()
