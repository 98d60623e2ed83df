"""The ways from one page to another: each says the whole state of where it leads, so nothing is left over."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lib.queries.console import Console
from lib.queries.usage import UsageFilter
from lib.ui import address, filters
from lib.ui.pages import page_of

_CARRIED = ("tenant", "period")


def open_dashboard(console: Console, mini_program: str, *, application: str = "") -> None:
    """Leave for the dashboard of a mini program, in the period, zone and tenant shown here."""
    state = {name: address.read(name) for name in _CARRIED}
    # What a page would add to a shorter address would be one more step for the back button.
    state |= {"zone": filters.zone(console), "mini_program": mini_program, "application": application}
    st.switch_page(page_of("data_dashboard").path, query_params={k: v for k, v in state.items() if v})


def open_application(console: Console, asked: UsageFilter, application: str) -> None:
    """Leave for the dashboard of what is opened most on an application, narrowed down to that application."""
    most = console.usage.ranking(replace(asked, application=application), "mini_program")
    if len(most):
        open_dashboard(console, most["key"][0], application=application)


def to_operation_log(console: Console) -> None:
    """The way to the operation log, for those who may see it."""
    page = page_of("operation_log")
    if page.is_open_to(console.viewer):
        tenant = address.read("tenant")
        st.page_link(
            page.path,
            label=console.say(page.title),
            icon=page.icon,
            query_params={"tenant": tenant} if tenant else None,
        )
