"""The rule of one type: what is written, how many archives stay, for how many days (SPEC V2)."""

from __future__ import annotations

import streamlit as st

from lib.access.permissions import Permission
from lib.errors import DaybookError
from lib.logs.files.types import MOST_COPIES, MOST_DAYS, WRITTEN_LEVELS, Rule
from lib.queries.console import Console
from lib.queries.server_logs import KeptType
from lib.ui.page import show_error


def draw(console: Console, kept: KeptType) -> None:
    """The form; whoever may only read sees what holds."""
    may = console.viewer.allows(Permission.SERVER_LOG_MANAGE)
    key, rule = kept.log_type.key, kept.rule
    with st.form(f"slog.rule.{key}", width=420):
        level = st.selectbox(
            console.say("server_logs.level"),
            WRITTEN_LEVELS,
            WRITTEN_LEVELS.index(rule.level),
            help=console.say("server_logs.level_help"),
            disabled=not may,
        )
        copies = st.number_input(
            console.say("server_logs.copies"),
            1,
            MOST_COPIES,
            rule.copies,
            help=console.say("server_logs.copies_help"),
            disabled=not may,
        )
        days = st.number_input(console.say("server_logs.days"), 1, MOST_DAYS, rule.days, disabled=not may)
        saved = st.form_submit_button(console.say("server_logs.save"), type="primary", disabled=not may)
    if not may:
        st.caption(console.say("server_logs.read_only"))
    if saved:
        try:
            console.server_logs.change_rule(key, Rule(level, int(copies), int(days)))
        except DaybookError as error:
            show_error(error, console.viewer.language)
            return
        st.success(console.say("server_logs.saved"), icon=":material/check_circle:")
