"""The list of operations: a page of it, newest first, and the way to its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from math import ceil
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from lib.logs.wording import object_word, worded
from lib.queries.console import Console
from lib.queries.operations import OperationCounts, OperationPage
from lib.ui import address
from lib.ui.operations.columns import COLUMN_BY_KEY, SYMBOLS, OperationColumn
from lib.ui.operations.state import Shown
from lib.words import Language

SIZE = 50
"""Operations on a page of the list."""

LONGEST_CELL = 300
"""Characters of a text in the list; the details have it whole."""

_HTML = '<div class="frame" tabindex="0"></div>'
_INSTANTS = ("occurred_at", "received_at")


def draw(console: Console, shown: Shown, page: OperationPage, counts: OperationCounts) -> None:
    """The table and, below it, where in the list it is."""
    listed = st.components.v2.component("operation_list", html=_HTML, css=_asset("list.css"), js=_asset("list.js"))
    listed(data=table(console, page.rows, shown.columns), key="oplog_list", on_opened_change=_open)
    _ways(console, shown, page, counts)


def table(console: Console, rows: pl.DataFrame, columns: Sequence[str]) -> dict[str, Any]:
    """The rows as the browser draws them: words for keys, and below a text the one that belongs under it."""
    language = console.viewer.language
    said = _said(rows, language)
    cells = [_cells(rows, said, COLUMN_BY_KEY[key]) for key in columns]
    tells_result = "result" in columns
    lines = zip(rows.select("id", "result", "is_catalogued").iter_rows(), *cells, strict=True)
    return {
        "label": console.say("table.operations", rows=len(rows)),
        "open": console.say("operation_columns.details"),
        "marked": columns.index("action") if "action" in columns else 0,
        "columns": [_heading(console, COLUMN_BY_KEY[key]) for key in columns],
        "rows": [
            {
                "id": str(number),
                "failed": result != "success",
                "marks": _marks(console, result != "success" and not tells_result, not is_catalogued),
                "cells": list(line),
            }
            for (number, result, is_catalogued), *line in lines
        ],
    }


def _said(rows: pl.DataFrame, language: Language) -> pl.DataFrame:
    types = [object_word(product, key, language) for product, key in rows.select("product", "object_type").iter_rows()]
    symbols = rows["operation_class"].replace_strict(SYMBOLS, default=rows["operation_class"])
    clocks = [pl.col(name).dt.to_string("%Y-%m-%d %H:%M:%S") for name in _INSTANTS]
    more: list[pl.Series | pl.Expr] = [pl.Series("object_type", types, dtype=pl.String), symbols.alias("class_icon")]
    return worded(rows, language).with_columns(*clocks, *more, pl.col("id").cast(pl.String))


def _cells(rows: pl.DataFrame, said: pl.DataFrame, column: OperationColumn) -> list[dict[str, str]]:
    names = ("class_icon",) if column.key == "class_icon" else column.made_of
    found = [[_short(text) for text in said[name]] for name in names]
    if column.key == "content_and_id":
        # Few systems write a sentence: then the object's name says what it was about.
        found[0] = [text or _short(name) for text, name in zip(found[0], said["object_name"], strict=True)]
    cells = [{"text": text} for text in found[0]]
    for cell, below in zip(cells, found[1] if len(found) > 1 else (), strict=False):
        cell |= {"below": below} if cell["text"] else {"text": below}
    if column.key == "result":
        kinds = ["plain" if result == "success" else "failure" for result in rows["result"]]
        cells = [{**cell, "mark": kind} for cell, kind in zip(cells, kinds, strict=True)]
    if column.key == "class_icon":
        cells = [{**cell, "below": word} for cell, word in zip(cells, said["operation_class"], strict=True)]
    return cells


def _heading(console: Console, column: OperationColumn) -> dict[str, str]:
    return {"key": column.key, "label": console.say(column.words)}


def _marks(console: Console, is_failed: bool, is_unknown: bool) -> list[dict[str, str]]:
    """What is to be seen of an operation at once; a failure only where no column tells the result."""
    failed = [{"kind": "failure", "text": console.say("operations.failed")}] if is_failed else []
    return failed + ([{"kind": "unknown", "text": console.say("operations.uncatalogued")}] if is_unknown else [])


def _open() -> None:
    opened = st.session_state["oplog_list"]["opened"]
    if isinstance(opened, str) and opened.isdigit():
        address.write(operation=opened)


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


def _short(text: str | None) -> str:
    text = text or ""
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"


def _ways(console: Console, shown: Shown, page: OperationPage, counts: OperationCounts) -> None:
    """The buttons to newer and older operations, and which page of how many this is."""
    place = 0
    if page.newer is not None:
        place = console.operations.newer_count(shown.asked, page.newer)
    pages = max(1, ceil(counts.total / SIZE))
    number = min(pages, ceil(place / SIZE) + 1)
    to_newest, to_newer, to_older = ("operations.newest", "operations.newer", "operations.older")
    with st.container(horizontal=True, vertical_alignment="center", key="operations_ways"):
        _way(console, to_newest, ":material/first_page:", page.newer, before=None, after=None)
        _way(console, to_newer, ":material/chevron_left:", page.newer, before=None, after=str(page.newer))
        st.text(console.say("operations.page", page=f"{number:,}", pages=f"{pages:,}"), width="content")
        older = page.older if number < pages else None
        _way(console, to_older, ":material/chevron_right:", older, before=str(older), after=None)


def _way(console: Console, words: str, icon: str, there: int | None, **state: str | None) -> None:
    go = partial(address.write, operation=None, **state)
    st.button(console.say(words), icon=icon, key=words, disabled=there is None, on_click=go)
