"""What the page of the access log shows, as its address says it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from lib.access.permissions import AccountType
from lib.access.viewer import Viewer
from lib.errors import NotPermitted
from lib.queries.console import Console
from lib.queries.operation_filter import EVERY
from lib.ui import address
from lib.ui.access_log.log import PLACE, Asked, Choice, Log
from lib.ui.access_log.sign_ins import SIGN_INS
from lib.ui.access_log.visits import VISITS
from lib.ui.listing.reader import AddressReader

LOGS = (VISITS, SIGN_INS)

PLACES = ("country", "region")
"""By which the places can be ranked."""

NOBODY = "-"
"""In an address: what belongs to no company, which the filters call the empty key."""

OF_ONE_LOG = (*PLACE, "columns", "status", "method", "path", "result")
"""What in an address belongs to a log, and ends where the other is opened."""

_LONGEST_ID = 60


@dataclass(frozen=True)
class Shown:
    """The page's state: which log, what is asked of it, in which columns, from where in the list, with which record."""

    log: Log
    asked: Asked
    period: str
    columns: tuple[str, ...]
    before: str | None = None
    after: str | None = None
    record: str | None = None
    places: str = PLACES[0]
    ignored: tuple[str, ...] = ()

    def without(self, name: str) -> Asked:
        """What is asked, but for one filter."""
        left: dict[str, Any] = {name: None}
        return replace(self.asked, **left)


def open_to(viewer: Viewer) -> tuple[Log, ...]:
    """The logs that a viewer may read."""
    return tuple(log for log in LOGS if viewer.allows(log.permission))


def read(console: Console) -> Shown:
    """The state that the address says. Raises NotPermitted where it names a log that is not the viewer's to read."""
    log = _log(console)
    said = AddressReader()
    zone = said.zone(console)
    text, (since, until) = said.period(zone)
    chosen: dict[str, Any] = {choice.name: _chosen(said, choice) for choice in log.choices}
    tenants = _tenants(console, said)
    asked = log.filter(since, until, zone, keyword=said.keyword() or None, tenants=tenants, **chosen)
    of_many = not asked.tenants or EVERY in asked.tenants
    is_plain = "columns" not in st.query_params
    columns = log.columns.named("companies") if is_plain and tenants and of_many else said.columns(log.columns)
    before, after, record = (_id(said, name) for name in PLACE)
    return Shown(
        log,
        asked,
        text,
        columns or log.columns.default.columns,
        before,
        None if before else after,
        record,
        address.read_one_of("places", PLACES, PLACES[0]),
        tuple(said.ignored),
    )


def tenant_names(console: Console) -> dict[str, str]:
    """The words of each tenant that can be chosen, by its key in the address; EVERY is what is shown at first."""
    named = dict(console.own.tenants())
    return {EVERY: console.say("listing.tenants_every"), **named, NOBODY: console.say("access_log.no_company")}


def _log(console: Console) -> Log:
    mine = open_to(console.viewer)
    wanted = address.read("tab", mine[0].key)
    for log in LOGS:
        if log.key == wanted:
            if log not in mine:
                raise NotPermitted(permission=log.permission.value)
            return log
    return mine[0]


def _tenants(console: Console, said: AddressReader) -> tuple[str, ...]:
    """System administrators see every tenant unless they choose (SPEC L2); others their own."""
    if console.viewer.account_type is AccountType.SYSTEM and address.read("tenants") == NOBODY:
        return ("",)
    chosen = said.tenants(console)[:1]
    return chosen or ((EVERY,) if console.viewer.account_type is AccountType.SYSTEM else ())


def _chosen(said: AddressReader, choice: Choice) -> str | None:
    text = said.text(choice.name)
    if text and not choice.fits(text):
        said.ignored.append(choice.name)
        return None
    return text or None


def _id(said: AddressReader, name: str) -> str | None:
    text = said.text(name)
    if len(text) > _LONGEST_ID or set(text) - set("0123456789.-"):
        said.ignored.append(name)
        return None
    return text or None
