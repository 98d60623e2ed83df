"""The values of a column with their counts: a click on one filters by it, another takes it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from lib.queries.console import Console
from lib.ui.escaping import plain
from lib.ui.listing.listing import Listing

MOST_SHOWN = 6
"""Values of a facet that stand open; the others are behind a further click."""

MOST_OFFERED = 60


def draw(
    console: Console,
    listing: Listing,
    name: str,
    counts: Mapping[str, int],
    chosen: Sequence[str],
    word: Callable[[str], str] = str,
    column: str = "",
) -> None:
    """A box for each value; `name` is the filter in the address. `column` tells facets of one filter apart."""
    values = {**counts, **{value: counts.get(value, 0) for value in chosen}}
    key = f"{listing.key}.facet.{column or name}"
    first = [*chosen, *(value for value in values if value not in chosen)][: max(MOST_SHOWN, len(chosen))]
    for value in first:
        _value(listing, key, name, value, values[value], chosen, word)
    rest = [value for value in values if value not in first][:MOST_OFFERED]
    if rest:
        more = console.say("listing.facet_more", count=f"{len(values) - len(first):,}")
        with st.popover(more, type="tertiary", key=f"{key}.more"):
            for value in rest:
                _value(listing, key, name, value, values[value], chosen, word)


def _value(
    listing: Listing,
    key: str,
    name: str,
    value: str,
    count: int,
    chosen: Sequence[str],
    word: Callable[[str], str],
) -> None:
    box = f"{key}.{value}"
    st.session_state[box] = value in chosen
    after = [other for other in chosen if other != value] if value in chosen else [*chosen, value]
    label = f"{plain(word(value))} :gray[{count:,}]"
    st.checkbox(label, key=box, on_change=partial(listing.narrow, **{name: after}))
