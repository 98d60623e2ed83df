"""The list of a log: a page of it, newest first, and the way to its neighbours."""

from __future__ import annotations

from math import ceil
from typing import Any

import polars as pl

from lib.queries.console import Console
from lib.ui.access_log.state import Shown
from lib.ui.listing import records, ways

SIZE = 50
"""Rows on a page of the list."""


def draw(console: Console, shown: Shown, total: int) -> None:
    """The table and, below it, where in the list it is."""
    queries = shown.log.queries(console)
    page = queries.page(shown.asked, before=shown.before, after=shown.after, size=SIZE)
    records.draw(console, shown.log.listing, table(console, shown, page.rows), "record")
    place = 0 if page.newer is None else queries.newer_count(shown.asked, page.newer)
    pages = max(1, ceil(total / SIZE))
    number = min(pages, ceil(place / SIZE) + 1)
    newer = None if page.newer is None else {"after": page.newer}
    older = {"before": page.older} if page.older is not None and number < pages else None
    ways.draw(console, shown.log.listing, number, pages, newer, older)


def table(console: Console, shown: Shown, rows: pl.DataFrame) -> dict[str, Any]:
    """The rows as the browser draws them."""
    log = shown.log
    found = [
        {
            "id": row["id"],
            "failed": log.failed(row),
            "marks": [],
            "cells": [log.cell(console, key, row) for key in shown.columns],
        }
        for row in rows.iter_rows(named=True)
    ]
    columns = [log.columns.by_key[key] for key in shown.columns]
    return records.table(console, console.say(f"table.{log.key}", rows=len(rows)), columns, found)
