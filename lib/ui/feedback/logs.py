"""The logs that clients uploaded: listed, taken away, and deleted after a second question (SPEC F3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from urllib.parse import quote

import polars as pl
import streamlit as st

from lib.access.permissions import Permission
from lib.queries.console import Console
from lib.queries.feedback_logs import MOST_FILES
from lib.ui import address, fetching, second_question
from lib.ui.escaping import plain
from lib.ui.feedback import nothing
from lib.ui.feedback.listing import SIZE, to_neighbours
from lib.ui.feedback.state import LISTING, Shown
from lib.ui.listing import bar
from lib.ui.sizes import size_text
from lib.ui.tables import Column, Kind, chosen_rows, download

COLUMNS = (
    Column("name", "feedback_log_column.name", width=160),
    Column("size", "feedback_logs.size", width=70),
    Column("left", "feedback_logs.left", Kind.COUNT, width=80),
    Column("uploaded_at", "feedback_log_column.uploaded_at", Kind.INSTANT, width=150),
    Column("user", "feedback_log_column.user", width=140),
    Column("application_name", "feedback_log_column.application_name", width=140),
)
TAKEN = (
    Column("id", "feedback_log_column.id"),
    COLUMNS[0],
    Column("size_bytes", "feedback_log_column.size_bytes", Kind.COUNT),
    COLUMNS[3],
    Column("expires_at", "feedback_log_column.expires_at", Kind.INSTANT),
    *COLUMNS[4:],
    Column("mini_program_name", "feedback_log_column.mini_program_name"),
    Column("feedback_id", "feedback_log_column.feedback_id"),
    Column("sha256", "feedback_log_column.sha256"),
)
MOST_FETCHED = 3
"""Logs for which there is a button each; browsers ask before they save many files at once."""

_DONE = "ufb.logs_deleted"
_MOST_TAKEN = 1000
_LONGEST_NAME = 60


def draw(console: Console, shown: Shown) -> None:
    """The whole tab."""
    st.caption(console.say("feedback_logs.kept"))
    done = st.session_state.pop(_DONE, None)
    if done is not None:
        st.success(console.say("feedback_logs.deleted", count=f"{done:,}"), icon=":material/check_circle:")
    total = console.feedback_logs.total(shown.logs)
    if total or shown.asked.keyword:
        with st.container(horizontal=True):
            bar.search(console, LISTING, shown.asked.keyword or "", "feedback_logs.search")
    if not total:
        nothing.logs(console, shown)
        return
    page = console.feedback_logs.page(shown.logs, shown.before, SIZE, after=shown.after)
    with st.container(horizontal=True, vertical_alignment="center"):
        words = "feedback.total_one" if total == 1 else "feedback.total"
        st.markdown(f"**{console.say(words, total=f'{total:,}')}**", width="content")
        download(console, "feedback_logs", lambda: every(console, shown), TAKEN)
    chosen = _table(console, page, shown.asked.zone)
    if chosen:
        _acts(console, chosen)
    else:
        st.caption(console.say("feedback_logs.choose"))
    is_first = shown.before is None and shown.after is None
    place = 0 if is_first or page.is_empty() else console.feedback_logs.newer_count(shown.logs, page["id"][0])
    to_neighbours(console, place, len(page), total, (page["id"][0], page["id"][-1]) if len(page) else None)


def every(console: Console, shown: Shown) -> pl.DataFrame:
    """All logs that match, newest first, to be taken away as a list."""
    pages, cursor = [], None
    while len(page := console.feedback_logs.page(shown.logs, cursor, _MOST_TAKEN)):
        pages.append(page)
        cursor = page["id"][-1]
    return pl.concat(pages) if pages else console.feedback_logs.page(shown.logs, 0, 1)


def days_left(expires_at: datetime) -> int:
    """Whole days that a log is still kept, begun ones counted; 0 for one that waits to be removed."""
    return max(0, ceil((expires_at - datetime.now(UTC)) / timedelta(days=1)))


def left_told(console: Console, expires_at: datetime) -> str:
    """How long a log is still kept, in words."""
    days = days_left(expires_at)
    if not days:
        return console.say("feedback_logs.last_day")
    return console.say("feedback_logs.day_left") if days == 1 else console.say("feedback_logs.days_left", days=days)


def fetch(console: Console, log: Mapping[str, Any], key: str) -> None:
    """The button that downloads a log."""
    label = plain(console.say("feedback_logs.download", name=log["name"][:_LONGEST_NAME]))
    fetching.button(label, f"feedback/logs/{log['id']}?tenant={quote(console.viewer.tenant_key)}", key)


def _table(console: Console, page: pl.DataFrame, zone: str) -> list[dict[str, Any]]:
    sizes = [size_text(size) for size in page["size_bytes"]]
    left = [days_left(at) for at in page["expires_at"]]
    rows = page.with_columns(size=pl.Series(sizes, dtype=pl.String), left=pl.Series(left, dtype=pl.Int64))
    among = str(hash(tuple(page["id"])))
    chosen = chosen_rows(console, "feedback_logs", rows, COLUMNS, zone=zone, among=among)
    return [page.row(place, named=True) for place in chosen[:MOST_FILES]]


def _acts(console: Console, chosen: Sequence[dict[str, Any]]) -> None:
    with st.container(horizontal=True):
        if len(chosen) <= MOST_FETCHED:
            for log in chosen:
                fetch(console, log, f"ufb.fetch_log.{log['id']}")
        if len(chosen) == 1 and chosen[0]["feedback_id"] is not None:
            st.button(
                console.say("feedback_logs.open_feedback"),
                icon=":material/feedback:",
                key="ufb.of_log",
                on_click=address.write,
                kwargs={"feedback": str(chosen[0]["feedback_id"])},
            )
        if console.viewer.allows(Permission.FEEDBACK_MANAGE):
            _delete(console, chosen)


def _delete(console: Console, chosen: Sequence[dict[str, Any]]) -> None:
    first, more = chosen[0]["name"], len(chosen) - 1
    label = console.say("feedback_logs.delete")
    question = console.say("feedback_logs.delete_question", name=first)
    if more:
        label = console.say("feedback_logs.delete_several", count=len(chosen))
        question = console.say("feedback_logs.delete_question_several", name=first, count=more)

    def act() -> None:
        st.session_state[_DONE] = console.feedback_logs.delete([log["id"] for log in chosen])

    sure = console.say("feedback_logs.delete_sure")
    second_question.button(console, label, question, sure, act, "ufb.delete")
