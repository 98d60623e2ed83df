"""Forms of exclusion rules (SPEC U8): what one would take out is seen before it holds, and it can be taken back."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from lib.charts.units import DASH, share_text
from lib.errors import DaybookError
from lib.queries.console import Console
from lib.queries.exclusions import Preview
from lib.ui.administration.dialogs import attempt, field, second_question
from lib.ui.page import show_error
from lib.ui.tables import Column, Kind, table
from lib.usage.exclusions import EXCLUSION_KINDS, Rule

Row = dict[str, Any]
_WORDS = {kind.key: kind.words for kind in EXCLUSION_KINDS}
_EXAMPLES = (
    Column("value", "exclusion.value", width=200),
    Column("event_count", "exclusion.event_count", Kind.COUNT, width=100),
)


def rules(console: Console) -> pl.DataFrame:
    """Rules as they are, with their kind in words."""
    rows = console.exclusions.listing()
    words = {key: console.say(each) for key, each in _WORDS.items()}
    return rows.with_columns(kind_said=pl.col("kind").replace_strict(words, default=pl.col("kind")))


def rule_form(console: Console) -> None:
    """A new rule: it can be added once its preview has been seen, and any change asks for another one."""
    st.caption(console.say("exclusion.takes_effect"))
    kind = st.selectbox(
        console.say("exclusion.kind"),
        list(_WORDS),
        format_func=lambda key: console.say(_WORDS[key]),
        key=field("rule_kind"),
    )
    pattern = st.text_input(
        console.say("exclusion.pattern"),
        placeholder=console.say(f"exclusion.{kind}_help"),
        max_chars=1024,
        key=field("rule_pattern"),
    )
    memo = st.text_input(console.say("administration.memo"), max_chars=500, key=field("rule_memo"))
    seen = field("rule_seen")
    if st.button(console.say("exclusion.preview"), icon=":material/visibility:", key=field("rule_preview")):
        st.session_state[seen] = (kind, pattern.strip())
    if st.session_state.get(seen) != (kind, pattern.strip()):
        return
    try:
        rule = Rule(kind, pattern.strip())
        with st.spinner(console.say("exclusion.looking")):
            preview = console.exclusions.preview(rule)
    except DaybookError as error:
        show_error(error, console.viewer.language)
        return
    _show(console, preview)
    if st.button(console.say("exclusion.add"), type="primary", key=field("rule_add")):
        done = console.say("exclusion.added", pattern=rule.pattern)
        attempt(console, lambda: console.exclusions.add(rule, memo.strip()), done)


def rule_details(console: Console, row: Row) -> None:
    """A rule as it is, and taking it back."""
    st.text(f"{row['kind_said']}: {row['pattern']}")
    if row["memo"]:
        st.text(row["memo"])
    st.text(console.say("exclusion.since", when=f"{row['created_at']:%Y-%m-%d %H:%M} UTC"))
    if row["removed_at"] is not None:
        st.text(console.say("exclusion.until", when=f"{row['removed_at']:%Y-%m-%d %H:%M} UTC"))
        return
    second_question(
        console,
        "take_back",
        console.say("exclusion.take_back_question", pattern=row["pattern"]),
        lambda: console.exclusions.remove(row["id"]),
        console.say("exclusion.taken_back", pattern=row["pattern"]),
    )


def _show(console: Console, preview: Preview) -> None:
    """How much of what was counted would go, and which values are met most."""
    share = share_text(preview.excluded_count / preview.event_count) if preview.event_count else DASH
    facts = {
        "excluded": f"{preview.excluded_count:,}",
        "events": f"{preview.event_count:,}",
        "share": share,
        "visitors": f"{preview.visitor_count:,}",
        "first": preview.first or DASH,
    }
    if preview.since is not None:
        st.info(console.say("keeping.not_excludable", date=preview.since), icon=":material/history_toggle_off:")
    if not preview.is_whole:
        st.info(console.say("exclusion.preview_part", **facts), icon=":material/hourglass_bottom:")
    if not preview.excluded_count:
        st.info(console.say("exclusion.preview_nothing", **facts), icon=":material/info:")
        return
    st.warning(console.say("exclusion.preview_says", **facts), icon=":material/filter_alt_off:")
    table(console, "excluded_values", preview.examples, _EXAMPLES)
