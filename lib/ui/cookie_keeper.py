"""The small component that lets the browser exchange its ticket for the cookie, and give the cookie back.

A script run cannot set a cookie, and the token must not pass through a script of the page: so the component calls
`/session`, and only the browser sees the answer's Set-Cookie.
"""

from __future__ import annotations

import streamlit as st

_SCRIPT = """
const done = new Set();
export default function ({ data, setTriggerValue }) {
  const leaves = data.leave !== undefined;
  const work = data.ticket || (leaves ? "leave" : "");
  if (!work || done.has(work)) return;
  done.add(work);
  const request = data.ticket
    ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ticket: data.ticket }) }
    : { method: "DELETE" };
  fetch(new URL("session", document.baseURI), { credentials: "same-origin", ...request })
    .then(() => {
      if (leaves) window.location.replace(new URL(data.leave, document.baseURI));
      else setTriggerValue("kept", true);
    })
    .catch(() => done.delete(work));
}
"""


def exchange(ticket: str) -> bool:
    """Let the browser exchange the ticket; returns True in the run in which it says that it has."""
    keeper = st.components.v2.component("cookie_keeper", js=_SCRIPT)
    result = keeper(data={"ticket": ticket}, key="cookie_keeper", on_kept_change=_nothing)
    return bool(result.kept)


def give_back(way_out: str = "") -> None:
    """Let the browser forget its cookie, and then begin anew, at home or at another place of this server."""
    keeper = st.components.v2.component("cookie_keeper", js=_SCRIPT)
    keeper(data={"leave": way_out}, key="cookie_keeper", on_kept_change=_nothing)


def _nothing() -> None:
    """A component names its triggers by callbacks."""
