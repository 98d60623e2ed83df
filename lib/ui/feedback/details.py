"""One record of feedback in full, in a panel at the right: the text, its images, the contact, the log, every column."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from lib.access.permissions import Permission
from lib.errors import NotFound
from lib.feedback.types import KIND_BY_KEY, TYPE_BY_KEY
from lib.queries.console import Console
from lib.queries.feedback import FeedbackDetails
from lib.ui import address
from lib.ui.escaping import plain
from lib.ui.feedback import images, logs
from lib.ui.feedback.state import LISTING, LOGS, Shown
from lib.ui.sizes import size_text
from lib.usage.buckets import zone_of

_COLUMNS = (
    *("occurred_at", "received_at", "mini_program_name", "application_name", "user", "mini_program_version"),
    *("app_version", "os", "device", "source", "client_id", "id"),
)
_LONGEST_NAME = 60


def show(console: Console, shown: Shown) -> None:
    """Open the panel on the record that the address names."""
    title = console.say("feedback.details")
    dialog = st.dialog(title, width="medium", position="right", on_dismiss=_close, icon=":material/feedback:")
    dialog(_body)(console, shown)


def _close() -> None:
    address.write(feedback=None)


def _body(console: Console, shown: Shown) -> None:
    number = address.read("feedback")
    if not number.isdigit():
        st.rerun()
    try:
        details = console.feedback.details(int(number))
    except NotFound:
        st.info(console.say("feedback.details_gone"), icon=":material/search_off:")
        return
    if shown.tab != LOGS:
        _neighbours(console, shown, int(number))
    _head(console, details.fields, shown.asked.zone)
    with st.container(border=True):
        st.text(details.fields["content"] or console.say("feedback.no_content"))
    images.draw(console, details.images)
    _contact(console, details.fields)
    _log(console, details)
    _columns(console, details.fields, shown.asked.zone)


def _neighbours(console: Console, shown: Shown, number: int) -> None:
    newer = console.feedback.page(shown.asked, limit=1, after=number)
    older = console.feedback.page(shown.asked, number, limit=1)
    with st.container(horizontal=True):
        for words, there, icon in (
            ("feedback.details_newer", newer, ":material/arrow_upward:"),
            ("feedback.details_older", older, ":material/arrow_downward:"),
        ):
            is_end = there.is_empty()
            go = partial(address.write, feedback=None if is_end else str(there["id"][0]))
            st.button(console.say(words), icon=icon, key=words, disabled=is_end, on_click=go)


def _head(console: Console, fields: Mapping[str, Any], zone: str) -> None:
    of_type = TYPE_BY_KEY[fields["type"]]
    st.title(console.say(KIND_BY_KEY.get(fields["kind"], of_type).words), anchor=False)
    when = f"{fields['occurred_at'].astimezone(zone_of(zone)):%Y-%m-%d %H:%M}"
    st.text(" · ".join(filter(None, (when, fields["application_name"], fields["user"]))))


def _contact(console: Console, fields: Mapping[str, Any]) -> None:
    st.markdown(f"**{console.say('feedback.contact')}**")
    if not console.viewer.allows(Permission.FEEDBACK_CONTACT_READ):
        st.caption(plain(console.say("feedback.contact_hidden")))
    elif fields["contact"]:
        st.code(fields["contact"], language=None, wrap_lines=True)
    else:
        st.caption(console.say("feedback.contact_none"))


def _log(console: Console, details: FeedbackDetails) -> None:
    if details.fields["log_id"] is None:
        return
    st.markdown(f"**{console.say('feedback.log')}**")
    if details.log is None:
        st.caption(console.say("feedback.log_gone"))
        return
    log = details.log
    st.text(" · ".join((log["name"], size_text(log["size_bytes"]), logs.left_told(console, log["expires_at"]))))
    logs.fetch(console, log, "ufb.fetch_its_log")


def _columns(console: Console, fields: Mapping[str, Any], zone: str) -> None:
    st.markdown(f"**{console.say('feedback.all_columns')}**")
    rows = [
        (console.say(f"feedback_column.{name}"), plain(_told(fields[name], zone)))
        for name in _COLUMNS
        if fields[name] not in (None, "")
    ]
    frame = pl.DataFrame(rows, schema=["name", "value"], orient="row")
    st.table(frame, border="horizontal", hide_header=True, hide_index=True)
    if fields["user"]:
        label = plain(console.say("feedback.all_of_user", user=fields["user"][:_LONGEST_NAME]))
        if st.button(label, icon=":material/person_search:", key="ufb.all_of_user"):
            LISTING.only(search=fields["user"])
            st.rerun()


def _told(value: object, zone: str) -> str:
    if isinstance(value, datetime):
        # With the offset that makes it mean one instant.
        return value.astimezone(zone_of(zone)).isoformat(sep=" ", timespec="seconds")
    return str(value)
