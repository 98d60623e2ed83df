"""What the usage pages begin with: the head with "as of", and what is said where there is nothing to show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import streamlit as st

from lib.charts.units import Figure
from lib.queries.console import Console
from lib.ui import address, filters
from lib.ui.periods import period_text
from lib.usage.buckets import Period, zone_of

MOST_DAYS_JUMPED_TO = 90


def head(console: Console, title: str, as_of: datetime | None = None) -> None:
    """The page's title, up to which closed bucket its figures go, and the button that shows the newest results."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(console.say(title), anchor=False, width="stretch")
        st.button(
            console.say("usage.refresh"),
            help=console.say("usage.refresh_help"),
            icon=":material/refresh:",
            key="refresh",
        )
    if as_of is not None:
        zone = filters.zone(console)
        when = f"{as_of.astimezone(zone_of(zone)):%Y-%m-%d %H:%M}"
        st.caption(console.say("usage.as_of", when=when, zone=zone))


def has_figures(console: Console, totals: Mapping[str, Figure], shown: Period) -> bool:
    """Whether there is something to show; if not, it says why and what to do."""
    if totals["opens"] or totals["page_views"] or totals["shares"]:
        return True
    span = console.usage.span()
    if span is None:
        _nothing_counted(console)
    else:
        _nothing_in_period(console, span, shown)
    return False


def no_mini_program(console: Console) -> None:
    """What to do where the viewer sees no mini program."""
    st.info(console.say("empty.no_mini_program"), icon=":material/widgets:")


def _nothing_counted(console: Console) -> None:
    with st.container(border=True):
        st.subheader(console.say("empty.nothing_yet"), anchor=False)
        st.write(console.say("empty.how_to_begin"))
        st.code(f"daybook import usage FILE --tenant {console.viewer.tenant_key} --format csv\ndaybook refresh")


def _nothing_in_period(console: Console, span: tuple[datetime, datetime], shown: Period) -> None:
    zone = zone_of(shown.zone)
    first, last = span[0].astimezone(zone).date(), (span[1] - timedelta(minutes=1)).astimezone(zone).date()
    start = max(first, last - timedelta(days=MOST_DAYS_JUMPED_TO - 1))
    with st.container(border=True):
        st.subheader(console.say("empty.nothing_in_period"), anchor=False)
        st.write(console.say("empty.data_from", first=f"{first:%Y-%m-%d}", last=f"{last:%Y-%m-%d}"))
        st.button(
            console.say("empty.go_there", first=f"{start:%Y-%m-%d}", last=f"{last:%Y-%m-%d}"),
            type="primary",
            key="go_there",
            on_click=address.write,
            kwargs={"period": period_text(start, last)},
        )
