"""The ways from a page of a list to its neighbours, and which page of how many it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from lib.queries.console import Console
from lib.ui import address
from lib.ui.listing.listing import Listing

State = Mapping[str, address.Said]


def draw(console: Console, listing: Listing, number: int, pages: int, newer: State | None, older: State | None) -> None:
    """The buttons; `newer` and `older` are what the address says of the neighbours, None where there is none."""
    newest: State | None = None if newer is None else {}
    with st.container(horizontal=True, vertical_alignment="center", key="listing_ways"):
        _way(console, listing, "newest", ":material/first_page:", newest)
        _way(console, listing, "newer", ":material/chevron_left:", newer)
        st.text(console.say("listing.page", page=f"{number:,}", pages=f"{pages:,}"), width="content")
        _way(console, listing, "older", ":material/chevron_right:", older)


def _way(console: Console, listing: Listing, name: str, icon: str, there: State | None) -> None:
    st.button(
        console.say(f"listing.{name}"),
        icon=icon,
        key=f"{listing.key}.{name}",
        disabled=there is None,
        on_click=partial(listing.narrow, **(there or {})),
    )
