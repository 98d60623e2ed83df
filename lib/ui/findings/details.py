"""One finding in full, in a panel at the right: what was found, the way to its records, and acknowledging it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from lib.access.permissions import Permission
from lib.errors import DaybookError, NotFound
from lib.logs.findings import RULE_BY_KEY
from lib.queries.console import Console
from lib.ui import address
from lib.ui.escaping import plain
from lib.ui.findings import telling
from lib.ui.operations.state import address_of
from lib.ui.page import show_error
from lib.ui.pages import page_of

_COLOURS = {"high": "red", "medium": "orange", "low": "gray"}
_DONE = "findings.done"


def notice(console: Console) -> None:
    """What was done in the panel, once."""
    if st.session_state.pop(_DONE, False):
        st.success(console.say("finding.acknowledged"), icon=":material/check_circle:")


def show(console: Console) -> None:
    """Open the panel on the finding that the address names, if it names one."""
    if address.read("finding"):
        dialog = st.dialog(console.say("finding.title"), width="medium", position="right", on_dismiss=_close)
        dialog(_body)(console)


def _close() -> None:
    address.write(finding=None)


def _body(console: Console) -> None:
    number = address.read("finding")
    try:
        finding = console.findings.one(int(number) if _is_number(number) else 0)
    except NotFound:
        st.info(console.say("finding.gone"), icon=":material/search_off:")
        return
    st.title(plain(telling.rule_name(console, finding["rule"])), anchor=False)
    st.badge(
        console.say(f"finding.severity_{finding['severity']}"),
        icon=":material/flag:",
        color=_COLOURS[finding["severity"]],  # type: ignore[arg-type]
    )
    st.markdown(f"**{plain(telling.sentence(console, finding))}**")
    _facts(console, finding)
    if finding["rule"] in RULE_BY_KEY:
        st.caption(console.say(f"finding_rule.{finding['rule']}_watches"))
    _lead(console, finding["id"])
    if finding["acknowledged_at"] is None and console.viewer.allows(Permission.FINDING_MANAGE):
        _acknowledging(console, finding["id"])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _facts(console: Console, finding: Mapping[str, Any]) -> None:
    rule, usual = finding["rule"], finding["usual"]
    told = {
        "finding.who": finding["who"],
        "finding.period": telling.period(console, finding),
        "finding.observed": telling.counted(console, rule, finding["observed"]),
        "finding.usual": telling.counted(console, rule, usual) if usual else console.say("finding.no_usual"),
        "finding.times": telling.against_usual(console, finding["times_usual"]) if usual else "",
        "finding.threshold": telling.counted(console, rule, finding["threshold"]),
        "finding.told": telling.examples(console, finding),
        "finding.tenant": "" if finding["tenant"] else console.say("finding.no_tenant"),
        "finding.found_at": f"{finding['found_at'].astimezone(console.zone):%Y-%m-%d %H:%M}",
        "finding.state_said": telling.state(console, finding),
        "finding.note": finding["note"],
    }
    rows = [(console.say(words), plain(value)) for words, value in told.items() if value]
    frame = pl.DataFrame(rows, schema=["name", "value"], orient="row")
    st.table(frame, border="horizontal", hide_header=True, hide_index=True)


def _lead(console: Console, finding_id: int) -> None:
    if not console.viewer.allows(Permission.OPERATION_LOG_READ):
        return
    if st.button(console.say("finding.records"), icon=":material/history:", key="findings.records", type="primary"):
        state = {"tenant": address.read("tenant"), **address_of(console.findings.records(finding_id))}
        st.switch_page(page_of("operation_log").path, query_params={name: said for name, said in state.items() if said})


def _acknowledging(console: Console, finding_id: int) -> None:
    with st.form(f"findings.acknowledge.{finding_id}"):
        note = st.text_area(
            console.say("finding.acknowledge_note"),
            help=console.say("finding.acknowledge_help"),
            max_chars=2000,
            key=f"findings.note.{finding_id}",
        )
        sent = st.form_submit_button(console.say("finding.acknowledge"), icon=":material/check:")
    if sent:
        try:
            console.findings.acknowledge(finding_id, note)
        except DaybookError as error:
            show_error(error, console.viewer.language)
            return
        st.session_state[_DONE] = True
        address.write(finding=None)
        st.rerun()
