"""Reads the state of a list from the address: what cannot be understood is left out, and told to the viewer."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from lib.access.permissions import AccountType
from lib.errors import BadInput
from lib.queries.console import Console
from lib.queries.operation_filter import EVERY
from lib.ui import address, filters
from lib.ui.listing import period
from lib.ui.listing.columns import ListColumns
from lib.ui.periods import today_in

LARGEST = (1 << 63) - 2  # the next one still fits into a column
LONGEST_KEYWORD = 200


class AddressReader:
    """One reading of an address, of which nothing is trusted. `ignored` gathers the names that were left out."""

    def __init__(self) -> None:
        self.ignored: list[str] = []

    def zone(self, console: Console) -> str:
        """The time zone: the address's, else the viewer's own."""
        zone = filters.zone(console)
        if address.read("zone", zone) != zone:
            self.ignored.append("zone")
        return zone

    def period(self, zone: str, default: str = period.DEFAULT) -> tuple[str, period.Span]:
        """The period as the address writes it, and its ends."""
        text, today = address.read("period", default), today_in(zone)
        span = period.span_of(text, today, zone)
        if span is None or _is_unreadable("period"):
            self.ignored.append("period")
            text, span = default, period.span_of(default, today, zone)
        if span is None:
            raise BadInput(what=text)
        return text, span

    def words(self, name: str, among: Collection[str] | None = None) -> tuple[str, ...]:
        """Every value under a name; with `among`, those of it."""
        said = address.read_all(name)
        kept = tuple(value for value in said if among is None or value in among)
        if len(kept) < len(set(st.query_params.get_all(name))):
            self.ignored.append(name)
        return kept

    def one_of(self, name: str, among: Collection[str]) -> str:
        """The value under a name where it is one of these; else nothing."""
        text = self.text(name)
        if text and text not in among:
            self.ignored.append(name)
            return ""
        return text

    def tenants(self, console: Console) -> tuple[str, ...]:
        """The keys of tenants that a system administrator chose, or EVERY."""
        said = address.read_all("tenants")
        if not said:
            return ()
        if console.viewer.account_type is not AccountType.SYSTEM:
            self.ignored.append("tenants")
            return ()
        if EVERY in said:
            return (EVERY,)
        known = dict(console.own.tenants())
        kept = tuple(key for key in said if key in known)
        if kept != said:
            self.ignored.append("tenants")
        return kept

    def keyword(self) -> str:
        """What is searched for."""
        text = self.text("search").strip()
        if len(text) > LONGEST_KEYWORD:
            self.ignored.append("search")
            return ""
        return text

    def text(self, name: str) -> str:
        """Any text."""
        if _is_unreadable(name):
            self.ignored.append(name)
        return address.read(name)

    def number(self, name: str, largest: int = LARGEST) -> int | None:
        """A whole number from 1 on."""
        text = address.read(name)
        if not text and not _is_unreadable(name):
            return None
        if text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= largest:
            return int(text)
        self.ignored.append(name)
        return None

    def columns(self, columns: ListColumns) -> tuple[str, ...]:
        """The columns shown; the default view's where the address names none."""
        chosen = columns.named(address.read("columns", columns.default.key))
        if chosen is None:
            self.ignored.append("columns")
        return chosen or columns.default.columns


def _is_unreadable(name: str) -> bool:
    return bool(st.query_params.get(name)) and not address.read(name)
