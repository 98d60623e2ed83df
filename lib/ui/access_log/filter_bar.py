"""The filters above a log: keyword, the quick one, the others behind a button; and what is filtered by."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import streamlit as st

from lib.access.permissions import AccountType
from lib.queries.console import Console
from lib.queries.operation_filter import EVERY
from lib.ui.access_log.log import Choice
from lib.ui.access_log.state import NOBODY, Shown, tenant_names
from lib.ui.listing import bar
from lib.ui.listing.columns import chooser

MOST_OFFERED = 200


def draw(console: Console, shown: Shown) -> None:
    """All of it."""
    listing, log = shown.log.listing, shown.log
    with st.container(horizontal=True, vertical_alignment="center"):
        bar.search(console, listing, shown.asked.keyword or "", f"access_log.search_{log.key}")
        _quick(console, shown)
        some = sum(getattr(shown.asked, choice.name) is not None for choice in log.choices)
        label = console.say("listing.filters_some", count=some) if some else console.say("listing.filters")
        popover = st.popover(label, icon=":material/tune:", key=f"{log.key}.filters", on_change="rerun")
        chooser(console, listing, log.columns, shown.columns)
    if popover.open:
        with popover:
            _choices(console, shown)
    bar.chips(console, listing, _chips(console, shown), shown.ignored)


def _quick(console: Console, shown: Shown) -> None:
    """The filter that stands open, its values with their counts."""
    log = shown.log
    choice = next(each for each in log.choices if each.name == log.quick)
    chosen = getattr(shown.asked, choice.name)
    counts = dict.fromkeys(choice.fixed, 0)
    rest = shown.without(choice.name)
    for value, count, _failed in log.queries(console).top(rest, choice.column, 1000).iter_rows():
        key = next((each for each in choice.fixed if each in (value, f"{value[:1]}xx")), None)
        if key is not None:
            counts[key] += count
    there = [value for value in choice.fixed if counts[value] or value == chosen]
    if there:
        words = {each: f"{choice.word(each, console.viewer.language)} :gray[{counts[each]:,}]" for each in there}
        st.pills(
            console.say(choice.words),
            there,
            format_func=words.__getitem__,
            label_visibility="collapsed",
            width="content",
            **log.listing.tied(choice.name, chosen if chosen in there else None, lambda value: str(value or "")),
        )


def _choices(console: Console, shown: Shown) -> None:
    wall = st.grid(2, min_column_width=220)
    if console.viewer.account_type is AccountType.SYSTEM:
        names = tenant_names(console)
        chosen = shown.asked.tenants[0] if shown.asked.tenants else console.viewer.tenant_key
        wall.selectbox(
            console.say("column.tenant"),
            [*names],
            format_func=names.__getitem__,
            **shown.log.listing.tied("tenants", chosen or NOBODY, lambda key: "" if key == EVERY else str(key)),
        )
    for choice in shown.log.choices:
        wall.selectbox(
            console.say(choice.words),
            _options(console, shown, choice),
            format_func=partial(_word, console, choice),
            accept_new_options=choice.free,
            index=None,
            placeholder=console.say("listing.any"),
            **shown.log.listing.tied(
                choice.name, getattr(shown.asked, choice.name), partial(_said, choice), f"{choice.name}.of_all"
            ),
        )


def _said(choice: Choice, value: object) -> str | None:
    """What the address says of a choice; what was written by hand and does not fit is none."""
    text = str(value or "")
    return text if not text or choice.fits(text) else None


def _options(console: Console, shown: Shown, choice: Choice) -> list[str]:
    """What was counted, the most first, and what is chosen in any case."""
    chosen = getattr(shown.asked, choice.name)
    rest = shown.without(choice.name)
    top = shown.log.queries(console).top(rest, choice.column, MOST_OFFERED) if choice.column else None
    counted = [] if top is None else [str(value) for value in top["value"] if value]
    return list(dict.fromkeys([*([chosen] if chosen else []), *choice.fixed, *counted]))


def _word(console: Console, choice: Choice, value: str) -> str:
    return choice.word(value, console.viewer.language)


def _chips(console: Console, shown: Shown) -> Iterator[bar.Chip]:
    asked = shown.asked
    if asked.keyword:
        yield console.say("listing.chip_search"), asked.keyword, {"search": None}
    if asked.tenants and EVERY not in asked.tenants:
        name = tenant_names(console).get(asked.tenants[0] or NOBODY, asked.tenants[0])
        yield console.say("column.tenant"), name, {"tenants": None}
    for choice in shown.log.choices:
        if (value := getattr(asked, choice.name)) is not None:
            yield console.say(choice.words), _word(console, choice, value), {choice.name: None}
