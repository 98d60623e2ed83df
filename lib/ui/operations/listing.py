"""The list of operations: a page of it, newest first, and the way to its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import polars as pl

from lib.logs.wording import object_word, worded
from lib.queries.console import Console
from lib.queries.operations import OperationCounts, OperationPage
from lib.ui.listing import records, ways
from lib.ui.listing.columns import ListColumn
from lib.ui.listing.records import short
from lib.ui.operations.columns import COLUMNS, SYMBOLS
from lib.ui.operations.state import LISTING, Shown
from lib.words import Language

SIZE = 50
"""Operations on a page of the list."""

_INSTANTS = ("occurred_at", "received_at")


def draw(console: Console, shown: Shown, page: OperationPage, counts: OperationCounts) -> None:
    """The table and, below it, where in the list it is."""
    records.draw(console, LISTING, table(console, page.rows, shown.columns), "operation")
    _ways(console, shown, page, counts)


def table(console: Console, rows: pl.DataFrame, keys: Sequence[str]) -> dict[str, Any]:
    """The rows as the browser draws them: words for keys, and below a text the one that belongs under it."""
    language = console.viewer.language
    said = _said(rows, language)
    columns = [COLUMNS.by_key[key] for key in keys]
    cells = [_cells(rows, said, column) for column in columns]
    tells_result = "result" in keys
    lines = zip(rows.select("id", "result", "is_catalogued").iter_rows(), *cells, strict=True)
    found = [
        {
            "id": str(number),
            "failed": result != "success",
            "marks": _marks(console, result != "success" and not tells_result, not is_catalogued),
            "cells": list(line),
        }
        for (number, result, is_catalogued), *line in lines
    ]
    label = console.say("table.operations", rows=len(rows))
    return records.table(console, label, columns, found, keys.index("action") if "action" in keys else 0)


def _said(rows: pl.DataFrame, language: Language) -> pl.DataFrame:
    types = [object_word(product, key, language) for product, key in rows.select("product", "object_type").iter_rows()]
    symbols = rows["operation_class"].replace_strict(SYMBOLS, default=rows["operation_class"])
    clocks = [pl.col(name).dt.to_string("%Y-%m-%d %H:%M:%S") for name in _INSTANTS]
    more: list[pl.Series | pl.Expr] = [pl.Series("object_type", types, dtype=pl.String), symbols.alias("class_icon")]
    return worded(rows, language).with_columns(*clocks, *more, pl.col("id").cast(pl.String))


def _cells(rows: pl.DataFrame, said: pl.DataFrame, column: ListColumn) -> list[dict[str, str]]:
    names = ("class_icon",) if column.key == "class_icon" else column.made_of
    found = [[short(text) for text in said[name]] for name in names]
    if column.key == "content_and_id":
        # Few systems write a sentence: then the object's name says what it was about.
        found[0] = [text or short(name) for text, name in zip(found[0], said["object_name"], strict=True)]
    cells = [{"text": text} for text in found[0]]
    for cell, below in zip(cells, found[1] if len(found) > 1 else (), strict=False):
        cell |= {"below": below} if cell["text"] else {"text": below}
    if column.key == "result":
        kinds = ["plain" if result == "success" else "failure" for result in rows["result"]]
        cells = [{**cell, "mark": kind} for cell, kind in zip(cells, kinds, strict=True)]
    if column.key == "class_icon":
        cells = [{**cell, "below": word} for cell, word in zip(cells, said["operation_class"], strict=True)]
    return cells


def _marks(console: Console, is_failed: bool, is_unknown: bool) -> list[dict[str, str]]:
    """What is to be seen of an operation at once; a failure only where no column tells the result."""
    failed = [{"kind": "failure", "text": console.say("operations.failed")}] if is_failed else []
    return failed + ([{"kind": "unknown", "text": console.say("operations.uncatalogued")}] if is_unknown else [])


def _ways(console: Console, shown: Shown, page: OperationPage, counts: OperationCounts) -> None:
    place = 0
    if page.newer is not None:
        place = console.operations.newer_count(shown.asked, page.newer)
    pages = max(1, ceil(counts.total / SIZE))
    number = min(pages, ceil(place / SIZE) + 1)
    newer = None if page.newer is None else {"after": str(page.newer)}
    older = {"before": str(page.older)} if page.older is not None and number < pages else None
    ways.draw(console, LISTING, number, pages, newer, older)
