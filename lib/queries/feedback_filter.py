"""Which feedback is asked for: what the filters of the page, the commands and the API all become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self

from lib.errors import BadInput
from lib.feedback.types import KIND_BY_KEY, TYPE_BY_KEY
from lib.store.time_ids import LAST_INSTANT
from lib.usage.buckets import BUCKET, EPOCH, Period, zone_of
from lib.words import Phrase

_LONGEST = 200


@dataclass(frozen=True)
class _Span:
    """What happened in [since, until), told in a zone. Raises BadInput."""

    since: datetime
    until: datetime
    zone: str = "UTC"

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise BadInput(what=Phrase("refused.no_offset"))
        if self.since >= self.until:
            raise BadInput(what=Phrase("refused.wrong_order"))
        if self.since < EPOCH or self.until > LAST_INSTANT:
            raise BadInput(what=Phrase("refused.years", first=EPOCH.year, last=LAST_INSTANT.year - 1))
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str) and (len(value) > _LONGEST or "\0" in value):
                raise BadInput(what=Phrase("refused.long_keyword", longest=_LONGEST))

    def whole_buckets(self) -> Period:
        """The half hours that the period touches."""
        since, until = self.since.astimezone(UTC), self.until.astimezone(UTC)
        return Period(since - (since - EPOCH) % BUCKET, until + (EPOCH - until) % BUCKET, self.zone)

    def as_json(self) -> dict[str, Any]:
        """The filter in words of JSON, without what is empty: for tickets, manifests and records."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        told |= {name: told[name].isoformat() for name in ("since", "until")}
        return {name: value for name, value in told.items() if value not in ("", None)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """The filter that `as_json` told. Raises BadInput for anything else."""
        try:
            since, until = (datetime.fromisoformat(told[name]) for name in ("since", "until"))
            texts = {name: str(value) for name, value in told.items() if name not in {"since", "until"}}
            return cls(since, until, **texts)
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(what=Phrase("refused.filter")) from error


@dataclass(frozen=True)
class FeedbackFilter(_Span):
    """Feedback that occurred in [since, until), told in a zone; None lets everything through.

    `mini_program` and `application` are keys, `type` and `kind` those of lib.feedback.types, `version` is the mini
    program's. The keyword is any part, in any case, of content, user, device and versions; of the contact too, for
    those who may see it. Raises BadInput.
    """

    mini_program: str | None = None
    type: str | None = None
    application: str | None = None
    kind: str | None = None
    version: str | None = None
    os: str | None = None
    keyword: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.type is not None and self.type not in TYPE_BY_KEY:
            raise BadInput(what=Phrase("feedback_error.type", given=self.type[:60], known=", ".join(TYPE_BY_KEY)))
        if self.kind is not None and self.kind not in KIND_BY_KEY:
            raise BadInput(what=Phrase("feedback_error.kind", given=self.kind[:60], known=", ".join(KIND_BY_KEY)))


@dataclass(frozen=True)
class FeedbackLogFilter(_Span):
    """Logs uploaded in [since, until), told in a zone; the keyword is any part, in any case, of the name.

    Raises BadInput.
    """

    mini_program: str | None = None
    keyword: str | None = None
