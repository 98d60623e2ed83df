"""Sections of the status page: what came in and what became of it, and the recount of a period."""

from __future__ import annotations

import streamlit as st

from lib.errors import DaybookError
from lib.queries.console import Console
from lib.queries.reconciling import Recounted
from lib.ui.cards import wall_of
from lib.ui.page import show_error
from lib.ui.periods import days_of
from lib.ui.tables import Column, Kind, download, section, table
from lib.usage.buckets import Period

_SENT = (
    Column("prefix", "status.ingest_key"),
    Column("mini_program", "status.mini_program"),
    Column("library", "status.library"),
    Column("outcome", "status.outcome", Kind.WORD),
    Column("event_count", "status.event_count", Kind.COUNT),
    Column("last_at", "status.last_at", Kind.INSTANT),
)
_DIFFERING = (
    Column("check", "status.check", Kind.WORD),
    Column("bucket_at", "status.bucket_at", Kind.INSTANT),
    Column("application", "status.application"),
    Column("mini_program", "status.mini_program"),
    Column("page", "status.page"),
    Column("figure", "status.figure", Kind.WORD),
    Column("published", "status.published", Kind.COUNT),
    Column("recounted", "status.recounted", Kind.COUNT),
)
_FOUND = "reconciling.found"


def came_in(console: Console, period: Period) -> None:
    """How many events publications counted, and what each key sent with each client library."""
    st.subheader(console.say("status.came_in"), anchor=False)
    ledgered = console.reconciling.ledgered(period)
    names = ("added", "late", "repeated", "excluded", "expired")
    wall = wall_of(len(names))
    for name in names:
        wall.metric(
            console.say(f"status.rows_{'duplicate' if name == 'repeated' else name}"),
            f"{getattr(ledgered, name):,}",
            help=console.say(f"status.{name}_help"),
            border=True,
        )
    section(
        console,
        "status.senders",
        "senders",
        lambda: console.reconciling.senders(period),
        _SENT,
        "status.no_senders",
        period.zone,
    )


def recount(console: Console, period: Period) -> None:
    """The button that counts the period again with another engine, and what it found."""
    first, last = days_of(period)
    days = {"first": f"{first:%Y-%m-%d}", "last": f"{last:%Y-%m-%d}"}
    st.subheader(console.say("status.recount_title"), anchor=False)
    st.caption(console.say("status.recount_help", **days))
    if since := console.reconciling.raw_since():
        st.info(console.say("keeping.not_recountable", date=since), icon=":material/history_toggle_off:")
    if st.button(console.say("status.recount"), icon=":material/rule:", key="recount"):
        st.session_state.pop(_FOUND, None)
        found = _run(console, period)
        if found is not None:
            st.session_state[_FOUND] = (console.viewer.tenant_id, period, found)
    tenant_id, counted, found = st.session_state.get(_FOUND, (None, None, None))
    if found is not None and (tenant_id, counted) == (console.viewer.tenant_id, period):
        _show(console, found, period)


def _run(console: Console, period: Period) -> Recounted | None:
    bar = st.progress(0.0, console.say("status.recounting"))
    try:
        return console.reconciling.recount(
            period, lambda done, of: bar.progress(done / of, console.say("status.recounting"))
        )
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return None
    finally:
        bar.empty()


def _show(console: Console, found: Recounted, period: Period) -> None:
    facts = {"compared": f"{found.compared:,}", "differing": f"{found.differing:,}"}
    if not found.differing:
        st.success(console.say("status.recount_agrees", **facts), icon=":material/check_circle:")
        return
    st.error(console.say("status.recount_differs", **facts), icon=":material/error:")
    if found.differing > len(found.differences):
        st.caption(console.say("status.recount_first", most=f"{len(found.differences):,}"))
    download(console, "differences", lambda: found.differences, _DIFFERING, period)
    table(console, "differences", found.differences, _DIFFERING, zone=period.zone)
