"""The mini programs of the tenant: the list, one's details, and the way to its figures (SPEC U4)."""

import streamlit as st

from lib.ui import blocks, filters, links, program_details
from lib.ui.page import open_page
from lib.ui.tables import Column, Kind, download, table

COLUMNS = (
    Column("name", "programs.name", width=170),
    Column("key", "programs.key", width=100),
    Column("kind", "programs.kind"),
    Column("status", "programs.status", Kind.WORD),
    Column("applications", "programs.applications", Kind.TEXTS, width=400),
    Column("details", "programs.details", Kind.BUTTON, width=80),
    Column("statistics", "programs.statistics", Kind.BUTTON, width=115),
)

console = open_page(__file__)

blocks.head(console, "page.mini_programs")
if not console.programs.choices():
    blocks.no_mini_program(console)
    st.stop()

with st.container(horizontal=True, vertical_alignment="center"):
    search = filters.search(console, "programs.search")
    download(console, "mini_programs", lambda: console.programs.listing(search), COLUMNS[:5])
programs = console.programs.listing(search)
if programs.is_empty():
    st.info(console.say("empty.no_program_found"), icon=":material/search_off:")
    st.stop()

table(
    console,
    "mini_programs",
    programs,
    COLUMNS,
    clicks={
        "details": lambda row: program_details.show(console, row["key"]),
        "statistics": lambda row: links.open_dashboard(console, row["key"]),
    },
)
