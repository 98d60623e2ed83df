"""The list of findings: open ones first, then newest first."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from lib.logs.findings import RULES
from lib.queries.console import Console
from lib.queries.findings import MOST_LISTED, STATES, FindingFilter
from lib.ui import address, filters
from lib.ui.escaping import plain
from lib.ui.findings import telling
from lib.ui.tables import Column, Kind, download, table
from lib.usage.buckets import Period

DEFAULT_PERIOD = "30-days"

COLUMNS = (
    Column("rule_said", "finding.rule_name", Kind.OPENS, width=210),
    Column("severity", "finding.severity", Kind.WORD, width=80),
    Column("who", "finding.who", width=170),
    Column("bucket_at", "finding.at", Kind.INSTANT, width=140),
    Column("observed_said", "finding.observed", width=160),
    Column("times_said", "finding.times", width=160),
    Column("state_said", "finding.state_said", width=270),
)


def head(console: Console) -> None:
    """The title, and how many findings wait for somebody; the end of the run for who holds only some applications."""
    st.title(console.say("page.findings"), anchor=False)
    if not console.viewer.applications.every:
        st.info(plain(console.say("finding.for_every_application")), icon=":material/lock:")
        st.stop()
    count = console.findings.open_count()
    st.caption(console.say("finding.open_count", count=f"{count:,}") if count else console.say("finding.none_open"))


def draw(console: Console) -> None:
    """The filters, which are in the address, and the list; a click on a finding opens it."""
    shown, rule, state = _filters(console)
    asked = FindingFilter(shown.since, shown.until, rule, state)
    rows = said(console, console.findings.listing(asked))
    if rows.is_empty():
        st.info(console.say("finding.nothing"), icon=":material/verified_user:")
        return
    download(console, "findings", lambda: said(console, console.findings.listing(asked)), COLUMNS, shown)
    clicks = {"rule_said": lambda row: address.write(finding=str(row["id"]))}
    table(console, "findings", rows, COLUMNS, zone=shown.zone, clicks=clicks)
    if len(rows) == MOST_LISTED:
        st.caption(console.say("finding.most", count=f"{MOST_LISTED:,}"))


def said(console: Console, rows: pl.DataFrame) -> pl.DataFrame:
    """Findings with what people read of them (`..._said`)."""

    def words(row: dict[str, Any]) -> dict[str, str]:
        return {
            "rule_said": telling.rule_name(console, row["rule"]),
            "observed_said": telling.counted(console, row["rule"], row["observed"]),
            "times_said": telling.against_usual(console, row["times_usual"]),
            "state_said": telling.state(console, row),
        }

    schema = dict.fromkeys(("rule_said", "observed_said", "times_said", "state_said"), pl.String())
    return rows.hstack(pl.DataFrame([words(row) for row in rows.iter_rows(named=True)], schema))


def _filters(console: Console) -> tuple[Period, str, str]:
    names = {rule.key: telling.rule_name(console, rule.key) for rule in RULES}
    states = {state: console.say(f"finding.state_{state}") for state in STATES}
    if not address.read("period"):
        address.write(period=DEFAULT_PERIOD)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rule = filters.choice(console, "rule", names, everything="finding.every_rule")
        state = filters.choice(console, "state", states, everything="finding.every_state")
    shown = filters.period(console)
    address.write(zone=shown.zone)
    return shown, rule, state
