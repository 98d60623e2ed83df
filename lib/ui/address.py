"""The state of a page is in its address: one place to read it, and widgets that write it.

The address decides, in every run. A widget is set to what the address says and writes what is chosen back to it, so a
link, a second browser and the back button all show the same. What an address says is untrusted: each reader falls back.
Written by hand and not with `bind="query-params"`, which writes the words that a viewer reads, in their language.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import streamlit as st

LONGEST = 500
"""Characters of a value that are looked at."""

Said = str | Sequence[str] | None
"""What stands in the address under a name: a value, several, or none."""

_UNSET = object()
_CHOSEN = "address_chosen"


def read(name: str, default: str = "") -> str:
    """What the address says under a name, or the default where it says nothing usable."""
    said = st.query_params.get(name, default)
    return said if len(said) <= LONGEST and said.isprintable() else default


def read_one_of(name: str, options: Collection[str], default: str) -> str:
    """What the address says under a name, where that is one of the options."""
    said = read(name)
    return said if said in options else default


def read_all(name: str, most: int = 50) -> tuple[str, ...]:
    """Every usable value that the address says under a name, each once."""
    said = st.query_params.get_all(name)[:most]
    return tuple(dict.fromkeys(value for value in said if value and len(value) <= LONGEST and value.isprintable()))


def write(**state: Said) -> None:
    """Put values into the address; None, "" and no values take a name out of it.

    All in one step, as the browser's back button counts one for each.
    """
    before = {name: st.query_params.get_all(name) for name in st.query_params}
    wanted = {name: values for name, values in before.items() if name not in state}
    wanted |= {name: [value] if isinstance(value, str) else list(value) for name, value in state.items() if value}
    if wanted != before:
        st.query_params.from_dict(wanted)


def tied(
    name: str,
    value: Any,
    to_text: Callable[[Any], Said],
    *,
    widget: str = "",
    clears: Collection[str] = (),
) -> dict[str, Any]:
    """The arguments that tie a widget to a name in the address: it shows `value`, and writes `to_text` of a choice.

    A choice that `to_text` answers with None is no choice: the widget goes back. `widget` tells two widgets that write
    the same name apart; `clears` are names that a choice takes out of the address, as they belong to what was shown.
    """
    key = f"address.{widget or name}"
    # A browser that draws the widget only now, after a run that told nothing, would show its first option and choose
    # it: a page runs twice at its beginning, and a popover is opened late. Whoever typed into it is left alone.
    if st.session_state.get(_CHOSEN) != key or st.session_state.get(key, _UNSET) != value:
        st.session_state[key] = value
    return {"key": key, "on_change": _write_choice, "args": (name, key, to_text, tuple(clears))}


def _write_choice(name: str, key: str, to_text: Callable[[Any], Said], clears: Collection[str]) -> None:
    st.session_state[_CHOSEN] = key
    said = to_text(st.session_state[key])
    if said is not None:
        write(**{**dict.fromkeys(clears), name: said})
