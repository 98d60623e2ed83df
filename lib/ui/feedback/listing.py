"""The list of feedback: a page of it, newest first, and the way to its neighbours."""

from __future__ import annotations

from math import ceil
from typing import Any

import streamlit as st

from lib.feedback.types import ABNORMALITY, KIND_BY_KEY
from lib.queries.console import Console
from lib.queries.rooms import room
from lib.ui import downloads
from lib.ui.feedback.state import LISTING, Shown
from lib.ui.listing import records, ways
from lib.ui.listing.columns import ListColumn
from lib.ui.listing.records import Cell, short

SIZE = 50
"""Records on a page of the list."""

_OF_ABNORMALITIES = ("occurred_at", "kind", "content", "application", "user", "version", "device")
_OF_OTHERS = tuple(key for key in _OF_ABNORMALITIES if key != "kind")

COLUMNS = {
    "occurred_at": ListColumn("occurred_at", "feedback_column.occurred_at", ("occurred_at",), "instant"),
    "kind": ListColumn("kind", "feedback_column.kind", ("kind",), "name"),
    "content": ListColumn("content", "feedback_column.content", ("content",)),
    "application": ListColumn("application", "feedback_column.application_name", ("application_name",), "wide"),
    "user": ListColumn("user", "feedback_column.user", ("user",), "name"),
    "version": ListColumn("version", "feedback.version", ("mini_program_version",)),
    "device": ListColumn("device", "feedback_column.device", ("device", "os"), "wide"),
}


def section(console: Console, shown: Shown, total: int) -> None:
    """How many there are, the download of all of them, and the table."""
    with st.container(horizontal=True, vertical_alignment="center"):
        words = "feedback.total_one" if total == 1 else "feedback.total"
        st.markdown(f"**{console.say(words, total=f'{total:,}')}**", width="content")
        downloads.control(console, room("feedback").exportable(console, shown.asked.as_json()))
    keys = _OF_ABNORMALITIES if shown.tab == ABNORMALITY.key else _OF_OTHERS
    page = console.feedback.page(shown.asked, shown.before, SIZE, after=shown.after)
    rows = [
        {"id": str(row["id"]), "failed": False, "marks": [], "cells": [_cell(console, row, key) for key in keys]}
        for row in page.iter_rows(named=True)
    ]
    label = console.say("table.feedback", rows=len(rows))
    records.draw(console, LISTING, records.table(console, label, [COLUMNS[key] for key in keys], rows), "feedback")
    is_first = shown.before is None and shown.after is None
    place = 0 if is_first or page.is_empty() else console.feedback.newer_count(shown.asked, page["id"][0])
    ends = (page["id"][0], page["id"][-1]) if len(page) else None
    to_neighbours(console, place, len(page), total, ends)


def to_neighbours(console: Console, place: int, count: int, total: int, ends: tuple[int, int] | None) -> None:
    """The ways to newer and older records, where there are more than a page has. `place` is how many are newer than
    the first of the `count` shown, `ends` the ids of the first and the last of them."""
    pages = max(1, ceil(total / SIZE))
    if pages == 1 and not place:
        return
    newer = None if ends is None or not place else {"after": str(ends[0])}
    older = None if ends is None or place + count >= total else {"before": str(ends[1])}
    ways.draw(console, LISTING, min(pages, ceil(place / SIZE) + 1), pages, newer, older)


def _cell(console: Console, row: dict[str, Any], key: str) -> Cell:
    if key == "occurred_at":
        return {"text": f"{row['occurred_at']:%Y-%m-%d %H:%M}"}
    if key == "kind":
        return {"text": console.say(KIND_BY_KEY[row["kind"]].words) if row["kind"] in KIND_BY_KEY else ""}
    if key == "content":
        return _with_below(row["content"] or console.say("feedback.no_content"), came_with(console, row))
    first, *more = (row[name] for name in COLUMNS[key].made_of)
    return _with_below(first, *more) if first else {"text": short(next(iter(more), ""))}


def _with_below(text: str, below: str = "") -> Cell:
    return {"text": short(text), "below": short(below)} if below else {"text": short(text)}


def came_with(console: Console, row: dict[str, Any]) -> str:
    """The images and the log of a record, in a few words."""
    count = row["image_count"]
    images = console.say("feedback.has_image") if count == 1 else console.say("feedback.has_images", count=count)
    log = console.say("feedback.has_log")
    return " · ".join([images] * bool(count) + [log] * (row["log_id"] is not None))
