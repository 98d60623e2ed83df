"""A button that has the browser fetch a file from a route of Daybook, which asks the session itself."""

from __future__ import annotations

from secrets import token_hex

import streamlit as st

_SCRIPT = """
const done = new Set();
export default function ({ data, parentElement }) {
  if (!data.path || done.has(data.once)) return;
  done.add(data.once);
  const link = document.createElement("a");
  link.href = new URL(data.path, document.baseURI);
  link.download = "";
  parentElement.appendChild(link); // elsewhere the click would be one beside a dialog, and close it
  link.click();
  link.remove();
}
"""


def button(label: str, path: str, key: str) -> None:
    """Draw it; `path` is of the route, from Daybook's own address and without a slash before it."""
    with st.container(width="content", gap=None):
        if st.button(label, icon=":material/download:", type="primary", key=key):
            st.session_state[_fetch(key)] = {"path": path, "once": token_hex(8)}
        fetch = st.session_state.pop(_fetch(key), None)
        st.components.v2.component("fetcher", js=_SCRIPT)(data=fetch or {}, key=f"{key}.fetcher")


def _fetch(key: str) -> str:
    return f"{key}.fetch"
