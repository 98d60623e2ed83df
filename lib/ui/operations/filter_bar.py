"""The filters above the operation log: period, keyword, words, columns; and what is filtered by, each a click away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import streamlit as st

from lib.access.permissions import AccountType
from lib.logs import catalogue
from lib.logs.wording import OF_PRODUCT, word_of
from lib.queries.console import Console
from lib.queries.operation_filter import EVERY, WORD_FILTERS, OperationFilter
from lib.queries.operations import OperationCounts
from lib.ui import address, filters
from lib.ui.escaping import plain
from lib.ui.operations import columns, period
from lib.ui.operations.state import ADDRESS_NAMES, FILTERS, Shown, narrow, tied, widen
from lib.usage.buckets import EARLIEST, zone_of
from lib.words import Language

LONGEST_CHIP = 40
_WRITTEN_BY_HAND = frozenset({"operators", "projects", "applications"})


def period_row(console: Console, shown: Shown) -> None:
    """Which period, in which time zone."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            console.say("operations.period"),
            period.CHOICES,
            format_func=lambda key: console.say(f"operations.period_{key}"),
            label_visibility="collapsed",
            required=True,
            **tied("period", shown.period if shown.period in period.CHOICES else None, str),
        )
        with st.popover(_told(shown.asked), icon=":material/date_range:", key="operations_period"):
            _any_period(console, shown)
        with st.container(width=260):
            filters.zone_choice(console)


def search_row(console: Console, shown: Shown, counts: OperationCounts) -> None:
    """The keyword, and the other filters behind a button."""
    some = sum(bool(getattr(shown.asked, field)) for field in (*WORD_FILTERS, "tenants"))
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(key="operations_search"):
            st.text_input(
                console.say("operations.keyword"),
                placeholder=console.say("operations.keyword"),
                label_visibility="collapsed",
                icon=":material/search:",
                max_chars=200,
                **tied("search", shown.asked.keyword, lambda text: str(text).strip()),
            )
        label = console.say("operations.filters_some", count=some) if some else console.say("operations.filters")
        with st.popover(label, icon=":material/tune:", key="operations_filters"):
            _words(console, shown, counts)
        with st.popover(console.say("operations.columns"), icon=":material/view_column:", key="operations_columns"):
            _columns(console, shown)


def chips(console: Console, shown: Shown, organizations: Mapping[int, str]) -> None:
    """What is filtered by, each with a click to be rid of it; and what of the address was left out."""
    if shown.ignored:
        names = plain(", ".join(dict.fromkeys(shown.ignored)))
        st.warning(console.say("operations.ignored", names=names), icon=":material/link_off:")
    found = list(_chips(console, shown.asked, organizations))
    if not found:
        return
    with st.container(horizontal=True, gap="small", key="operations_chips"):
        for at, (name, value, left) in enumerate(found):
            told = console.say("operations.chip", name=console.say(name), value=_short(value))
            st.button(
                plain(told),
                icon=":material/close:",
                help=console.say("operations.chip_help"),
                key=f"oplog.chip.{at}",
                on_click=partial(narrow, **left),
            )
        st.button(
            console.say("operations.clear"), type="tertiary", key="oplog.clear", on_click=partial(widen, *FILTERS)
        )


def _chips(
    console: Console, asked: OperationFilter, organizations: Mapping[int, str]
) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """The words of a filter's name, its value, and what the address says without it."""
    language = console.viewer.language
    if asked.keyword:
        yield "operations.chip_search", asked.keyword, {"search": None}
    if asked.object_id:
        yield "operations.chip_object", asked.object_id, {"object": None, "object_type": None}
    if asked.organization_id is not None:
        name = organizations.get(asked.organization_id, str(asked.organization_id))
        yield "operations.chip_organization", name, {"organization": None}
    for key in asked.tenants:
        name = console.say("operations.tenants_every") if key == EVERY else key
        yield "operations.tenants", name, {"tenants": [other for other in asked.tenants if other != key]}
    for field, column in WORD_FILTERS.items():
        values = getattr(asked, field)
        for value in values:
            left = [other for other in values if other != value]
            word = word_of(column, value, language, asked.products)
            yield f"operation_columns.{column}", word, {ADDRESS_NAMES[field]: left}


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_CHIP else text[: LONGEST_CHIP - 1] + "…"


def _told(asked: OperationFilter) -> str:
    since, until = (instant.astimezone(zone_of(asked.zone)) for instant in (asked.since, asked.until))
    text = period.text_of(asked.since, asked.until, asked.zone)
    if "T" not in text:
        return text.replace("..", " – ")
    return f"{since:%Y-%m-%d %H:%M} – {until:%Y-%m-%d %H:%M}"


