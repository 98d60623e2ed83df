"""One row in full, in a panel at the right, and where it leads: all of its address, all of its account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl
import streamlit as st

from lib.errors import NotFound
from lib.queries.console import Console
from lib.ui import address
from lib.ui.access_log.log import place
from lib.ui.access_log.state import Shown
from lib.ui.access_log.visits import duration
from lib.ui.escaping import plain
from lib.usage.buckets import zone_of

LONGEST_VALUE = 2_000
"""Characters of a value that are told."""


def show(console: Console, shown: Shown) -> None:
    """Open the panel on the row that the address names."""
    title = console.say(f"access_log.details_{shown.log.key}")
    dialog = st.dialog(title, width="medium", position="right", on_dismiss=_close, icon=":material/travel_explore:")
    dialog(_body)(console, shown)


def _close() -> None:
    address.write(record=None)


def _body(console: Console, shown: Shown) -> None:
    if shown.record is None or not address.read("record"):
        st.rerun()
    try:
        row = shown.log.queries(console).details(str(shown.record), shown.asked.tenants)
    except NotFound:
        st.info(console.say("access_log.details_gone"), icon=":material/search_off:")
        return
    _head(console, shown, row)
    _leads(console, shown, row)
    _fields(console, shown, row)


def _head(console: Console, shown: Shown, row: Mapping[str, object]) -> None:
    """What it was, and when, in two lines."""
    first = "request" if shown.log.key == "visits" else "result"
    st.text(shown.log.cell(console, first, row)["text"] or "—")
    st.caption(plain(f"{_instant(row['at'], shown.asked.zone)} · {row['address'] or '—'} · {place(console, row)}"))


def _leads(console: Console, shown: Shown, row: Mapping[str, object]) -> None:
    """Ways to the rows of the same address and account, in the period that is shown and with no other filter."""
    with st.container(horizontal=True):
        for name, icon in (("address", ":material/lan:"), ("account", ":material/person_search:")):
            value = str(row[name] or "")
            if value:
                label = plain(console.say(f"access_log.all_of_{name}", value=value[:60]))
                if st.button(label, icon=icon, key=f"access_log.details.{name}"):
                    tenants = address.read("tenants") or None
                    shown.log.listing.only(**{"tenants": tenants, name: value})
                    st.rerun()


def _fields(console: Console, shown: Shown, row: Mapping[str, object]) -> None:
    rows = []
    for name in shown.log.fields:
        text = _told(console, shown, name, row)
        if text:
            cut = text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
            rows.append((_heading(console, shown, name), plain(cut)))
    frame = pl.DataFrame(rows, schema=["name", "value"], orient="row")
    st.table(frame, border="horizontal", hide_header=True, hide_index=True)


def _heading(console: Console, shown: Shown, name: str) -> str:
    column = shown.log.columns.by_key.get(name)
    return console.say(column.words if column else f"column.{name}")


def _told(console: Console, shown: Shown, name: str, row: Mapping[str, object]) -> str:
    match name:
        case "at":
            return _instant(row["at"], shown.asked.zone)
        case "place":
            return place(console, row)
        case "company" | "memo" | "id" | "target" | "user_agent" | "referrer":
            return str(row[name] or "")
        case "duration_ms":
            return duration(row["duration_ms"] if isinstance(row["duration_ms"], int) else None) or ""
        case _:
            return shown.log.cell(console, name, row)["text"]


def _instant(at: object, zone: str) -> str:
    if not isinstance(at, datetime):
        return ""
    return at.astimezone(zone_of(zone)).isoformat(sep=" ", timespec="milliseconds")
