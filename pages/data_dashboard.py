"""One mini program: its figures, and its pages (SPEC U2, U3)."""

import streamlit as st

from lib.queries.usage import UsageFilter
from lib.ui import address, blocks, cards, filters, page_access, rankings, retention, trends
from lib.ui.page import open_page
from lib.ui.periods import compared, grain_on_cards, over
from lib.usage.metrics import METRICS

console = open_page(__file__)
usage = console.usage
as_of = usage.as_of()

blocks.head(console, "page.data_dashboard", as_of)
programs = dict(console.programs.choices())
if not programs:
    blocks.no_mini_program(console)
    st.stop()

with st.grid(3, min_column_width=220):
    program = filters.choice(console, "mini_program", programs)
    applications = dict(console.programs.applications(program))
    application = filters.choice(console, "application", applications, everything="usage.every_application")
    systems = {name: name for name in usage.operating_systems(program)}
    os = filters.choice(console, "os", systems, everything="usage.every_os")
period = filters.period(console)
address.write(mini_program=program, zone=period.zone)
asked = UsageFilter(period, program, application or None, os or None)
totals = usage.totals(asked)

tab, container = filters.tab(console, ("basic", "pages", "retention"))
with container:
    if not blocks.has_figures(console, totals, period):
        st.stop()
    if tab == "pages":
        page_access.section(console, asked)
    elif tab == "retention":
        retention.section(console, asked)
    else:
        before = asked.during(compared(period, as_of))
        grain = filters.grain_shown(period)
        trend = usage.trend(asked, grain)
        on_cards = grain_on_cards(period, grain)
        small = over(usage.trend(asked, on_cards), period, on_cards, as_of)
        wall = cards.metric_cards(console, METRICS, totals, usage.totals(before), small)
        cards.draw(console, wall, period, before.period)
        trends.section(
            console,
            "trend",
            METRICS,
            period,
            lambda shown, grain: usage.trend(asked.during(shown), grain),
            now=trend,
            application=asked.application,
        )
        rankings.section(
            console,
            "on_each_application",
            usage.ranking(asked, "application"),
            lambda: console.usage.ranking(asked, "application"),
            METRICS[0],
            period,
            metrics=METRICS,
        )
