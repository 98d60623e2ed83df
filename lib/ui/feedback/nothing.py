"""What is said where there is nothing to list: how feedback comes in, a longer period, fewer filters (SPEC P3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import streamlit as st

from lib.queries.console import Console
from lib.store.time_ids import LAST_INSTANT
from lib.ui.feedback.state import LISTING, Shown
from lib.ui.periods import period_text
from lib.usage.buckets import EARLIEST, zone_of

DAYS_JUMPED_TO = 30

_SENDING = """curl --user "$WRITE_KEY:" {address}/v1/feedback \\
    --json '{{"type": "{type}", "content": "...", "userId": "u-1", "miniProgramVersion": "1.0"}}'"""

_WITH_IMAGE = """curl --user "$WRITE_KEY:" {address}/v1/feedback \\
    --form type={type} --form content="..." --form image=@screenshot.png"""

_IMPORTING = "daybook import feedback FILE --tenant {tenant} --format csv --mini-program {program}"

_SENDING_LOGS = """curl --user "$WRITE_KEY:" {address}/v1/feedback/logs --form file=@app.log"""


def feedback(console: Console, shown: Shown) -> None:
    """Where a tab lists no feedback: too many filters, a period without any, or none that ever came in."""
    asked = shown.asked
    plainly = replace(asked, application=None, kind=None, version=None, os=None, keyword=None)
    if console.feedback.total(plainly):
        _too_narrow(console)
        return
    newest = console.feedback.page(replace(plainly, since=EARLIEST, until=LAST_INSTANT), limit=1)
    if len(newest):
        _elsewhere(console, newest["occurred_at"][0], asked.zone)
    else:
        _how_to_send(console, shown)


def logs(console: Console, shown: Shown) -> None:
    """Where no uploaded log is listed."""
    asked = replace(shown.logs, keyword=None)
    if console.feedback_logs.total(asked):
        _too_narrow(console)
        return
    newest = console.feedback_logs.page(replace(asked, since=EARLIEST, until=LAST_INSTANT), limit=1)
    if len(newest):
        _elsewhere(console, newest["uploaded_at"][0], asked.zone)
        return
    with st.container(border=True):
        st.subheader(console.say("feedback_empty.no_log_yet"), anchor=False)
        st.write(console.say("feedback_empty.how_to_send_logs"))
        st.code(_SENDING_LOGS.format(address=_address(console)), language="bash", wrap_lines=True)
        st.caption(console.say("feedback_empty.make_key"))


def _too_narrow(console: Console) -> None:
    with st.container(border=True):
        st.subheader(console.say("feedback_empty.nothing_matches"), anchor=False)
        clear = partial(LISTING.widen, *LISTING.filters)
        st.button(console.say("feedback_empty.clear"), type="primary", key="ufb.clear", on_click=clear)


def _elsewhere(console: Console, newest: datetime, zone: str) -> None:
    """The days up to the newest that there is, as many as a chart shows well."""
    last = newest.astimezone(zone_of(zone)).date()
    first = last - timedelta(days=DAYS_JUMPED_TO - 1)
    days = {"first": f"{first:%Y-%m-%d}", "last": f"{last:%Y-%m-%d}"}
    with st.container(border=True):
        st.subheader(console.say("feedback_empty.nothing_in_period"), anchor=False)
        st.write(console.say("feedback_empty.newest", last=days["last"]))
        go = partial(LISTING.narrow, period=period_text(first, last))
        st.button(console.say("empty.go_there", **days), type="primary", key="ufb.go_there", on_click=go)


def _how_to_send(console: Console, shown: Shown) -> None:
    told = {"type": shown.tab, "address": _address(console)}
    with st.container(border=True):
        st.subheader(console.say("feedback_empty.nothing_yet"), anchor=False)
        st.write(console.say("feedback_empty.how_to_begin"))
        st.code(_SENDING.format(**told), language="bash", wrap_lines=True)
        st.caption(console.say("feedback_empty.with_image"))
        st.code(_WITH_IMAGE.format(**told), language="bash", wrap_lines=True)
        st.caption(console.say("feedback_empty.by_file"))
        viewer = console.viewer
        place = {"tenant": viewer.tenant_key, "program": shown.asked.mini_program}
        st.code(_IMPORTING.format(**place), language="bash", wrap_lines=True)
        st.caption(console.say("feedback_empty.make_key"))


def _address(console: Console) -> str:
    """Where Daybook is reached: what the settings say, else what the browser asked for."""
    url = urlsplit(st.context.url or "")
    return console.settings.base_url or f"{url.scheme or 'http'}://{url.netloc or 'localhost:8501'}"
