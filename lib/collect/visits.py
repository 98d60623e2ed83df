"""Visits and attempts to sign in as services tell them: fields of JSON, checked one by one. They are kept as said."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl
from sqlalchemy.orm import Session

from lib.access.lockout import counted_address
from lib.collect import calls
from lib.collect.answers import Refused
from lib.collect.operations import Origin, timely
from lib.store import attempts, inbox
from lib.store.attempts import SentSignIn
from lib.usage.events import hash_of
from lib.usage.intake import packed
from lib.usage.visits import STORED

SOURCE: Final = "cloudevents"

VISIT_CHARACTERS: Final[Mapping[str, int]] = {
    "address": 200,
    "account": 500,
    "method": 40,
    "path": 8_000,
    "protocol": 40,
    "referrer": 8_000,
    "user_agent": 2_000,
}
"""How long the texts of a visit may be. `path` is what was asked for, with its query."""

VISIT_NUMBERS: Final[Mapping[str, tuple[int, int]]] = {
    "status": (100, 599),
    "size_bytes": (0, (1 << 63) - 1),
    "duration_ms": (0, (1 << 31) - 1),
}
"""The whole numbers of a visit, and between what they may be."""

SIGN_IN_CHARACTERS: Final[Mapping[str, int]] = {
    "account": 500,
    "address": 200,
    "reason": 200,
    "user_agent": 500,
    "result": 20,
}
"""How long the texts of an attempt to sign in may be."""

SIGN_IN_RESULTS: Final = (attempts.SUCCESS, attempts.FAILURE, attempts.LOCKED)

_AT = "occurred_at"


@dataclass(frozen=True, slots=True)
class SentVisit:
    """A visit by the columns of STORED; `identity` tells it from every other."""

    identity: str
    told: Mapping[str, Any]


def visit_of(told: object, origin: Origin, occurred_at: datetime | None) -> SentVisit:
    """The visit that is told. Raises Refused, which names the field."""
    fields = _Fields(told, origin, {*VISIT_CHARACTERS, *VISIT_NUMBERS, _AT})
    found: dict[str, Any] = {name: fields.text(name, limit) for name, limit in VISIT_CHARACTERS.items()}
    found |= {name: fields.number(name, *ends) for name, ends in VISIT_NUMBERS.items()}
    fields.require("address", found["address"])
    fields.require("path", found["path"])
    found["target"] = found.pop("path")
    return SentVisit(f"{origin.source}\n{origin.event_id}", found | {"at": fields.instant(occurred_at)})


def sign_in_of(told: object, origin: Origin, occurred_at: datetime | None) -> SentSignIn:
    """The attempt to sign in that is told. Raises Refused, which names the field."""
    fields = _Fields(told, origin, {*SIGN_IN_CHARACTERS, _AT})
    found = {name: fields.text(name, limit) or "" for name, limit in SIGN_IN_CHARACTERS.items()}
    fields.require("account", found["account"])
    if found["result"] not in SIGN_IN_RESULTS:
        raise fields.refused("result", "unknown_value", f"is none of {', '.join(SIGN_IN_RESULTS)}")
    identity = hashlib.sha256(f"{len(origin.source)}:{origin.source}{origin.event_id}".encode()).hexdigest()
    return SentSignIn(
        account=found["account"],
        occurred_at=fields.instant(occurred_at),
        address=counted_address(found["address"]),
        user_agent=found["user_agent"],
        result=found["result"],
        reason=found["reason"],
        source=origin.source,
        identity=identity,
    )


def append_visits(session: Session, tenant_id: int, visits: Sequence[SentVisit]) -> None:
    """Add visits to the transaction, as a batch of the inbox; which of them came before, the refresh tells by their
    keys."""
    rows = pl.DataFrame([{**visit.told, "identity": visit.identity} for visit in visits], {**_TOLD})
    frame = rows.with_columns(
        key=hash_of(pl.lit("cloudevent"), pl.col("identity")), seq=pl.int_range(pl.len(), dtype=pl.UInt32)
    ).select(pl.col(name).cast(kind) for name, kind in STORED.items())
    inbox.append(session, tenant_id, "visit", SOURCE, frame["key"].to_numpy().tobytes(), packed(frame))


def append_sign_ins(session: Session, tenant_id: int, sign_ins: Sequence[SentSignIn]) -> None:
    """Add attempts to the transaction, each (source, id) once."""
    attempts.append_sent(session, tenant_id, sign_ins)


_TOLD = {"identity": pl.String(), **{name: kind for name, kind in STORED.items() if name not in {"key", "seq"}}}


class _Fields:
    """The fields of what was told: known ones only, as others would be lost without a word."""

    def __init__(self, told: object, origin: Origin, known: set[str]) -> None:
        self._origin = origin
        if not isinstance(told, dict):
            place = origin.path.rstrip(".")
            raise Refused(400, "not_an_object", f"{place} is not an object", field=place)
        self._told: dict[str, Any] = told
        for name in told:
            if name not in known:
                raise self.refused(str(name)[:100], "unknown_field", "is not a field of this type")

    def text(self, name: str, limit: int) -> str | None:
        return calls.text(self._told.get(name), self._origin.path + name, limit)

    def number(self, name: str, least: int, most: int) -> int | None:
        value = self._told.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.refused(name, "bad_number", f"is no whole number from {least} to {most}")
        return value

    def instant(self, otherwise: datetime | None) -> datetime:
        field = self._origin.path + _AT
        said = calls.instant(self._told.get(_AT), field)
        if said is not None:
            return timely(said, self._origin, field)
        if otherwise is None:
            raise self.refused(_AT, "missing", "is missing")
        return timely(otherwise, self._origin, "time")

    def require(self, name: str, value: object) -> None:
        if not value:
            raise self.refused(name, "missing", "is missing")

    def refused(self, name: str, reason: str, what: str) -> Refused:
        field = f"{self._origin.path}{name}"
        return Refused(400, reason, f"{field} {what}", field=field)
