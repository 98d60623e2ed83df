"""What the theme cannot say of a page with a list: a search as wide as there is room, facets beside it, phones."""

from __future__ import annotations

import streamlit as st

_STYLE = """
<style>
.st-key-listing_chips button { min-height: 2rem; padding: 0 .6rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-listing_search) { flex: 1 1 16rem; }
.st-key-listing_side [data-testid="stExpanderDetails"] > [data-testid="stVerticalBlock"],
.st-key-listing_side [data-testid="stExpanderDetails"] [data-testid="stVerticalBlock"] { gap: .25rem; }
.st-key-listing_side { gap: .5rem; }
.st-key-listing_side [data-testid="stCheckbox"] p { overflow-wrap: anywhere; }
.st-key-listing_side [data-testid="stRadio"] p { white-space: pre-wrap; overflow-wrap: anywhere; }
[data-testid="stDialog"] [data-testid="stTable"] :is(td, td *) { overflow-wrap: anywhere; }
[data-testid="stDialog"] [data-testid="stTable"] td:first-child { min-width: 6rem; }
[data-testid="stDialog"] [data-testid="stTable"] td:first-child * { word-break: keep-all; overflow-wrap: break-word; }
@media (max-width: 640px) {
  .st-key-listing_body > [data-testid="stHorizontalBlock"],
  .st-key-listing_body > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"] {
    flex-direction: column-reverse;
  }
  .st-key-listing_body [data-testid="stColumn"] { width: 100%; min-width: 100%; }
  .st-key-listing_ways button p {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
}
</style>
"""


def dress() -> None:
    """Add the style to this run. Keys that it knows: listing_chips, listing_search, listing_body, listing_side."""
    st.html(_STYLE)
