"""The tab of a dashboard that shows each page of a mini program, and the trend of one of them."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from lib.queries.console import Console
from lib.queries.rooms import asked_pages, room
from lib.queries.usage import UsageFilter
from lib.ui import address, filters, trends
from lib.ui.tables import Column, Kind, headed, metric_columns, table
from lib.usage.metrics import PAGE_METRICS

MOST_PAGES = 200
"""Rows that a browser shows at once; the download has all."""

COLUMNS = (Column("page", "usage.page", Kind.OPENS, width=240), *metric_columns(PAGE_METRICS))


def section(console: Console, asked: UsageFilter) -> None:
    """Search, the table of pages, and the trend of the page that was clicked, at first the one with most views."""
    looked_for = address.read("search")
    headed(console, "usage.pages", room("pages").exportable(console, asked_pages(asked, looked_for)))
    filters.search(console, "usage.search_pages")
    pages = console.usage.pages(asked, looked_for)
    if pages.is_empty():
        st.info(console.say("usage.no_page_found"), icon=":material/search_off:")
        return
    if len(pages) > MOST_PAGES:
        st.caption(console.say("usage.most_pages", most=f"{MOST_PAGES:,}", pages=f"{len(pages):,}"))
    shown = pages.head(MOST_PAGES)
    table(console, "pages", shown, COLUMNS, clicks={"page": lambda row: address.write(page=row["page"])})
    top = st.container()
    page = filters.choice(console, "page", {path: path for path in shown["page"]})
    trends.section(
        console,
        "page_trend",
        PAGE_METRICS,
        asked.period,
        lambda period, grain: console.usage.page_trend(replace(asked, period=period), page, grain),
        application=asked.application,
        top=top,
    )
