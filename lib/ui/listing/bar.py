"""The row above a list with the keyword, and what is filtered by, each a click away from being gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import streamlit as st

from lib.queries.console import Console
from lib.ui import address
from lib.ui.escaping import plain
from lib.ui.listing.listing import Listing
from lib.ui.listing.reader import LONGEST_KEYWORD

LONGEST_CHIP = 40

Chip = tuple[str, str, Mapping[str, address.Said]]
"""The name of a filter and its value, in words, and what the address says without it."""


def search(console: Console, listing: Listing, keyword: str, words: str) -> None:
    """The field of the keyword; `words` is the catalogue key of what is searched."""
    with st.container(key="listing_search"):
        st.text_input(
            console.say(words),
            placeholder=console.say(words),
            label_visibility="collapsed",
            icon=":material/search:",
            max_chars=LONGEST_KEYWORD,
            **listing.tied("search", keyword, lambda text: str(text).strip()),
        )


def chips(console: Console, listing: Listing, found: Iterable[Chip], ignored: Sequence[str] = ()) -> None:
    """What is filtered by, each with a click to be rid of it; and what of the address was left out."""
    if ignored:
        names = plain(", ".join(dict.fromkeys(ignored)))
        st.warning(console.say("listing.ignored", names=names), icon=":material/link_off:")
    found = list(found)
    if not found:
        return
    with st.container(horizontal=True, gap="small", key="listing_chips"):
        for at, (name, value, left) in enumerate(found):
            st.button(
                plain(console.say("listing.chip", name=name, value=_short(value))),
                icon=":material/close:",
                help=console.say("listing.chip_help"),
                key=f"{listing.key}.chip.{at}",
                on_click=partial(listing.narrow, **left),
            )
        st.button(
            console.say("listing.clear"),
            type="tertiary",
            key=f"{listing.key}.clear",
            on_click=partial(listing.widen, *listing.filters),
        )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_CHIP else text[: LONGEST_CHIP - 1] + "…"
