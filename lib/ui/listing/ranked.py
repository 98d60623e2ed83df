"""Values of a column as bars, the most first: a click on one filters by it, another takes it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import streamlit as st

from lib.ui import address
from lib.ui.listing.listing import Listing

_HTML = '<ul class="ranked"></ul>'


@dataclass(frozen=True)
class Rank:
    """A value as the address writes it and as it is read, how often it is there, how often of these it failed, and what
    is told of it where it is pointed at."""

    value: str
    text: str
    count: int
    failures: int
    title: str


def draw(listing: Listing, name: str, label: str, ranks: list[Rank], chosen: str = "", kept: str = "") -> None:
    """Draw them; `name` is the filter in the address, `label` what screen readers say of the list. A click on `chosen`
    takes it back, and with it the filter `kept` that depends on it."""
    key = f"{listing.key}.ranked.{name}"
    most = max((rank.count for rank in ranks), default=0) or 1
    rows = [
        {
            "value": rank.value,
            "text": rank.text,
            "told": f"{rank.count:,}",
            "title": rank.title,
            "share": rank.count / most,
            "failed": rank.failures / most,
            "chosen": rank.value == chosen,
        }
        for rank in ranks
    ]
    drawn = st.components.v2.component("ranked_values", html=_HTML, css=_asset("ranked.css"), js=_asset("ranked.js"))
    values = frozenset(rank.value for rank in ranks)
    choose: Callable[[], None] = partial(_choose, listing, key, name, values, chosen, kept)
    drawn(data={"label": label, "rows": rows}, key=key, on_chosen_change=choose)


def _choose(listing: Listing, key: str, name: str, values: frozenset[str], chosen: str, kept: str) -> None:
    value = st.session_state[key]["chosen"]
    if value in values:
        said: dict[str, address.Said] = {name: None if value == chosen else value}
        listing.narrow(**said, **(dict.fromkeys([kept]) if kept else {}))


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")
