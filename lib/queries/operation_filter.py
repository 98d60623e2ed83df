"""Which operations are asked for: what the filters of the page, the commands and the API all become."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from lib.queries.spans import SpanFilter
from lib.queries.tenancy import EVERY
from lib.store.time_ids import LAST_INSTANT

__all__ = ["EVERY", "WORD_FILTERS", "OperationFilter", "last_days"]

WORD_FILTERS: Final = {
    "operators": "operator",
    "products": "product",
    "projects": "project",
    "applications": "application",
    "modules": "module",
    "submodules": "submodule",
    "actions": "action",
    "classes": "operation_class",
    "channels": "channel",
    "results": "result",
}
"""The filters that name words, and the column of each."""


@dataclass(frozen=True)
class OperationFilter(SpanFilter):
    """Operations that occurred in [since, until), told in a zone. Filters that are empty let everything through.

    `tenants` are keys: none is the tenant that the viewer looks at. An organization stands for its descendants too.
    Raises BadInput.
    """

    latest: ClassVar = LAST_INSTANT

    keyword: str = ""
    tenants: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    organization_id: int | None = None
    object_type: str = ""
    object_id: str = ""


def last_days(days: int, now: datetime, zone: str = "UTC") -> OperationFilter:
    """Everything of the last days up to now."""
    return OperationFilter(now - timedelta(days=days), now + timedelta(minutes=1), zone)
