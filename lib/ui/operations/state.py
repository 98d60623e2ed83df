"""What the page of the operation log shows, as its address says it, and the other way round.

Nothing in an address is trusted: what cannot be understood is left out, named in `ignored`, and told to the viewer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from lib.access.permissions import AccountType
from lib.errors import BadInput
from lib.logs.catalogue import CLASSES
from lib.logs.wording import CHANNELS, RESULTS
from lib.queries.console import Console
from lib.queries.operation_filter import EVERY, WORD_FILTERS, OperationFilter
from lib.ui import address, filters
from lib.ui.operations import columns, period
from lib.ui.periods import today_in

ADDRESS_NAMES = {
    "operators": "operator",
    "products": "product",
    "projects": "project",
    "applications": "application",
    "modules": "module",
    "submodules": "submodule",
    "actions": "action",
    "classes": "class",
    "channels": "channel",
    "results": "result",
}
"""How an address calls the filters that name words."""

NAME_OF_COLUMN = {column: ADDRESS_NAMES[field] for field, column in WORD_FILTERS.items()}

PLACE = ("before", "after", "operation")
"""What says where in the list one is: it ends with every change of a filter."""

FILTERS = (*ADDRESS_NAMES.values(), "tenants", "search", "organization", "object_type", "object")

_FIXED = {"classes": CLASSES, "channels": CHANNELS, "results": RESULTS}
_LARGEST = (1 << 63) - 2  # the next one still fits into a column
_LONGEST_KEYWORD = 200


@dataclass(frozen=True)
class Shown:
    """The page's state: what is asked for, in which columns, from where in the list, with which record open."""

    asked: OperationFilter
    period: str
    columns: tuple[str, ...] = columns.DEFAULT.columns
    before: int | None = None
    after: int | None = None
    operation: int | None = None
    ignored: tuple[str, ...] = ()


def read(console: Console) -> Shown:
    """The state that the address says."""
    ignored: list[str] = []
    zone = filters.zone(console)
    if address.read("zone", zone) != zone:
        ignored.append("zone")
    text, span = _period(zone, ignored)
    words: dict[str, Any] = {field: _words(field, name, ignored) for field, name in ADDRESS_NAMES.items()}
    asked = OperationFilter(*span, zone, tenants=_tenants(console, ignored), **words)
    asked = replace(
        asked,
        keyword=_keyword(ignored),
        organization_id=_organization(console, ignored),
        object_type=_text("object_type", ignored),
        object_id=_text("object", ignored),
    )
    chosen = columns.columns_of(address.read("columns", columns.DEFAULT.key))
    if chosen is None:
        ignored.append("columns")
    before, after, operation = (_number(name, ignored) for name in PLACE)
    return Shown(
        asked,
        text,
        chosen or columns.DEFAULT.columns,
        before,
        None if before else after,
        operation,
        tuple(ignored),
    )


def address_of(asked: OperationFilter) -> dict[str, address.Said]:
    """The address of the page that shows this filter."""
    words = {name: getattr(asked, field) for field, name in ADDRESS_NAMES.items()}
    said: dict[str, address.Said] = {
        "period": period.text_of(asked.since, asked.until, asked.zone),
        "zone": asked.zone,
        "tenants": asked.tenants,
        "search": asked.keyword,
        "organization": str(asked.organization_id or ""),
        "object_type": asked.object_type,
        "object": asked.object_id,
        **words,
    }
    return {name: value for name, value in said.items() if value}


def narrow(**said: address.Said) -> None:
    """Change filters in the address, and begin at the newest record again."""
    address.write(**{**dict.fromkeys(PLACE), **said})


def widen(*names: str) -> None:
    """Take filters out of the address."""
    narrow(**dict.fromkeys(names))


def tied(name: str, value: object, to_text: Callable[[Any], address.Said]) -> dict[str, Any]:
    """As `address.tied`, for a filter: a choice begins at the newest record again."""
    return address.tied(name, value, to_text, widget=f"oplog.{name}", clears=PLACE)


def _period(zone: str, ignored: list[str]) -> tuple[str, period.Span]:
    text, today = address.read("period", period.DEFAULT), today_in(zone)
    span = period.span_of(text, today, zone)
    if span is None or _is_unreadable("period"):
        ignored.append("period")
        text, span = period.DEFAULT, period.span_of(period.DEFAULT, today, zone)
    if span is None:
        raise BadInput(what=text)
    return text, span


def _words(field: str, name: str, ignored: list[str]) -> tuple[str, ...]:
    said = address.read_all(name)
    fixed: Collection[str] = _FIXED.get(field, said)
    kept = tuple(value for value in said if value in fixed)
    if len(kept) < len(set(st.query_params.get_all(name))):
        ignored.append(name)
    return kept


def _tenants(console: Console, ignored: list[str]) -> tuple[str, ...]:
    said = address.read_all("tenants")
    if not said:
        return ()
    if console.viewer.account_type is not AccountType.SYSTEM:
        ignored.append("tenants")
        return ()
    if EVERY in said:
        return (EVERY,)
    known = dict(console.own.tenants())
    kept = tuple(key for key in said if key in known)
    if kept != said:
        ignored.append("tenants")
    return kept


def _organization(console: Console, ignored: list[str]) -> int | None:
    number = _number("organization", ignored, (1 << 31) - 1)
    if number is not None and number not in console.log_reading.organizations()["id"].to_list():
        ignored.append("organization")
        return None
    return number


def _keyword(ignored: list[str]) -> str:
    text = _text("search", ignored).strip()
    if len(text) > _LONGEST_KEYWORD:
        ignored.append("search")
        return ""
    return text


def _text(name: str, ignored: list[str]) -> str:
    if _is_unreadable(name):
        ignored.append(name)
    return address.read(name)


def _number(name: str, ignored: list[str], largest: int = _LARGEST) -> int | None:
    text = address.read(name)
    if not text and not _is_unreadable(name):
        return None
    if text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= largest:
        return int(text)
    ignored.append(name)
    return None


def _is_unreadable(name: str) -> bool:
    return bool(st.query_params.get(name)) and not address.read(name)
