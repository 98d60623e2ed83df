"""Which operations are asked for: what the filters of the page, the commands and the API all become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from lib.errors import BadInput
from lib.logs.rows import LAST_INSTANT
from lib.queries.tenancy import EVERY
from lib.usage.buckets import BUCKET, EPOCH, Period, zone_of
from lib.words import Phrase

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

_LONGEST_KEYWORD = 200


@dataclass(frozen=True)
class OperationFilter:
    """Operations that occurred in [since, until), told in a zone. Filters that are empty let everything through.

    `tenants` are keys: none is the tenant that the viewer looks at. An organization stands for its descendants too.
    Raises BadInput.
    """

    since: datetime
    until: datetime
    zone: str = "UTC"
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

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise BadInput(what=Phrase("refused.no_offset"))
        if self.since >= self.until:
            raise BadInput(what=Phrase("refused.wrong_order"))
        if self.since < EPOCH or self.until > LAST_INSTANT:
            raise BadInput(what=Phrase("refused.years", first=EPOCH.year, last=LAST_INSTANT.year - 1))
        if len(self.keyword) > _LONGEST_KEYWORD:
            raise BadInput(what=Phrase("refused.long_keyword", longest=_LONGEST_KEYWORD))

    def whole_buckets(self) -> Period:
        """The half hours that the period touches."""
        since, until = self.since.astimezone(UTC), self.until.astimezone(UTC)
        return Period(since - (since - EPOCH) % BUCKET, until + (EPOCH - until) % BUCKET, self.zone)

    def as_json(self) -> dict[str, Any]:
        """The filter in words of JSON, without what is empty: for tickets, manifests and records."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        told |= {name: told[name].isoformat() for name in ("since", "until")}
        return {name: value for name, value in told.items() if value not in ("", (), None)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """The filter that `as_json` told. Raises BadInput for anything else."""
        try:
            lists = {name: tuple(map(str, told[name])) for name in ("tenants", *WORD_FILTERS) if name in told}
            ends = {name: datetime.fromisoformat(told[name]) for name in ("since", "until")}
            return cls(**{**told, **lists, **ends})
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(what=Phrase("refused.filter")) from error


def last_days(days: int, now: datetime, zone: str = "UTC") -> OperationFilter:
    """Everything of the last days up to now."""
    return OperationFilter(now - timedelta(days=days), now + timedelta(minutes=1), zone)
