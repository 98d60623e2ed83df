"""Administration: what there is and who may what, a tab for each kind of thing that the viewer manages."""

import streamlit as st

from lib.ui.administration import draw, tabs_of
from lib.ui.page import open_page

console = open_page(__file__)

st.title(console.say("page.administration"), anchor=False)
tabs = tabs_of(console.viewer)
names = [console.say(f"administration.{tab.key}") for tab in tabs]
for tab, place in zip(tabs, st.tabs(names, key="administer.tab", on_change="rerun"), strict=True):
    if place.open:
        with place:
            draw(console, tab)
