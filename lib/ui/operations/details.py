"""One operation in full, in a panel at the right: old against new, every column, the raw record, and where it leads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from lib.errors import NotFound
from lib.logs import catalogue
from lib.logs.wording import object_word, worded
from lib.queries.console import Console
from lib.queries.operation_filter import EVERY, OperationFilter
from lib.queries.operations import OperationDetails
from lib.store.time_ids import LAST_INSTANT
from lib.ui import address
from lib.ui.escaping import plain
from lib.ui.operations import comparison
from lib.ui.operations.state import FILTERS, LISTING, PLACE, Shown
from lib.ui.periods import period_text, today_in
from lib.usage.buckets import EARLIEST, zone_of

LONGEST_HIGHLIGHTED = 50_000
"""Characters of raw JSON that the browser colours; more would hold it up."""

LONGEST_LAID_OUT = 200_000
"""... and that it sets as code; longer ones stand in a plain field, from which they can be copied as well."""

_FIRST = ("occurred_at", "received_at", "operator", "role", "organization", "tenant", "product", "project")
_LATER = (
    *("application", "module", "submodule", "action", "operation_class"),
    *("object_type", "object_name", "object_id", "content"),
)
_LAST = ("result", "channel", "address", "user_agent", "request_id", "source", "event_id", "is_catalogued", "id")


def show(console: Console, shown: Shown) -> None:
    """Open the panel on the record that the address names."""
    title = console.say("operations.details")
    dialog = st.dialog(title, width="medium", position="right", on_dismiss=_close, icon=":material/history:")
    dialog(_body)(console, shown.asked)


def _close() -> None:
    address.write(operation=None)


def _body(console: Console, asked: OperationFilter) -> None:
    number = address.read("operation")
    if not number.isdigit():
        st.rerun()
    try:
        details = console.operations.details(int(number), EVERY if asked.tenants else None)
    except NotFound:
        st.info(console.say("operations.details_gone"), icon=":material/search_off:")
        return
    _neighbours(console, asked, int(number))
    _head(console, details, asked)
    _leads(console, details, asked)
    _values(console, details)
    _fields(console, details, asked)
    _raw(console, details)


def _neighbours(console: Console, asked: OperationFilter, number: int) -> None:
    newer, older = console.operations.neighbours(asked, number)
    with st.container(horizontal=True):
        for words, there, icon in (
            ("operations.details_newer", newer, ":material/arrow_upward:"),
            ("operations.details_older", older, ":material/arrow_downward:"),
        ):
            go = partial(address.write, operation=str(there))
            st.button(console.say(words), icon=icon, key=words, disabled=there is None, on_click=go)


def _head(console: Console, details: OperationDetails, asked: OperationFilter) -> None:
    """Who did what to what, when, in one line each."""
    words = _words(console, details)
    st.title(plain(f"{words['module']} · {words['action']}"), anchor=False)
    named = str(details.fields["object_name"] or details.fields["object_id"] or "")
    if named:
        st.text(f"{words['object_type']} {named}".strip())
    st.text(f"{details.fields['operator']} · {_told(console, 'occurred_at', details.fields['occurred_at'], asked)}")
    with st.container(horizontal=True):
        if details.fields["result"] != "success":
            st.badge(console.say("operations.failed"), icon=":material/error:", color="red")
        if not details.fields["is_catalogued"]:
            st.badge(console.say("operations.uncatalogued"), icon=":material/help:", color="orange")


def _leads(console: Console, details: OperationDetails, asked: OperationFilter) -> None:
    """The history of the object and of the operator: the only filters then, over as long a time as the log has."""
    fields = details.fields
    with st.container(horizontal=True):
        if fields["object_id"]:
            to_object = {
                "object": str(fields["object_id"]),
                "object_type": str(fields["object_type"] or ""),
            }
            label, icon = console.say("operations.details_object"), ":material/deployed_code_history:"
            _lead(console, label, "object", icon, to_object, asked)
        operator = str(fields["operator"])
        label = plain(console.say("operations.details_operator", operator=operator[:60]))
        _lead(console, label, "operator", ":material/person_search:", {"operator": operator}, asked)


def _lead(console: Console, label: str, key: str, icon: str, said: Mapping[str, str], asked: OperationFilter) -> None:
    kept = {"tenants": asked.tenants}
    state: dict[str, address.Said] = {**dict.fromkeys((*FILTERS, *PLACE)), **kept, **said}
    if st.button(label, icon=icon, key=f"oplog.details.{key}"):
        ever = OperationFilter(
            EARLIEST,
            LAST_INSTANT,
            asked.zone,
            tenants=asked.tenants,
            operators=(said["operator"],) if "operator" in said else (),
            object_type=said.get("object_type", ""),
            object_id=said.get("object", ""),
        )
        LISTING.narrow(period=_whole_time(console, ever), **state)
        st.rerun()


def _whole_time(console: Console, ever: OperationFilter) -> str:
    """The days from the first operation that matches to today, or to the last one where that is later."""
    ends = [
        console.operations.page(ever, after=after, size=1, columns=("occurred_at",)).rows["occurred_at"][0].date()
        for after in (0, None)
    ]
    return period_text(ends[0], max(ends[1], today_in(ever.zone)))


def _values(console: Console, details: OperationDetails) -> None:
    st.markdown(f"**{console.say('operations.details_changes')}**")
    fields, language = details.fields, console.viewer.language
    entry = catalogue.catalogued(*(str(fields[name]) for name in ("product", "module", "submodule", "action")))
    labels = zip(("old", "new"), catalogue.labels_of_values(entry, language), strict=True)
    told = [console.say(f"operations.details_{name}_is", words=words) for name, words in labels if words]
    if told:
        st.caption(plain(" · ".join(told)))
    if details.changes:
        label: Callable[[str], str] = partial(_field_word, str(fields["product"]), language=language)
        comparison.draw(console, details.changes, label)
    else:
        st.caption(console.say("operations.details_no_values"))


def _field_word(product: str, path: str, *, language: Any) -> str:
    """What the catalogue calls a field, with its path where that is more than its name."""
    word = catalogue.words_of(product, "field", path, language)
    return path if word == path else word if "." not in path and "[" not in path else f"{word} ({path})"


def _fields(console: Console, details: OperationDetails, asked: OperationFilter) -> None:
    st.markdown(f"**{console.say('operations.details_fields')}**")
    words = _words(console, details)
    rows = []
    for name in (*_FIRST, *_LATER, *_LAST):
        value = words.get(name, details.fields.get(name))
        if value not in (None, ""):
            text = _told(console, name, value, asked)
            rows.append((console.say(f"operation_columns.{name}"), plain(comparison.cut(text))))
    frame = pl.DataFrame(rows, schema=["name", "value"], orient="row")
    st.table(frame, border="horizontal", hide_header=True, hide_index=True)


def _words(console: Console, details: OperationDetails) -> dict[str, Any]:
    """The columns that have words, in the viewer's language."""
    fields, language = details.fields, console.viewer.language
    keys = ("product", "module", "submodule", "action", "operation_class", "channel", "result")
    row = pl.DataFrame({key: [str(fields[key] or "")] for key in keys})
    object_type = object_word(str(fields["product"]), str(fields["object_type"] or ""), language)
    return {**worded(row, language).row(0, named=True), "object_type": object_type}


def _told(console: Console, name: str, value: object, asked: OperationFilter) -> str:
    if isinstance(value, datetime):
        # The details are told in the zone of the page, with the offset that makes them mean one instant.
        return value.astimezone(zone_of(asked.zone)).isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, bool):
        return console.say("operation_columns.yes" if value else "operation_columns.no")
    return str(value)


def _raw(console: Console, details: OperationDetails) -> None:
    is_open = st.toggle(
        console.say("operations.details_raw"), key="oplog.raw", help=console.say("operations.details_raw_help")
    )
    if is_open and len(details.raw) > LONGEST_LAID_OUT:
        st.text_area(
            console.say("operations.details_raw"),
            details.raw,
            height=420,
            label_visibility="collapsed",
            key=f"oplog.raw.{details.fields['id']}",
        )
    elif is_open:
        coloured = len(details.raw) <= LONGEST_HIGHLIGHTED
        st.code(details.raw, language="json" if coloured else None, wrap_lines=coloured, height=420)
