"""A list of records as a table in the browser: text is only ever text, and a row opens by a click or by its button."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import streamlit as st

from lib.queries.console import Console
from lib.ui import address
from lib.ui.listing.columns import ListColumn
from lib.ui.listing.listing import Listing

LONGEST_CELL = 300
"""Characters of a text in a list; the details have it whole."""

LONGEST_OPENED = 100

Cell = dict[str, str]
"""`text`, what stands `below` it, and the `mark` that it is set in: "failure", "warning", "unknown" or "plain"."""

_HTML = '<div class="frame" tabindex="0"></div>'


def draw(console: Console, listing: Listing, table: dict[str, Any], opens: str) -> None:
    """Draw what `table` made; a row that is opened puts its id into the address under the name `opens`."""
    key = f"{listing.key}_list"
    listed = st.components.v2.component("record_list", html=_HTML, css=_asset("records.css"), js=_asset("records.js"))
    said = {**table, "open": console.say("listing.details")}
    listed(data=said, key=key, on_opened_change=partial(_open, key, opens))


def table(
    console: Console, label: str, columns: Sequence[ListColumn], rows: Sequence[dict[str, Any]], marked: int = 0
) -> dict[str, Any]:
    """What the browser draws. A row has its `id`, whether it `failed`, its `cells` in the order of the columns and
    `marks` (`kind`, `text`), which stand in the column `marked`. `label` is what screen readers say of the table."""
    headings = [{"key": each.key, "label": console.say(each.words), "look": each.look} for each in columns]
    return {"label": label, "marked": marked, "columns": headings, "rows": list(rows)}


def short(text: str | None) -> str:
    """As much of a text as a cell shows."""
    text = text or ""
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"


def _open(key: str, opens: str) -> None:
    opened = st.session_state[key]["opened"]
    if isinstance(opened, str) and opened.isprintable() and len(opened) <= LONGEST_OPENED:
        address.write(**{opens: opened})


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")
