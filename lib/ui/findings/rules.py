"""The rules as they hold in the tenant, and setting one: what it would have found is shown before it is saved."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from lib.errors import DaybookError
from lib.logs.findings import Threshold, ZoneThreshold
from lib.queries.console import Console
from lib.queries.findings import Preview, RuleSetting
from lib.queries.own_account import zones
from lib.ui.administration.dialogs import attempt, field, notice, open_dialog
from lib.ui.findings import telling
from lib.ui.page import show_error
from lib.ui.tables import Column, Kind, download, table

Row = dict[str, Any]

_COLUMNS = (
    Column("name", "finding.rule_name", Kind.OPENS, width=230),
    Column("severity", "finding.severity", Kind.WORD, width=80),
    Column("on_said", "finding.rule_on", width=80),
    Column("thresholds", "finding.rule_thresholds", width=420),
    Column("fired", "finding.rule_fired", Kind.COUNT, "finding.rule_fired_help", width=110),
)
_EXAMPLES = (
    Column("at", "finding.at", Kind.INSTANT, width=140),
    Column("who", "finding.who", width=150),
    Column("observed", "finding.observed", Kind.COUNT, width=90),
    Column("usual", "finding.usual", Kind.RATIO, width=90),
)


def draw(console: Console) -> None:
    """Every rule; a click on one sets it."""
    notice(console)
    st.caption(console.say("finding.rules_help"))
    download(console, "finding_rules", lambda: _rows(console), _COLUMNS)
    clicks = {"name": lambda row: open_dialog(console, row["name"], _form, row["key"])}
    table(console, "finding_rules", _rows(console), _COLUMNS, clicks=clicks)


def _rows(console: Console) -> pl.DataFrame:
    fired = console.findings.fired()
    return pl.DataFrame([_row(console, setting, fired[setting.rule.key]) for setting in console.findings.settings()])


def _row(console: Console, setting: RuleSetting, fired: int) -> Row:
    told = (f"{console.say(each.words)}: {_shown(setting.given[each.key])}" for each in setting.rule.thresholds)
    return {
        "key": setting.rule.key,
        "name": console.say(setting.rule.words),
        "severity": setting.rule.severity.value,
        "on_said": console.say("finding.yes" if setting.is_on else "finding.no"),
        "thresholds": console.say("table.and").join(told),
        "fired": fired,
    }


def _shown(value: int | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _form(console: Console, key: str) -> None:
    setting = next(each for each in console.findings.settings() if each.rule.key == key)
    st.caption(console.say(f"finding_rule.{key}_watches"))
    is_on = st.toggle(console.say("finding.rule_is_on"), setting.is_on, key=field("finding_on"))
    with st.container(horizontal=True):
        given = {each.key: _input(console, each, setting.given[each.key]) for each in setting.rule.thresholds}
    try:
        preview = console.findings.preview(key, is_on, given)
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return
    _show(console, preview)
    if st.button(console.say("administration.save"), type="primary", key=field("finding_save")):
        done = console.say("finding.threshold_saved", rule=telling.rule_name(console, key))
        attempt(console, lambda: console.findings.change_threshold(key, is_on, given), done)


def _input(console: Console, threshold: Threshold, value: int | str) -> int | str | None:
    label, key = console.say(threshold.words), field(f"finding_{threshold.key}")
    if isinstance(threshold, ZoneThreshold):
        options = zones()
        return st.selectbox(label, options, options.index(value) if value in options else 0, key=key)
    return st.number_input(
        label, min_value=threshold.least, max_value=threshold.most, value=int(value), step=1, width=170, key=key
    )


def _show(console: Console, preview: Preview) -> None:
    words = console.say("finding.previewed", count=f"{preview.count:,}", now=f"{preview.count_now:,}")
    st.info(words, icon=":material/visibility:")
    if not preview.examples.is_empty():
        table(console, "finding_examples", preview.examples, _EXAMPLES, zone=console.viewer.zone)
