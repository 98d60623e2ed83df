"""The proof of the operation log: verifying it, checkpoints to keep elsewhere, how long it is kept, legal holds (SPEC
O9)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from secrets import token_hex

import streamlit as st

from lib.access.permissions import Permission
from lib.errors import DaybookError, NotFound
from lib.queries.console import Console
from lib.queries.exports import Export
from lib.queries.proving import Proven
from lib.ui import address, filters
from lib.ui.escaping import plain
from lib.ui.operations import holding
from lib.ui.operations.state import Shown
from lib.ui.page import show_error
from lib.ui.tables import Column, Kind, download, heading, table

MOST_SHOWN = 20
MOST_KEPT = 100_000
"""Checkpoints of the file to be kept elsewhere; the newest alone vouches for all before it."""

FILE_NAME = "daybook-checkpoints.txt"

_FOUND = "oplog.proven"
_CHECKPOINTS = (
    Column("sealed_at", "operation_proof.sealed_at", Kind.INSTANT),
    Column("size", "operation_proof.size", Kind.COUNT),
    Column("root", "operation_proof.root", width=520),
)
_FINDINGS = (
    Column("kind", "proving.kind", Kind.WORD, width=170),
    Column("sentence", "operation_proof.sentence", width=620),
    Column("details", "operation_columns.details", Kind.BUTTON, width=80),
)


def section(console: Console, shown: Shown) -> None:
    """The whole tab."""
    st.write(console.say("operation_proof.what"))
    _verifying(console, shown)
    _checkpoints(console)
    if console.viewer.allows(Permission.RETENTION_MANAGE):
        holding.section(console, shown.asked.zone)


def _verifying(console: Console, shown: Shown) -> None:
    st.subheader(console.say("operation_proof.verify"), anchor=False)
    since = until = None
    with st.container(horizontal=True, vertical_alignment="center"):
        scope = st.segmented_control(
            console.say("operation_proof.scope"),
            ["everything", "period"],
            format_func=lambda key: console.say(f"operation_proof.scope_{key}"),
            default="everything",
            required=True,
            label_visibility="collapsed",
            key="oplog.proof_scope",
        )
        begins = st.button(console.say("operation_proof.begin"), type="primary", icon=":material/verified:")
    if scope == "period":
        since, until = shown.asked.since, shown.asked.until
        st.caption(console.say("operation_proof.scope_told", period=shown.period.replace("..", " – ")))
    if begins:
        st.session_state.pop(_FOUND, None)
        bar = st.progress(0.0, console.say("operation_proof.beginning"))
        told = partial(_show_progress, console, bar)
        proven = _attempted(console, lambda: console.proving.verify(since, until, told))
        bar.empty()
        if proven is not None:
            st.session_state[_FOUND] = proven
    proven = st.session_state.get(_FOUND)
    if isinstance(proven, Proven):
        _told(console, proven, shown.asked.zone)


def _show_progress(console: Console, bar: st.delta_generator.DeltaGenerator, done: int, total: int) -> None:
    share = min(done / total, 1.0) if total else 0.0
    bar.progress(share, console.say("operation_proof.progress", done=f"{done:,}", total=f"{total:,}"))


def _attempted(console: Console, ask: Callable[[], Proven]) -> Proven | None:
    try:
        return ask()
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return None


def _told(console: Console, proven: Proven, zone: str) -> None:
    facts = {"rows": f"{proven.rows:,}", "size": f"{proven.tree_size:,}", "count": f"{sum(proven.counts.values()):,}"}
    if not proven.counts:
        st.success(console.say("operation_proof.sound", **facts), icon=":material/verified_user:")
        return
    st.error(console.say("operation_proof.found", **facts), icon=":material/gpp_bad:")
    rows = proven.findings

    def opened(row: dict[str, object]) -> None:
        if row["operation_id"] is not None:
            address.write(operation=str(row["operation_id"]))
            st.rerun()

    download(console, "proof_findings", lambda: rows, _FINDINGS)
    table(console, "proof_findings", rows, _FINDINGS, zone=zone, clicks={"details": opened})


def _checkpoints(console: Console) -> None:
    rows = console.proving.checkpoints(MOST_SHOWN)
    heading(
        console,
        "operation_proof.checkpoints",
        "checkpoints",
        lambda: console.proving.checkpoints(MOST_KEPT),
        _CHECKPOINTS,
    )
    st.caption(console.say("operation_proof.checkpoints_help"))
    if rows.is_empty():
        st.info(console.say("operation_proof.nothing_sealed"), icon=":material/hourglass_empty:")
        return
    try:
        st.code(console.proving.key(), language=None, wrap_lines=True)
    except NotFound as error:
        show_error(error, console.viewer.language)
    if console.viewer.allows(Permission.EXPORT_CREATE):
        st.download_button(
            console.say("operation_proof.download"),
            data=partial(_kept_copy, console),
            file_name=FILE_NAME,
            mime="text/plain",
            icon=":material/download:",
            on_click="ignore",
            key="oplog.checkpoints",
        )
    table(console, "checkpoints", rows.drop("checkpoint"), _CHECKPOINTS, zone=filters.zone(console))
    st.caption(plain(console.say("operation_proof.offline")))
    st.code(f"daybook verify operations --checkpoint {FILE_NAME}", language=None)


def _kept_copy(console: Console) -> bytes:
    """The file, once the operation log has it that it was taken."""
    copy = console.proving.kept_copy(MOST_KEPT)
    console.exports.note(Export(token_hex(8), "checkpoints", FILE_NAME), {"size_bytes": len(copy.encode())})
    return copy.encode()
