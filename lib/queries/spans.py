"""What the filters of all logs have in common: a period, told in a zone, and how a filter is kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Final, Self

from lib.errors import BadInput
from lib.usage.buckets import BUCKET, EPOCH, Period, zone_of
from lib.words import Phrase

LONGEST_KEYWORD: Final = 200


@dataclass(frozen=True)
class SpanFilter:
    """What occurred in [since, until), told in a zone. A kind of filter adds fields, of which those that are empty let
    everything through, and perhaps a keyword. Raises BadInput."""

    since: datetime
    until: datetime
    zone: str = "UTC"

    latest: ClassVar[datetime] = datetime(2101, 1, 1, tzinfo=UTC)
    """No period ends later."""

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise BadInput(what=Phrase("refused.no_offset"))
        if self.since >= self.until:
            raise BadInput(what=Phrase("refused.wrong_order"))
        if self.since < EPOCH or self.until > self.latest:
            raise BadInput(what=Phrase("refused.years", first=EPOCH.year, last=self.latest.year - 1))
        if len(getattr(self, "keyword", None) or "") > LONGEST_KEYWORD:
            raise BadInput(what=Phrase("refused.long_keyword", longest=LONGEST_KEYWORD))

    def whole_buckets(self) -> Period:
        """The half hours that the period touches."""
        since, until = self.since.astimezone(UTC), self.until.astimezone(UTC)
        return Period(since - (since - EPOCH) % BUCKET, until + (EPOCH - until) % BUCKET, self.zone)

    def utc_dates(self) -> tuple[date, date]:
        """The first and the last UTC date that the period touches."""
        return self.since.astimezone(UTC).date(), (self.until.astimezone(UTC) - timedelta(microseconds=1)).date()

    def as_json(self) -> dict[str, Any]:
        """The filter in words of JSON, without what is empty: for tickets, manifests and records."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        told |= {name: told[name].isoformat() for name in ("since", "until")}
        return {name: value for name, value in told.items() if value not in ("", (), None)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """The filter that `as_json` told. Raises BadInput for anything else."""
        lists = [field.name for field in fields(cls) if field.default == () and field.name in told]
        try:
            ends = {name: datetime.fromisoformat(told[name]) for name in ("since", "until")}
            return cls(**{**told, **ends, **{name: tuple(map(str, told[name])) for name in lists}})
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(what=Phrase("refused.filter")) from error
