"""What is said where no row matches: why, and what to do next."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import streamlit as st

from lib.queries.console import Console
from lib.store.time_ids import LAST_INSTANT
from lib.ui.access_log.state import Shown
from lib.ui.periods import period_text
from lib.usage.buckets import EARLIEST

DAYS_SHOWN = 7
"""Days up to the newest row, in the way that leads there."""


def draw(console: Console, shown: Shown) -> None:
    """Remove a filter, look at another period, or bring something in."""
    asked, log = shown.asked, shown.log
    if asked.keyword or any(getattr(asked, choice.name) is not None for choice in log.choices):
        st.info(console.say("access_log.nothing_matches"), icon=":material/search_off:")
        return
    newest = _newest(console, shown)
    with st.container(border=True):
        if newest is None:
            st.subheader(console.say(f"access_log.no_{log.key}"), anchor=False)
            st.write(console.say(f"access_log.no_{log.key}_yet"))
            if log.key == "visits":
                st.code(f"daybook import visits access.log.gz --tenant {console.viewer.tenant_key}", language=None)
            return
        first = newest - timedelta(days=DAYS_SHOWN - 1)
        st.subheader(console.say("access_log.nothing_in_period"), anchor=False)
        st.write(console.say("access_log.newest_is_of", day=f"{newest:%Y-%m-%d}"))
        st.button(
            console.say("empty.go_there", first=f"{first:%Y-%m-%d}", last=f"{newest:%Y-%m-%d}"),
            type="primary",
            key=f"{log.key}.go_there",
            on_click=log.listing.narrow,
            kwargs={"period": period_text(first, newest)},
        )


def _newest(console: Console, shown: Shown) -> date | None:
    """The day of the newest row there is."""
    ever = replace(shown.asked, since=EARLIEST, until=LAST_INSTANT)
    rows = shown.log.queries(console).page(ever, size=1).rows
    return None if rows.is_empty() else rows["at"][0].date()
