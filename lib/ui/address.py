"""The state of a page is in its address: one place to read it, and widgets that write it.

The address decides, in every run. A widget is set to what the address says and writes what is chosen back to it, so a
link, a second browser and the back button all show the same. What an address says is untrusted: each reader falls back.
Written by hand and not with `bind="query-params"`, which writes the words that a viewer reads, in their language.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import streamlit as st

LONGEST = 500
"""Characters of a value that are looked at."""

_UNSET = object()


def read(name: str, default: str = "") -> str:
    """What the address says under a name, or the default where it says nothing usable."""
    said = st.query_params.get(name, default)
    return said if len(said) <= LONGEST and said.isprintable() else default


def read_one_of(name: str, options: Collection[str], default: str) -> str:
    """What the address says under a name, where that is one of the options."""
    said = read(name)
    return said if said in options else default


def write(**state: str | None) -> None:
    """Put values into the address; None and "" take a name out of it.

    All in one step, as the browser's back button counts one for each.
    """
    for name in [name for name, value in state.items() if not value and name in st.query_params]:
        del st.query_params[name]
    news = {name: value for name, value in state.items() if value and st.query_params.get(name) != value}
    if news:
        st.query_params.update(news)


def tied(name: str, value: Any, to_text: Callable[[Any], str | None], *, widget: str = "") -> dict[str, Any]:
    """The arguments that tie a widget to a name in the address: it shows `value`, and writes `to_text` of a choice.

    A choice that `to_text` answers with None is no choice: the widget goes back. `widget` tells two widgets that write
    the same name apart.
    """
    key = f"address.{widget or name}"
    if st.session_state.get(key, _UNSET) != value:
        st.session_state[key] = value
    return {"key": key, "on_change": _write_choice, "args": (name, key, to_text)}


def _write_choice(name: str, key: str, to_text: Callable[[Any], str | None]) -> None:
    text = to_text(st.session_state[key])
    if text is not None:
        write(**{name: text})
