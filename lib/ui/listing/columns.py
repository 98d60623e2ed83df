"""The columns that a list can show, the views that are made of them, and the choice of either."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from lib.queries.console import Console
from lib.ui import address
from lib.ui.listing.listing import Listing


@dataclass(frozen=True)
class ListColumn:
    """A column of a list: `words` is the catalogue key of its heading, and it is made of these columns of the rows, the
    second on a line below the first. `look` are some of instant, number, name (never narrow), code (cut at two lines),
    pair (cut at one line, and one below it), wide, with spaces between."""

    key: str
    words: str
    made_of: tuple[str, ...]
    look: str = ""


@dataclass(frozen=True)
class Preset:
    """A view: columns in their order. `words` is the catalogue key of its name."""

    key: str
    words: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ListColumns:
    """All columns of a list, and its views; the first is the default."""

    columns: tuple[ListColumn, ...]
    presets: tuple[Preset, ...]

    @cached_property
    def by_key(self) -> dict[str, ListColumn]:
        """The columns by their keys."""
        return {column.key: column for column in self.columns}

    @property
    def default(self) -> Preset:
        """What is shown where nothing is chosen."""
        return self.presets[0]

    def named(self, text: str) -> tuple[str, ...] | None:
        """What an address names: a view by its key, or columns by theirs, with commas between; None for all else."""
        for preset in self.presets:
            if preset.key == text:
                return preset.columns
        keys = tuple(dict.fromkeys(text.split(",")))
        return keys if keys and all(key in self.by_key for key in keys) else None

    def text(self, keys: tuple[str, ...]) -> str:
        """How an address names columns; the default view needs no name."""
        if keys == self.default.columns:
            return ""
        return next((preset.key for preset in self.presets if preset.columns == keys), ",".join(keys))

    def taken(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """The columns of the rows that a file of these has: those that stand on two lines are two."""
        return tuple(dict.fromkeys(part for key in keys for part in self.by_key[key].made_of))


def chooser(console: Console, listing: Listing, columns: ListColumns, shown: tuple[str, ...]) -> None:
    """The button behind which views and columns are chosen."""
    with st.popover(console.say("listing.columns"), icon=":material/view_column:", key=f"{listing.key}.columns"):
        if len(columns.presets) > 1:
            words = {preset.key: console.say(preset.words) for preset in columns.presets}
            chosen = next((each.key for each in columns.presets if each.columns == shown), None)
            st.pills(
                console.say("listing.columns_preset"),
                [*words],
                format_func=words.__getitem__,
                **address.tied("columns", chosen, lambda key: str(key or ""), widget=f"{listing.key}.preset"),
            )
        headings = {column.key: console.say(column.words) for column in columns.columns}
        st.multiselect(
            console.say("listing.columns_own"),
            [*headings],
            format_func=headings.__getitem__,
            placeholder=console.say("listing.any"),
            **address.tied(
                "columns", list(shown), lambda keys: columns.text(tuple(keys)), widget=f"{listing.key}.columns"
            ),
        )
