"""Notes on dates (SPEC U6): listed below a trend, and kept there by those permitted."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import streamlit as st

from lib.access.permissions import Permission
from lib.queries.annotations import NoteInput
from lib.queries.console import Console
from lib.ui.administration.dialogs import attempt, field, notice, open_dialog, second_question
from lib.ui.periods import days_of, today_in
from lib.ui.tables import Column, Kind, download, table
from lib.usage.buckets import EARLIEST, Period

Row = dict[str, Any]
_LATEST = date(2100, 1, 1)


def noted(console: Console, shown: Period, application: str | None) -> pl.DataFrame:
    """The notes on the local days of a period; of an application, those of its project and of the whole tenant."""
    # "" is no project's key: an application of none has the notes of the whole tenant.
    project = console.annotations.project_of(application) or "" if application else None
    return console.annotations.listing(*days_of(shown), project)


def section(console: Console, notes: pl.DataFrame, shown: Period, application: str | None) -> None:
    """The notes of a trend in a list that opens, with what adds one and opens one to change it."""
    keeps = console.viewer.allows(Permission.ANNOTATION_MANAGE)
    notice(console)
    if notes.is_empty() and not keeps:
        return
    with st.expander(console.say("annotation.notes", count=len(notes)), icon=":material/bookmark:", key="annotations"):
        with st.container(horizontal=True, vertical_alignment="center"):
            if keeps and st.button(console.say("annotation.add"), icon=":material/add:", key="annotations.add"):
                open_dialog(console, console.say("annotation.add"), _form, _day(shown))
            if not notes.is_empty():
                download(console, "annotations", lambda: _said(console, noted(console, shown, application)), _COLUMNS)
        if notes.is_empty():
            st.caption(console.say("annotation.none"))
            return
        columns = (Column("name", "annotation.name", Kind.OPENS, width=220), *_COLUMNS[1:]) if keeps else _COLUMNS
        clicks = {"name": lambda row: open_dialog(console, row["name"], _form, row["noted_on"], row)}
        table(console, "annotations", _said(console, notes), columns, clicks=clicks if keeps else None)


_COLUMNS = (
    Column("name", "annotation.name", width=220),
    Column("day", "annotation.noted_on", width=110),
    Column("description", "annotation.description", width=420),
    Column("project_said", "annotation.project", width=160),
)


def _said(console: Console, notes: pl.DataFrame) -> pl.DataFrame:
    return notes.with_columns(
        day=pl.col("noted_on").dt.to_string("%Y-%m-%d"),
        project_said=pl.col("project_name").fill_null(console.say("annotation.whole_tenant")),
    )


def _day(shown: Period) -> date:
    """The day that a new note is on at first: today, or the period's last day before it."""
    return min(days_of(shown)[1], today_in(shown.zone))


def _form(console: Console, noted_on: date, row: Row | None = None) -> None:
    """A note: new, or of the row, which can be deleted."""
    with st.form(field("note_form"), border=False):
        day = st.date_input(
            console.say("annotation.noted_on"),
            noted_on,
            min_value=EARLIEST.date(),
            max_value=_LATEST,
            format="YYYY-MM-DD",
            key=field("note_day"),
        )
        name = st.text_input(
            console.say("annotation.name"), row["name"] if row else "", max_chars=200, key=field("note_name")
        )
        description = st.text_area(
            console.say("annotation.description"),
            row["description"] if row else "",
            max_chars=2000,
            key=field("note_description"),
        )
        project = _project(console, row)
        submitted = st.form_submit_button(console.say("administration.save"), type="primary", key=field("note_save"))
    ask = console.annotations
    if submitted:
        note, done = NoteInput(day, name, description, project), console.say("administration.saved", name=name)
        attempt(console, lambda: ask.edit(row["id"], note) if row else ask.add(note), done)
    if row is not None:
        question = console.say("administration.delete_question", name=row["name"])
        done = console.say("administration.deleted", name=row["name"])
        second_question(console, "delete", question, lambda: ask.delete(row["id"]), done)


def _project(console: Console, row: Row | None) -> str | None:
    names = dict(console.annotations.projects())
    every = console.viewer.applications.every
    options: list[str | None] = [*([None] if every else []), *names]
    if options == [None]:
        return None
    chosen = row["project"] if row else None
    return st.selectbox(
        console.say("annotation.project"),
        options,
        index=options.index(chosen) if chosen in options else 0,
        format_func=lambda key: names[key] if key else console.say("annotation.whole_tenant"),
        key=field("note_project"),
    )
