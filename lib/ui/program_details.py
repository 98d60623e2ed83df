"""The dialog that tells all about one mini program."""

from __future__ import annotations

import polars as pl
import streamlit as st

from lib.queries.console import Console
from lib.ui import filters
from lib.ui.tables import Column, Kind, table

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
    for field in _FIELDS:
        st.caption(console.say(f"programs.{field}"))
        st.text(getattr(details, field) or "—")
    st.subheader(console.say("programs.linked"), anchor=False)
    if details.links.is_empty():
        st.info(console.say("programs.no_links"))
        return
    now, ended = console.say("programs.link_now"), console.say("programs.link_ended")
    state = pl.when(pl.col("unlinked_at").is_null()).then(pl.lit(now)).otherwise(pl.lit(ended))
    links = details.links.with_columns(state=state)
    table(console, "links", links, _LINK_COLUMNS, zone=filters.zone(console))
