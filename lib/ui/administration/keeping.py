"""The form of the retention rules: how long raw events and visits are kept."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from lib.queries.console import Console
from lib.queries.keeping import KEPT, MOST_DAYS
from lib.ui.administration.dialogs import attempt, field

Row = dict[str, Any]
_KEPT = {kept.key: kept for kept in KEPT}


def rules(console: Console) -> pl.DataFrame:
    """What is kept, in words (`kind_said`, `days_said`)."""

    def said(row: Row) -> dict[str, str]:
        days = row["days"]
        return {
            "kind_said": console.say(f"keeping.{row['kind']}"),
            "days_said": console.say("keeping.for_ever") if days is None else console.say("keeping.days", days=days),
        }

    rows = console.keeping.listing()
    words = {"kind_said": pl.String(), "days_said": pl.String()}
    return rows.hstack(pl.DataFrame([said(row) for row in rows.iter_rows(named=True)], words))


def rule_form(console: Console, row: Row) -> None:
    """For how many days rows of this kind are kept; what a shorter time removes is said before it is saved."""
    kept = _KEPT[row["kind"]]
    st.write(console.say(f"keeping.{kept.key}_help"))
    with st.form(field("keeping_form"), border=False):
        days = st.number_input(
            console.say("keeping.how_long"),
            min_value=kept.least_days,
            max_value=MOST_DAYS,
            value=row["days"],
            step=1,
            placeholder=console.say("keeping.for_ever"),
            help=console.say("keeping.how_long_help", least=kept.least_days),
        )
        st.caption(console.say("keeping.cannot_be_undone"))
        submitted = st.form_submit_button(console.say("administration.save"), type="primary")
    if submitted:
        done = console.say("administration.saved", name=row["kind_said"])
        attempt(console, lambda: console.keeping.change(kept, None if days is None else int(days)), done)
