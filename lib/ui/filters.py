"""The filters of the usage pages: each draws its widget, keeps its state in the address, and answers with a value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

import streamlit as st

from lib.errors import BadInput
from lib.queries.console import Console
from lib.ui import address
from lib.ui.periods import (
    CHOICE_BY_KEY,
    DEFAULT_PERIOD,
    PERIOD_CHOICES,
    days_of,
    grain_of,
    grains_of,
    period_of,
    period_text,
    today_in,
)
from lib.usage.buckets import EARLIEST, Grain, Period, zone_of
from lib.usage.metrics import Metric

EVERYTHING = ""
"""What a choice answers where nothing is narrowed down."""

_CONTINENTS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


def period(console: Console) -> Period:
    """The period picker, the days it stands for, and the time zone; says what is off in a zone at :15 or :45."""
    # Together as wide as a page at 1,280 pixels.
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        buttons, days, zones = st.container(width="content"), st.container(width=208), st.container(width=192)
    with zones:
        chosen_zone = zone_choice(console)
    today = today_in(chosen_zone)
    text = address.read("period", DEFAULT_PERIOD)
    chosen = period_of(text, today, chosen_zone)
    if chosen is None:
        text, chosen = DEFAULT_PERIOD, CHOICE_BY_KEY[DEFAULT_PERIOD].period(today, chosen_zone)
    with buttons:
        _period_buttons(console, text)
    with days:
        _period_days(console, chosen, today)
    if chosen.is_off_the_half_hour():
        st.warning(console.say("usage.off_the_half_hour", zone=chosen_zone), icon=":material/schedule:")
    return chosen


def choice(
    console: Console,
    name: str,
    options: Mapping[str, str],
    *,
    everything: str | None = None,
    clears: Collection[str] = (),
) -> str:
    """One of the options by key, shown by name. `everything` are the words of not choosing, which answers EVERYTHING.

    Without `everything` the first option is chosen at first. `clears` are names that a choice takes out of the address.
    """
    keys = [*options] if everything is None else [EVERYTHING, *options]
    chosen = address.read_one_of(name, keys, keys[0])
    shown = {EVERYTHING: console.say(everything)} if everything else {}
    st.selectbox(
        console.say(f"usage.{name}"),
        keys,
        format_func=lambda key: shown.get(key) or _told_apart(key, options),
        placeholder=console.say("usage.choose"),
        **address.tied(name, chosen, str, clears=clears),
    )
    return chosen


def metric(console: Console, name: str, metrics: Sequence[Metric]) -> Metric:
    """One of the metrics."""
    by_key = {metric.key: metric for metric in metrics}
    chosen = address.read_one_of(name, by_key, metrics[0].key)
    st.selectbox(
        console.say(f"usage.{name}"),
        [*by_key],
        width=240,
        format_func=lambda key: console.say(by_key[key].words),
        **address.tied(name, chosen, str),
    )
    return by_key[chosen]


def grain_shown(shown: Period) -> Grain:
    """How long a bucket of the trend is, as `grain` lets a viewer choose; it draws nothing."""
    return Grain(address.read_one_of("grain", grains_of(shown), grain_of(shown)))


def grain(console: Console, shown: Period) -> Grain:
    """How long a bucket of the trend is, of those that suit the period."""
    fitting, chosen = grains_of(shown), grain_shown(shown)
    st.segmented_control(
        console.say("usage.grain"),
        [each.value for each in fitting],
        format_func=lambda value: console.say(f"usage.grain_{Grain(value).name.lower()}"),
        required=True,
        **address.tied("grain", chosen.value, str),
    )
    return chosen


def tab(console: Console, keys: Sequence[str]) -> tuple[str, Any]:
    """Tabs by key, of which only the open one needs to be drawn: its key, and its container."""
    labels = {console.say(f"usage.tab_{key}"): key for key in keys}
    chosen = address.read_one_of("tab", keys, keys[0])
    label = next(words for words, key in labels.items() if key == chosen)
    containers = st.tabs([*labels], **address.tied("tab", label, lambda words: labels.get(words, keys[0])))
    return chosen, containers[keys.index(chosen)]


def search(console: Console, words: str) -> str:
    """Words to look for."""
    looked_for = address.read("search")
    st.text_input(
        console.say(words),
        placeholder=console.say(words),
        label_visibility="collapsed",
        icon=":material/search:",
        max_chars=200,
        width=320,
        **address.tied("search", looked_for, lambda text: str(text).strip()),
    )
    return looked_for


def zone(console: Console) -> str:
    """The zone that the address names, else the viewer's own; a change of their own zone takes the address's away."""
    own = console.viewer.zone
    if st.session_state.setdefault("filters.own_zone", own) != own:
        st.session_state["filters.own_zone"] = own
        address.write(zone=None)
    chosen = address.read("zone", own)
    try:
        zone_of(chosen)
    except BadInput:
        return own
    return chosen


def zone_choice(console: Console) -> str:
    """The choice of the time zone in which everything on the page is told."""
    own, chosen = console.viewer.zone, zone(console)
    options, today = list(dict.fromkeys(["UTC", own, chosen, *_zones()])), today_in("UTC")
    st.selectbox(
        console.say("usage.zone"),
        options,
        format_func=lambda name: _with_offset(name, today),
        label_visibility="collapsed",
        **address.tied("zone", chosen, str),
    )
    return chosen


def _period_buttons(console: Console, text: str) -> None:
    keys = [each.key for each in PERIOD_CHOICES]
    st.segmented_control(
        console.say("usage.period"),
        keys,
        format_func=lambda key: console.say(f"usage.period_{key}"),
        label_visibility="collapsed",
        required=True,
        **address.tied("period", text if text in keys else None, lambda key: key),
    )


def _period_days(console: Console, chosen: Period, today: date) -> None:
    st.date_input(
        console.say("usage.days"),
        min_value=EARLIEST.date(),
        max_value=max(today, days_of(chosen)[1]),
        format="YYYY-MM-DD",
        label_visibility="collapsed",
        required=True,
        **address.tied("period", days_of(chosen), _days_text, widget="period_days"),
    )


def _days_text(days: Any) -> str | None:
    return period_text(*days) if isinstance(days, tuple) and len(days) == 2 else None


def _told_apart(key: str, options: Mapping[str, str]) -> str:
    same = [other for other, name in options.items() if name == options[key]]
    return options[key] if len(same) == 1 else f"{options[key]} ({key})"


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    return tuple(sorted(name for name in available_timezones() if name.split("/")[0] in _CONTINENTS))


@lru_cache(maxsize=2000)
def _with_offset(name: str, day: date) -> str:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    minutes = (noon.astimezone(zone_of(name)).utcoffset() or timedelta()) // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    return f"{name} {'−' if minutes < 0 else '+'}{hours:02}:{rest:02}" if name != "UTC" else name
