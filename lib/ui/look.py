"""What the theme in .streamlit/config.toml cannot say: the account menu's place, sign-in, cards, phones."""

from __future__ import annotations

import streamlit as st

_STYLE = """
<style>
.block-container { padding-top: 4rem; padding-bottom: 3rem; }
.st-key-account_menu { position: fixed; top: .45rem; right: 1rem; width: auto; z-index: 999991; }
.st-key-account_menu button { border-color: transparent; background: transparent; }
:has(> [data-testid="stMetricDelta"]) { flex-wrap: wrap; }
.st-key-sign_in_panel { max-width: 25rem; margin: 6vh auto 0; }
.st-key-sign_in_panel [data-testid="stForm"] { padding: 1.5rem; }
.st-key-sign_in_panel [data-testid="stFormSubmitButton"] button {
  width: 100%; background: #0b6b75; border-color: #0b6b75; color: #ffffff;
}
.st-key-sign_in_panel [data-testid="stFormSubmitButton"] button:hover { background: #095a63; color: #ffffff; }
@media (prefers-color-scheme: dark) {
  [data-testid^="stBaseButton-primary"] { color: #08191c; }
}
@media (max-width: 640px) {
  [data-testid="stMetricValue"] { font-size: 1.3rem; }
  .block-container { padding-left: 1rem; padding-right: 1rem; }
  .st-key-account_menu [data-testid="stMarkdownContainer"] p {
    max-width: 7rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  }
}
</style>
"""


def dress() -> None:
    """Add the style to this run."""
    st.html(_STYLE)
