"""What can be narrowed down by a click: the organization tree, and the words of the operations shown with counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from lib.logs.wording import word_of
from lib.queries.console import Console
from lib.queries.operation_filter import WORD_FILTERS, OperationFilter
from lib.queries.operations import OperationCounts
from lib.ui.escaping import plain
from lib.ui.listing import facets
from lib.ui.operations.state import ADDRESS_NAMES, LISTING, Shown

FACETS = ("product", "module", "action", "operator", "operation_class", "result", "channel")
"""The columns whose words are offered, in this order."""

DEEPEST = 6

_FIELD_OF = {column: field for field, column in WORD_FILTERS.items()}


def counted(console: Console, asked: OperationFilter, counts: OperationCounts) -> dict[str, pl.DataFrame]:
    """The values of each facet with their counts; where a facet is filtered by, its other values too, so that a click
    can add one."""
    found = {}
    for column in FACETS:
        field = _FIELD_OF[column]
        if getattr(asked, field):
            without: Mapping[str, Any] = {field: ()}
            found[column] = console.operations.counts(replace(asked, **without)).facets[column]
        else:
            found[column] = counts.facets[column]
    return found


def draw(console: Console, shown: Shown, found: Mapping[str, pl.DataFrame]) -> None:
    """An expander for each facet that tells values apart, and for each that is filtered by."""
    st.caption(console.say("listing.facets"))
    drawn = 0
    for column in FACETS:
        chosen = getattr(shown.asked, _FIELD_OF[column])
        values = {value: count for value, count in found[column].iter_rows() if value}
        if len(values) < 2 and not chosen:
            continue
        drawn += 1
        with st.expander(
            console.say(f"operation_columns.{column}"),
            expanded=bool(chosen) or drawn <= 4,
            key=f"oplog.facet.{column}",
        ):
            word = partial(word_of, column, language=console.viewer.language, among=shown.asked.products)
            name = ADDRESS_NAMES[_FIELD_OF[column]]
            facets.draw(console, LISTING, name, values, chosen, word, column)
    if not drawn:
        st.caption(console.say("listing.facet_none"))


def tree(console: Console, shown: Shown, organizations: pl.DataFrame) -> None:
    """The organizations, those below others set in; the chosen one stands for all below it (SPEC O5)."""
    children: dict[int | None, list[tuple[int, str]]] = {}
    known = set(organizations["id"])
    for number, parent, name in organizations.iter_rows():
        children.setdefault(parent if parent in known else None, []).append((number, name))
    labels: dict[int, str] = {0: console.say("operations.organizations_every")}
    _grow(children, None, 0, labels)
    chosen = shown.asked.organization_id or 0
    key = "oplog.organization"
    st.session_state[key] = chosen if chosen in labels else 0
    with st.expander(
        console.say("operations.organizations"), expanded=True, icon=":material/account_tree:", key="oplog.tree"
    ):
        st.radio(
            console.say("operations.organizations"),
            list(labels),
            format_func=labels.__getitem__,
            label_visibility="collapsed",
            key=key,
            on_change=_choose,
            args=(key,),
        )


def _grow(
    children: Mapping[int | None, list[tuple[int, str]]], parent: int | None, depth: int, labels: dict[int, str]
) -> None:
    for number, name in children.get(parent, ()):
        if number not in labels:  # a ring of parents would go on for ever
            labels[number] = "\u2003" * min(depth, DEEPEST) + plain(name)
            _grow(children, number, depth + 1, labels)


def _choose(key: str) -> None:
    LISTING.narrow(organization=str(st.session_state[key] or ""))
