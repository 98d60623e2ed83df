"""The tenant's applications and mini programs as a whole (SPEC U1)."""

import streamlit as st

from lib.queries.usage import UsageFilter
from lib.ui import address, blocks, cards, filters, links, rankings, trends
from lib.ui.page import open_page
from lib.ui.periods import compared, grain_on_cards, over
from lib.usage.metrics import METRICS

console = open_page(__file__)
usage = console.usage
as_of = usage.as_of()

blocks.head(console, "page.global_overview", as_of)
period = filters.period(console)
address.write(zone=period.zone)
asked = UsageFilter(period)
before = UsageFilter(compared(period, as_of))
totals = usage.totals(asked)

if not blocks.has_figures(console, totals, period):
    st.stop()

grain = filters.grain_shown(period)
trend = usage.trend(asked, grain)
on_cards = grain_on_cards(period, grain)
small = usage.trend(asked, on_cards)
programs, programs_before = (usage.ranking(each, "mini_program") for each in (asked, before))
applications, applications_before = (usage.ranking(each, "application") for each in (asked, before))
wall = [
    cards.counted_card(console, "applications", applications, applications_before, console.programs.applications()),
    cards.counted_card(console, "mini_programs", programs, programs_before, console.programs.choices()),
    *cards.metric_cards(console, cards.OVERVIEW, totals, usage.totals(before), over(small, period, on_cards, as_of)),
]
cards.draw(console, wall, period, before.period)

trends.section(
    console, "trend", METRICS, period, lambda shown, grain: usage.trend(asked.during(shown), grain), now=trend
)

by = rankings.ranked_by(console)
rankings.section(
    console,
    "by_mini_program",
    programs,
    lambda: console.usage.ranking(asked, "mini_program"),
    by,
    period,
    on_open=lambda row: links.open_dashboard(console, row["key"]),
)

rankings.section(
    console,
    "by_application",
    applications,
    lambda: console.usage.ranking(asked, "application"),
    by,
    period,
    on_open=lambda row: links.open_application(console, asked, row["key"]),
)
