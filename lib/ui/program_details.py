"""The dialog that tells all about one mini program."""

from __future__ import annotations

import polars as pl
import streamlit as st

from lib.charts.units import DASH
from lib.queries.console import Console
from lib.ui import filters
from lib.ui.tables import Column, Kind, heading, table

_FIELDS = ("name", "key", "kind", "status", "description")

_LINK_COLUMNS = (
    Column("name", "programs.application"),
    Column("state", "programs.link_status"),
    Column("linked_at", "programs.linked_at", Kind.INSTANT),
    Column("unlinked_at", "programs.unlinked_at", Kind.INSTANT),
)


def show(console: Console, key: str) -> None:
    """Open the dialog: name, id, type, status, description, and its applications, those unlinked from included."""
    dialog = st.dialog(console.say("programs.details"), width="large", icon=":material/widgets:")
    dialog(_body)(console, key)


def _body(console: Console, key: str) -> None:
    details = console.programs.details(key)
    wall = st.grid(2, min_column_width=240)
    for field in _FIELDS:
        with wall.cell(column_span="all" if field == "description" else 1), st.container(gap="xxsmall"):
            value = getattr(details, field)
            st.caption(console.say(f"programs.{field}"))
            st.text(console.say(f"programs.status_{value}") if field == "status" else value or DASH)
    heading(console, "programs.linked", "links", lambda: _links(console, key), _LINK_COLUMNS, minor=True)
    if details.links.is_empty():
        st.info(console.say("programs.no_links"))
        return
    table(console, "links", _links(console, key), _LINK_COLUMNS, zone=filters.zone(console))


def _links(console: Console, key: str) -> pl.DataFrame:
    now, ended = console.say("programs.link_now"), console.say("programs.link_ended")
    state = pl.when(pl.col("unlinked_at").is_null()).then(pl.lit(now)).otherwise(pl.lit(ended))
    return console.programs.details(key).links.with_columns(state=state)
