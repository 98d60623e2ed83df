"""The list of operations: a page of it, newest first, and the way to its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil
from typing import Any

import polars as pl
import streamlit as st

from lib.logs.wording import object_word, word_of, worded
from lib.queries.console import Console
from lib.queries.operations import OperationCounts, OperationPage
from lib.ui import address
from lib.ui.operations.columns import COLUMN_BY_KEY, SYMBOLS, OperationColumn
from lib.ui.operations.state import Shown
from lib.words import Language

SIZE = 50
"""Operations on a page of the list."""

ROW_HEIGHT = 36
TALL_ROW_HEIGHT = 66
"""Pixels; text is broken into lines in rows of more than 64."""

HEIGHT_IN_SIGHT = 680
LONGEST_CELL = 300
"""Characters of a text in the list; the details have it whole."""

_INSTANTS = ("occurred_at", "received_at")


def draw(console: Console, shown: Shown, page: OperationPage, counts: OperationCounts) -> None:
    """The table and, below it, where in the list it is."""
    rows = cells(page.rows, shown.columns, console.viewer.language)
    ids = page.rows["id"].to_list()
    is_tall = any(len(COLUMN_BY_KEY[key].made_of) > 1 for key in shown.columns)
    height = TALL_ROW_HEIGHT if is_tall else ROW_HEIGHT
    marked = _marks(console, page.rows, tells_result="result" in shown.columns)
    config = {key: _configured(console, COLUMN_BY_KEY[key]) for key in shown.columns}
    st.dataframe(
        rows.select(
            pl.lit(console.say("operation_columns.details")).alias("details"),
            *shown.columns,
            *([marked.alias("marks")] if marked.list.len().sum() else []),
        ),
        hide_index=True,
        height="content" if (len(rows) + 1) * height <= HEIGHT_IN_SIGHT else HEIGHT_IN_SIGHT,
        row_height=height,
        column_config={"details": _opening(ids), "marks": _marking(console), **config},
        key=f"oplog.list.{','.join(shown.columns)}",
        placeholder="—",
        alt=console.say("table.operations", rows=len(rows)),
    )
    _ways(console, shown, page, counts)


def cells(rows: pl.DataFrame, columns: Sequence[str], language: Language) -> pl.DataFrame:
    """The rows as they stand in the list: words for keys, and two lines where a column is made of two."""
    types = {
        (product, key): object_word(product, key, language)
        for product, key in rows.select("product", "object_type").unique().iter_rows()
    }
    told = [types[pair] for pair in rows.select("product", "object_type").iter_rows()]
    shown = worded(rows, language).with_columns(
        pl.Series("object_type", told, dtype=pl.String),
        class_icon=rows["operation_class"].replace_strict(SYMBOLS, default=rows["operation_class"]),
    )
    return shown.select(_cell(COLUMN_BY_KEY[key]) for key in columns)


def _cell(column: OperationColumn) -> pl.Expr:
    if column.key in _INSTANTS:
        return pl.col(column.key).dt.replace_time_zone(None)
    if column.key == "result":
        return pl.concat_list(_short("result")).alias("result")
    if len(column.made_of) == 2:
        first, second = (_short(name) for name in column.made_of)
        if column.key == "content_and_id":
            # Few systems write a sentence: then the object's name says what it was about.
            first = pl.when(first == "").then(_short("object_name")).otherwise(first)
        both = pl.concat_str(first, second, separator="\n")
        return pl.when(second == "").then(first).when(first == "").then(second).otherwise(both).alias(column.key)
    return _short(column.key).alias(column.key)


def _short(name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String).fill_null("")
    cut = text.str.head(LONGEST_CELL - 1) + "…"
    return pl.when(text.str.len_chars() > LONGEST_CELL).then(cut).otherwise(text)


def _marks(console: Console, rows: pl.DataFrame, *, tells_result: bool) -> pl.Series:
    """What is to be seen of an operation at once; a failure only where no column tells the result."""
    failed, uncatalogued = console.say("operations.failed"), console.say("operations.uncatalogued")
    pairs = rows.select((pl.col("result") != "success") & pl.lit(not tells_result), ~pl.col("is_catalogued")).rows()
    marks = [[failed] * is_failed + [uncatalogued] * is_unknown for is_failed, is_unknown in pairs]
    return pl.Series("marks", marks, dtype=pl.List(pl.String))


def _marking(console: Console) -> Any:
    return st.column_config.MultiselectColumn(
        console.say("operation_columns.marks"),
        options=[console.say("operations.failed"), console.say("operations.uncatalogued")],
        color=["red", "orange"],
        help=console.say("operation_columns.marks_help"),
        width=150,
    )


def _opening(ids: list[int]) -> Any:
    # The ids as they are drawn: by the time of the click a newer operation may have moved every row.
    return st.column_config.ButtonColumn(
        "", type="tertiary", width=70, pinned=True, key="oplog.open", on_click=_open, args=(ids,)
    )


def _open(ids: list[int]) -> None:
    clicked = st.session_state.get("oplog.open")
    if clicked is not None and 0 <= clicked["row"] < len(ids):
        address.write(operation=str(ids[clicked["row"]]))


def _configured(console: Console, column: OperationColumn) -> Any:
    words = console.say(column.words)
    if column.key == "result":
        failed = word_of("result", "failure", console.viewer.language)
        return st.column_config.MultiselectColumn(words, options=[failed], color=["red"], width=column.width)
    if column.key in _INSTANTS:
        return st.column_config.DatetimeColumn(words, format="YYYY-MM-DD HH:mm:ss", width=column.width)
    told = console.say("operations.class_icons") if column.key == "class_icon" else None
    return st.column_config.TextColumn(words, width=column.width, help=told)


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
