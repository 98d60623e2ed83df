"""Which period, in which time zone: a choice by the calendar, or any two instants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from lib.queries.console import Console
from lib.ui import filters
from lib.ui.listing import period
from lib.ui.listing.listing import Listing
from lib.usage.buckets import EARLIEST, zone_of


def draw(
    console: Console,
    listing: Listing,
    text: str,
    span: period.Span,
    zone: str,
    choices: Sequence[str] = period.CHOICES,
) -> None:
    """The row; `text` is how the address writes the period that is shown, `span` its ends."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            console.say("listing.period"),
            choices,
            format_func=lambda key: console.say(f"listing.period_{key}"),
            label_visibility="collapsed",
            required=True,
            **listing.tied("period", text if text in choices else None, str),
        )
        with st.popover(told(span, zone), icon=":material/date_range:", key=f"{listing.key}.any_period"):
            _any_period(console, listing, text, span, zone)
        with st.container(width=260):
            filters.zone_choice(console)


def told(span: period.Span, zone: str) -> str:
    """A period as it is read: by days where it is whole days."""
    text = period.text_of(*span, zone)
    if "T" not in text:
        return text.replace("..", " – ")
    since, until = (instant.astimezone(zone_of(zone)) for instant in span)
    return f"{since:%Y-%m-%d %H:%M} – {until:%Y-%m-%d %H:%M}"


def _any_period(console: Console, listing: Listing, text: str, span: period.Span, zone: str) -> None:
    ends = {}
    with st.form(f"{listing.key}.period_form", border=False):
        for name, instant in zip(("since", "until"), span, strict=True):
            local = instant.astimezone(zone_of(zone)).replace(tzinfo=None)
            ends[name] = st.datetime_input(
                console.say(f"listing.period_{name}"),
                local.replace(second=0, microsecond=0),
                # An address can name ends that nobody would pick.
                min_value=min(local, EARLIEST.replace(tzinfo=None)),
                max_value=max(local, datetime(2038, 12, 31)),  # noqa: DTZ001 (a clock on the wall)
                format="YYYY-MM-DD",
                step=1800,
                key=f"{listing.key}.period.{name}.{text}.{zone}",
            )
        use = console.say("listing.period_use")
        if st.form_submit_button(use, type="primary", key=f"{listing.key}.period_use"):
            _use_period(console, listing, ends["since"], ends["until"], zone)


def _use_period(console: Console, listing: Listing, since: datetime | None, until: datetime | None, zone: str) -> None:
    if since is None or until is None or since >= until:
        st.error(console.say("listing.period_wrong"))
        return
    first, end = (each.replace(tzinfo=zone_of(zone)) for each in (since, until))
    listing.narrow(period=period.text_of(first, end, zone))
    st.rerun()