def _any_period(console: Console, shown: Shown) -> None:
    zone = zone_of(shown.asked.zone)
    ends = {}
    with st.form("operations_period_form", border=False):
        for name, instant in (("since", shown.asked.since), ("until", shown.asked.until)):
            local = instant.astimezone(zone).replace(tzinfo=None)
            ends[name] = st.datetime_input(
                console.say(f"operations.period_{name}"),
                local.replace(second=0, microsecond=0),
                min_value=EARLIEST.replace(tzinfo=None),
                max_value=datetime(2038, 12, 31),  # noqa: DTZ001 (a clock on the wall)
                format="YYYY-MM-DD",
                step=1800,
                key=f"oplog.period.{name}.{shown.period}.{shown.asked.zone}",
            )
        if st.form_submit_button(console.say("operations.period_use"), type="primary", key="operations_period_use"):
            _use_period(console, ends["since"], ends["until"], shown.asked.zone)


def _use_period(console: Console, since: datetime | None, until: datetime | None, zone: str) -> None:
    if since is None or until is None or since >= until:
        st.error(console.say("operations.period_wrong"))
        return
    first, end = (end.replace(tzinfo=zone_of(zone)) for end in (since, until))
    narrow(period=period.text_of(first, end, zone))
    st.rerun()


def _words(console: Console, shown: Shown, counts: OperationCounts) -> None:
    asked, language = shown.asked, console.viewer.language
    wall = st.grid(2, min_column_width=220)
    if console.viewer.account_type is AccountType.SYSTEM:
        _tenants(console, asked, wall)
    for field, column in WORD_FILTERS.items():
        name, chosen = ADDRESS_NAMES[field], getattr(asked, field)
        wall.multiselect(
            console.say(f"operation_columns.{column}"),
            _options(asked, column, chosen, counts),
            format_func=partial(_word, column, language, asked.products),
            placeholder=console.say("operations.filters_choose"),
            accept_new_options=field in _WRITTEN_BY_HAND,
            **tied(name, list(chosen), _listed),
        )


def _word(column: str, language: Language, among: tuple[str, ...], value: str) -> str:
    return word_of(column, value, language, among)


def _tenants(console: Console, asked: OperationFilter, wall: Any) -> None:
    names = {EVERY: console.say("operations.tenants_every"), **dict(console.own.tenants())}
    wall.multiselect(
        console.say("operations.tenants"),
        list(names),
        format_func=lambda key: names[key],
        placeholder=console.viewer.tenant_name,
        **tied("tenants", list(asked.tenants), _listed),
    )


def _listed(values: object) -> Sequence[str]:
    return [str(value) for value in values] if isinstance(values, list | tuple) else []


def _options(asked: OperationFilter, column: str, chosen: Sequence[str], counts: OperationCounts) -> list[str]:
    """What there is in the catalogue and in what was counted, and what is chosen in any case."""
    counted = [value for value in counts.facets[column]["value"] if value]
    return list(dict.fromkeys([*chosen, *counted, *(_catalogued(asked, column) if column in OF_PRODUCT else ())]))


def _catalogued(asked: OperationFilter, column: str) -> Iterable[str]:
    every = asked.products or tuple(catalogue.products())
    if column == "product":
        yield from catalogue.products()
    for product in every:
        for entry in catalogue.entries(product):
            if asked.modules and column != "module" and entry.module not in asked.modules:
                continue
            if column in ("module", "submodule", "action"):
                yield getattr(entry, column) or entry.module


def _columns(console: Console, shown: Shown) -> None:
    preset = next((each.key for each in columns.PRESETS if each.columns == shown.columns), None)
    st.pills(
        console.say("operations.columns_preset"),
        [each.key for each in columns.PRESETS],
        format_func=lambda key: console.say(f"operation_presets.{key}"),
        **address.tied("columns", preset, lambda key: str(key or ""), widget="oplog.preset"),
    )
    st.multiselect(
        console.say("operations.columns_own"),
        [each.key for each in columns.COLUMNS],
        format_func=lambda key: console.say(columns.COLUMN_BY_KEY[key].words),
        placeholder=console.say("operations.filters_choose"),
        **address.tied("columns", list(shown.columns), _columns_said, widget="oplog.columns"),
    )


def _columns_said(keys: object) -> str:
    return columns.text_of(tuple(_listed(keys)))
