"""What the page of the operation log shows, as its address says it, and the other way round.

Nothing in an address is trusted: what cannot be understood is left out, named in `ignored`, and told to the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lib.logs.catalogue import CLASSES
from lib.logs.wording import CHANNELS, RESULTS
from lib.queries.console import Console
from lib.queries.operation_filter import WORD_FILTERS, OperationFilter
from lib.ui import address
from lib.ui.listing import period
from lib.ui.listing.listing import Listing
from lib.ui.listing.reader import AddressReader
from lib.ui.operations.columns import COLUMNS

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

LISTING = Listing("oplog", FILTERS, PLACE)

_FIXED = {"classes": CLASSES, "channels": CHANNELS, "results": RESULTS}


@dataclass(frozen=True)
class Shown:
    """The page's state: what is asked for, in which columns, from where in the list, with which record open."""

    asked: OperationFilter
    period: str
    columns: tuple[str, ...] = COLUMNS.default.columns
    before: int | None = None
    after: int | None = None
    operation: int | None = None
    ignored: tuple[str, ...] = ()


def read(console: Console) -> Shown:
    """The state that the address says."""
    said = AddressReader()
    zone = said.zone(console)
    text, span = said.period(zone)
    words: dict[str, Any] = {field: said.words(name, _FIXED.get(field)) for field, name in ADDRESS_NAMES.items()}
    asked = OperationFilter(*span, zone, tenants=said.tenants(console), **words)
    asked = replace(
        asked,
        keyword=said.keyword(),
        organization_id=_organization(console, said),
        object_type=said.text("object_type"),
        object_id=said.text("object"),
    )
    columns = said.columns(COLUMNS)
    before, after, operation = (said.number(name) for name in PLACE)
    return Shown(asked, text, columns, before, None if before else after, operation, tuple(said.ignored))


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


def _organization(console: Console, said: AddressReader) -> int | None:
    number = said.number("organization", (1 << 31) - 1)
    if number is not None and number not in console.log_reading.organizations()["id"].to_list():
        said.ignored.append("organization")
        return None
    return number
