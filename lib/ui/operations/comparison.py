"""Old against new on the screen: a row a field, those that changed first and marked, long ones cut to where they
differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl
import streamlit as st

from lib.logs.changes import FieldChange, Turn, around, difference_of, text_of
from lib.queries.console import Console
from lib.ui.escaping import plain

LONGEST = 240
"""Characters of a value in a cell; the raw JSON has it whole."""

LONGEST_COMPARED = 100_000
"""Characters of a text that is told line by line."""

MOST_FIELDS = 200
MOST_TEXTS = 5

_COLOURS = {Turn.ADDED: "green", Turn.REMOVED: "red"}


def cut(text: str, longest: int = LONGEST * 4) -> str:
    """A text of any length, as far as the screen takes it."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def draw(console: Console, changes: Sequence[FieldChange], label: Callable[[str], str]) -> None:
    """The fields that changed, and those that did not behind a click."""
    changed = [field for field in changes if field.is_changed]
    same = [field for field in changes if not field.is_changed]
    if changed:
        _table(console, changed, label)
        _lines(console, changed, label)
    if same:
        with st.expander(console.say("operations.details_unchanged", count=f"{len(same):,}"), expanded=not changed):
            _table(console, same, label)


def _table(console: Console, fields: Sequence[FieldChange], label: Callable[[str], str]) -> None:
    names = ("operations.details_field", "operation_columns.old", "operation_columns.new")
    rows = [_row(console, field, label) for field in fields[:MOST_FIELDS]]
    st.table(pl.DataFrame(rows, schema=[console.say(name) for name in names], orient="row"), hide_index=True)
    if len(fields) > MOST_FIELDS:
        st.caption(console.say("operations.details_more", count=f"{len(fields) - MOST_FIELDS:,}"))
    if any(len(text_of(value)) > LONGEST for field in fields[:MOST_FIELDS] for value in (field.old, field.new)):
        st.caption(console.say("operations.details_cut"))


def _row(console: Console, field: FieldChange, label: Callable[[str], str]) -> tuple[str, str, str]:
    name = plain(label(field.path)) or "—"
    if not field.is_changed:
        return name, _shown(cut(text_of(field.old), LONGEST)), _shown(cut(text_of(field.new), LONGEST))
    old, new = ("" if value is None else text_of(value) for value in (field.old, field.new))
    if field.turn is Turn.CHANGED:
        old, new = text_of(field.old), text_of(field.new)
        if max(len(old), len(new)) > LONGEST:
            old, new = around(old, new)
    turn = console.say(f"operations.turn_{field.turn.value}")
    return (
        f"**{name}** :gray[{turn}]",
        "—" if field.turn is Turn.ADDED else _marked(cut(old, LONGEST), "red"),
        "—" if field.turn is Turn.REMOVED else _marked(cut(new, LONGEST), "green"),
    )


def _marked(text: str, colour: str) -> str:
    shown = _shown(text)
    return f":{colour}-background[{shown}]"


def _shown(text: str) -> str:
    """A value as typed; one without any visible sign in quotes, so that it can be seen."""
    return plain(text) if text.strip() else f"“{plain(text)}”"


def _lines(console: Console, fields: Sequence[FieldChange], label: Callable[[str], str]) -> None:
    """Texts of several lines, line by line."""
    drawn = 0
    for field in fields:
        texts = [value for value in (field.old, field.new) if isinstance(value, str) and len(value) <= LONGEST_COMPARED]
        difference = difference_of(*texts) if field.turn is Turn.CHANGED and len(texts) == 2 else ""
        if difference and drawn < MOST_TEXTS:
            drawn += 1
            st.caption(plain(console.say("operations.details_lines", field=label(field.path) or "—")))
            st.code(difference, language="diff", wrap_lines=True, height=min(400, 60 + 22 * difference.count("\n")))
