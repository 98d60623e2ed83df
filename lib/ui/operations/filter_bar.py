"""The filters above the operation log: keyword, words, columns; and what is filtered by, each a click away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from lib.access.permissions import AccountType
from lib.logs import catalogue
from lib.logs.wording import OF_PRODUCT, word_of
from lib.queries.console import Console
from lib.queries.operation_filter import EVERY, WORD_FILTERS, OperationFilter
from lib.queries.operations import OperationCounts
from lib.ui.listing import bar
from lib.ui.listing.columns import chooser
from lib.ui.operations.columns import COLUMNS
from lib.ui.operations.state import ADDRESS_NAMES, LISTING, Shown
from lib.words import Language

_WRITTEN_BY_HAND = frozenset({"operators", "projects", "applications"})


def search_row(console: Console, shown: Shown, counts: OperationCounts) -> None:
    """The keyword, and the other filters behind a button."""
    some = sum(bool(getattr(shown.asked, field)) for field in (*WORD_FILTERS, "tenants"))
    with st.container(horizontal=True, vertical_alignment="center"):
        bar.search(console, LISTING, shown.asked.keyword, "operations.keyword")
        label = console.say("listing.filters_some", count=some) if some else console.say("listing.filters")
        with st.popover(label, icon=":material/tune:", key="operations_filters"):
            _words(console, shown, counts)
        chooser(console, LISTING, COLUMNS, shown.columns)


def chips(console: Console, shown: Shown, organizations: Mapping[int, str]) -> None:
    """What is filtered by, each with a click to be rid of it."""
    bar.chips(console, LISTING, _chips(console, shown.asked, organizations), shown.ignored)


def _chips(console: Console, asked: OperationFilter, organizations: Mapping[int, str]) -> Iterable[bar.Chip]:
    language = console.viewer.language
    if asked.keyword:
        yield console.say("listing.chip_search"), asked.keyword, {"search": None}
    if asked.object_id:
        yield console.say("operations.chip_object"), asked.object_id, {"object": None, "object_type": None}
    if asked.organization_id is not None:
        name = organizations.get(asked.organization_id, str(asked.organization_id))
        yield console.say("operations.chip_organization"), name, {"organization": None}
    for key in asked.tenants:
        name = console.say("listing.tenants_every") if key == EVERY else key
        yield console.say("operations.tenants"), name, {"tenants": [other for other in asked.tenants if other != key]}
    for field, column in WORD_FILTERS.items():
        values = getattr(asked, field)
        for value in values:
            left = [other for other in values if other != value]
            word = word_of(column, value, language, asked.products)
            yield console.say(f"operation_columns.{column}"), word, {ADDRESS_NAMES[field]: left}


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
            placeholder=console.say("listing.any"),
            accept_new_options=field in _WRITTEN_BY_HAND,
            **LISTING.tied(name, list(chosen), _listed),
        )


def _word(column: str, language: Language, among: tuple[str, ...], value: str) -> str:
    return word_of(column, value, language, among)


def _tenants(console: Console, asked: OperationFilter, wall: Any) -> None:
    names = {EVERY: console.say("listing.tenants_every"), **dict(console.own.tenants())}
    wall.multiselect(
        console.say("operations.tenants"),
        list(names),
        format_func=lambda key: names[key],
        placeholder=console.viewer.tenant_name,
        **LISTING.tied("tenants", list(asked.tenants), _listed),
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
