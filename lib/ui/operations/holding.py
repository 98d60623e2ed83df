"""How long the operation log is kept, and the legal holds on it: for those who manage retention."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import polars as pl
import streamlit as st

from lib.errors import DaybookError
from lib.queries.console import Console
from lib.queries.keeping import MOST_DAYS, OPERATIONS_KEPT
from lib.queries.proving import LONGEST_REASON
from lib.ui.page import show_error
from lib.ui.tables import Column, Kind, heading, table
from lib.usage.buckets import EARLIEST, zone_of

_HOLDS = (
    Column("since", "operation_proof.hold_since", Kind.INSTANT),
    Column("until", "operation_proof.hold_until", Kind.INSTANT),
    Column("reason", "operation_proof.hold_reason", width=280),
    Column("made_by", "operation_proof.hold_made_by"),
    Column("made_at", "operation_proof.hold_made_at", Kind.INSTANT),
    Column("lifted_by", "operation_proof.hold_lifted_by"),
    Column("lifted_at", "operation_proof.hold_lifted_at", Kind.INSTANT),
)


def section(console: Console, zone: str) -> None:
    """The retention rule, then the holds."""
    _retention(console)
    _holds(console, zone)


def _retention(console: Console) -> None:
    st.subheader(console.say("operation_proof.retention"), anchor=False)
    least = OPERATIONS_KEPT.least_days
    with st.form("oplog_retention", border=False):
        days = st.number_input(
            console.say("keeping.how_long"),
            min_value=least,
            max_value=MOST_DAYS,
            value=console.proving.keeps_days(),
            step=1,
            placeholder=console.say("keeping.for_ever"),
            help=console.say("keeping.how_long_help", least=least),
            width=260,
        )
        st.caption(console.say("operation_proof.retention_help"))
        submitted = st.form_submit_button(console.say("administration.save"), key="oplog_retention_save")
    if submitted:
        try:
            console.proving.keep(None if days is None else int(days))
            st.success(console.say("operation_proof.retention_saved"), icon=":material/check_circle:")
        except DaybookError as error:
            show_error(error, console.viewer.language)


def _holds(console: Console, zone: str) -> None:
    heading(console, "operation_proof.holds", "legal_holds", console.proving.holds, _HOLDS)
    st.caption(console.say("operation_proof.holds_help"))
    holds = console.proving.holds()
    if not holds.is_empty():
        table(console, "legal_holds", holds, _HOLDS, zone=zone)
        _lifting(console, holds)
    with st.expander(console.say("operation_proof.hold_add"), icon=":material/gavel:"):
        _adding(console, zone)


def _lifting(console: Console, holds: pl.DataFrame) -> None:
    standing = {row["id"]: row["reason"] for row in holds.filter(pl.col("lifted_at").is_null()).iter_rows(named=True)}
    if not standing:
        return
    with st.form("oplog_lift", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            console.say("operation_proof.hold_which"),
            list(standing),
            format_func=lambda number: f"{number}: {standing[number][:80]}",
        )
        if st.form_submit_button(console.say("operation_proof.hold_lift"), icon=":material/lock_open:"):
            _attempt(console, lambda: console.proving.lift(int(chosen)))


def _adding(console: Console, zone: str) -> None:
    with st.form("oplog_hold", border=False, clear_on_submit=True):
        days = st.date_input(
            console.say("operation_proof.hold_days"), [], min_value=EARLIEST.date(), format="YYYY-MM-DD"
        )
        reason = st.text_input(console.say("operation_proof.hold_reason"), max_chars=LONGEST_REASON)
        submitted = st.form_submit_button(console.say("operation_proof.hold_make"), type="primary")
    if submitted:
        since, until = _ends(days, zone)
        _attempt(console, lambda: console.proving.hold(since, until, reason))


def _ends(days: object, zone: str) -> tuple[datetime | None, datetime | None]:
    """The whole days chosen; no days are the whole log, one day is from then on."""
    chosen = [day for day in days if isinstance(day, date)] if isinstance(days, tuple) else []
    starts = [datetime.combine(day, time(0), zone_of(zone)) for day in chosen]
    return (starts[0] if starts else None), (starts[1] + timedelta(days=1) if len(starts) > 1 else None)


def _attempt(console: Console, act: Callable[[], object]) -> None:
    try:
        act()
    except DaybookError as error:
        show_error(error, console.viewer.language)
    else:
        st.rerun()
