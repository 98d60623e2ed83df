"""The system's health at the top of the page: each figure leads to the log or the page that it came from (SPEC V5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

import streamlit as st

from lib.access.viewer import Viewer
from lib.charts.log_health import LogHealth
from lib.charts.theme import CONFIG
from lib.logs.files.types import Level
from lib.queries.console import Console
from lib.queries.server_health import Health, LateJob
from lib.ui.pages import PAGES
from lib.ui.server_logs import state
from lib.ui.sizes import size_text

HOURS = 24


@dataclass(frozen=True)
class _Card:
    """A figure; `leads` is what its button does, `is_bad` whether somebody should look."""

    key: str
    figure: str
    is_bad: bool
    leads: Callable[[], None] | None
    note: str = ""


def draw(console: Console, zone: str) -> Health:
    """The figures, and the bars of errors and warnings."""
    health = console.server_health.now(HOURS)
    with st.container(border=True, key="server_logs_health"):
        st.subheader(console.say("log_health.title", hours=HOURS), anchor=False)
        wall = _cards(console, health, zone)
        grid = st.container(horizontal=True, gap="medium")
        for card in wall:
            with grid.container(width=145, gap="xsmall", key=f"log_health_{card.key}"):
                _draw(console, card)
        _bars(console, health, zone)
    return health


def _cards(console: Console, health: Health, zone: str) -> list[_Card]:
    counts = health.tally.counts
    errors, warnings = (int(counts.filter(level=level)["entries"].sum()) for level in ("ERROR", "WARN"))
    disk = min(health.disks, key=lambda each: each.free_bytes / each.size_bytes)
    jobs = "\n".join(_job(console, each, zone) for each in health.late_jobs)
    access = partial(state.open_log, "access_log")
    return [
        _Card("error", f"{errors:,}", errors > 0, partial(_open_worst, health, Level.ERROR)),
        _Card("warn", f"{warnings:,}", False, partial(_open_worst, health, Level.WARN)),
        _Card(
            "failed_sign_ins",
            f"{health.failed_sign_ins:,}",
            False,
            partial(_open_page, console.viewer, "access_log", "operation_log"),
        ),
        _Card(
            "failing",
            f"{health.failing_requests:,}",
            health.failing_requests > 0,
            partial(access, levels=(Level.ERROR,)),
        ),
        _Card("slow", f"{health.tally.slow_requests:,}", False, partial(access, levels=(Level.WARN, Level.ERROR))),
        _Card(
            "space",
            size_text(disk.free_bytes),
            disk.is_little,
            None,
            console.say("log_health.space_of", size=size_text(disk.size_bytes)),
        ),
        _Card(
            "jobs",
            f"{len(health.late_jobs):,}",
            bool(health.late_jobs),
            partial(_open_page, console.viewer, "status"),
            jobs or console.say("log_health.jobs_fine"),
        ),
    ]


def _draw(console: Console, card: _Card) -> None:
    label = console.say(f"log_health.{card.key}")
    st.caption(f":material/error: {label}" if card.is_bad else label)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"### :red[{card.figure}]" if card.is_bad else f"### {card.figure}", width="content")
        key = f"log_health_open_{card.key}"
        if card.leads is not None and st.button(console.say("log_health.open"), key=key, type="tertiary", help=label):
            card.leads()
            st.rerun()
    if card.note:
        st.caption(card.note)


def _bars(console: Console, health: Health, zone: str) -> None:
    if health.tally.counts.is_empty():
        st.caption(console.say("log_health.nothing", hours=HOURS))
        return
    chart = LogHealth(health.tally.counts, health.since, health.until, zone, console.viewer.language)
    key = f"slog.health.{zone}"
    st.plotly_chart(
        chart.figure(),
        key=key,
        on_select=partial(_choose, key, chart, zone),
        selection_mode="points",
        config=CONFIG,
        alt=chart.alt(),
    )
    st.caption(console.say("log_health.hint"))


def _choose(key: str, chart: LogHealth, zone: str) -> None:
    picked = chart.picked(st.session_state[key]["selection"])
    if picked is not None:
        log_type, since = picked
        state.open_log(log_type, levels=(Level.ERROR, Level.WARN), since=since, zone=zone)


def _open_worst(health: Health, level: Level) -> None:
    """The type with most entries of a level."""
    found: Counter[str] = Counter()
    for key, entries in health.tally.counts.filter(level=level.value).select("log_type", "entries").iter_rows():
        found[key] += entries
    state.open_log(found.most_common(1)[0][0] if found else "application", levels=(level,))


def _open_page(viewer: Viewer, *keys: str) -> None:
    """The first of these pages that there is and that the viewer may open."""
    open_to = {page.key: page for page in PAGES if page.is_open_to(viewer)}
    for key in keys:
        if key in open_to:
            st.switch_page(open_to[key].path)


def _job(console: Console, late: LateJob, zone: str) -> str:
    if late.started_at is None:
        return console.say("log_health.never", job=late.job)
    words = "log_health.failed" if late.has_failed else "log_health.late"
    return console.say(words, job=late.job, when=_wall(late.started_at, zone))


def _wall(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
