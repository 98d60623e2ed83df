"""Entries of a log on the screen: a component that takes them as data and puts them in as text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from lib.logs.files.search import Asked, Found, Page
from lib.queries.console import Console

_HERE = Path(__file__).parent
_HTML = '<div class="entries" role="list" tabindex="0"></div>'


def draw(console: Console, page: Page, asked: Asked, zone: str, *, follow: bool = False) -> None:
    """Show a page's entries, the last of them in sight."""
    lines = st.components.v2.component("log_lines", html=_HTML, css=_asset("lines.css"), js=_asset("lines.js"))
    words = {
        "label": console.say("server_logs.lines_label"),
        "more": console.say("server_logs.more_lines", count="{count}"),
        "less": console.say("server_logs.less"),
        "cut": console.say("server_logs.cut"),
    }
    entries = _entries(console, page.found, ZoneInfo(zone))
    data = {"entries": entries, "keyword": asked.keyword, "case": asked.match_case, "follow": follow, "words": words}
    lines(data=data, key="slog.lines")


def _entries(console: Console, found: tuple[Found, ...], zone: ZoneInfo) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    end: tuple[str, int] | None = None
    for each in found:
        entry = each.entry
        at = entry.at
        shown.append(
            {
                "time": f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}" if at else "",
                "level": entry.level.value,
                "word": console.say(f"log_level.{entry.level.value.lower()}"),
                "text": entry.text,
                "cut": entry.is_cut,
                "context": entry.is_context,
                "gap": bool(shown) and end is not None and _has_context(found) and end != (each.file, entry.start),
            }
        )
        end = each.file, entry.until
    return shown


def _has_context(found: tuple[Found, ...]) -> bool:
    return any(each.entry.is_context for each in found[:50])


@cache
def _asset(name: str) -> str:
    return (_HERE / name).read_text("utf-8")
