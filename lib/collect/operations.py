"""An operation as services and files tell it: fields of JSON, checked one by one, as a record of the log.

What is said of the operator, their role and organization is kept as said: Daybook does not know other systems' people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from lib.collect import calls
from lib.collect.answers import Refused
from lib.logs import policies
from lib.logs.catalogue import CLASSES, catalogued
from lib.logs.rows import OperationRecord
from lib.logs.wording import CHANNELS, RESULTS
from lib.usage.buckets import EARLIEST

AHEAD = timedelta(minutes=10)
"""How far ahead of this machine's clock an operation may be: two clocks that are looked after differ by less."""

OPERATION_BYTES = 4 << 20
"""How large an operation may be as it is sent or stands in a file: its old and its new value may have a megabyte."""

CONTENT_CHARACTERS = 100_000

CHARACTERS: Mapping[str, int] = {
    "operator": 500,
    "role": 500,
    "organization": 500,
    "product": 100,
    "project": 200,
    "application": 200,
    "module": 200,
    "submodule": 200,
    "action": 200,
    "object_type": 200,
    "object_name": 1000,
    "object_id": 500,
    "address": 200,
    "request_id": 500,
    "user_agent": 2000,
    "content": CONTENT_CHARACTERS,
}
"""How long the texts of an operation may be; old and new value are as large as what they come in may be."""

REQUIRED = ("operator", "product", "module", "action")

CHOICES: Mapping[str, tuple[str, ...]] = {"operation_class": CLASSES, "channel": CHANNELS, "result": RESULTS}
USUAL: Mapping[str, str] = {"channel": "ui", "result": "success"}

_OTHER_FIELDS = frozenset({*CHOICES, "old", "new", "occurred_at"})
"""What an operation may say besides texts. Anything else is refused: it would be lost without a word."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an operation comes from: its source and its id there, and when it came. `path` stands before the names of
    its fields in what is said of them, such as "data."."""

    source: str
    event_id: str
    received_at: datetime
    path: str = ""


def record_of(told: object, origin: Origin, occurred_at: datetime | None) -> OperationRecord | None:
    """The record of an operation; null where the product's policy does not keep it (SPEC O2).

    `occurred_at` is when it happened where it does not say so itself (the event's `time`). Raises Refused, which names
    the field.
    """
    if not isinstance(told, dict):
        name = origin.path.rstrip(".") or "operation"
        raise Refused(400, "not_an_object", f"{name} is not an object", field=origin.path.rstrip("."))
    texts = _texts(told, origin)
    keys = (texts["product"], texts["module"], texts.get("submodule", ""), texts["action"])
    entry = catalogued(*keys)
    choices: dict[str, Any] = {name: _choice(told, name, origin) for name in CHOICES}
    if not policies.is_kept(*keys, choices["channel"]):
        return None
    choices["operation_class"] = choices["operation_class"] or (entry.operation_class if entry else "")
    if not choices["operation_class"]:
        raise _refused(origin, "operation_class", "missing", "is missing, and the catalogue has no such operation")
    return OperationRecord(
        occurred_at=_occurred_at(told, origin, occurred_at),
        old=_value(told, "old", origin),
        new=_value(told, "new", origin),
        source=origin.source,
        event_id=origin.event_id,
        is_catalogued=entry is not None,
        **choices,
        **texts,
    )


def timely(at: datetime, origin: Origin, field: str) -> datetime:
    """The instant, where a clock that was set can have told it. Raises Refused."""
    if at < EARLIEST:
        what = f"{field} is {at:%Y-%m-%d %H:%M:%S} UTC, before 2000: the clock was never set"
        raise Refused(400, "untimely", what, field=field)
    if at > origin.received_at + AHEAD:
        raise Refused(400, "untimely", f"{field} is {at:%Y-%m-%d %H:%M:%S} UTC, in the future", field=field)
    return at


def _texts(told: dict[str, Any], origin: Origin) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in told.items():
        limit = CHARACTERS.get(name)
        if limit is None:
            if name not in _OTHER_FIELDS:
                raise _refused(origin, str(name)[:100], "unknown_field", "is not a field of an operation")
            continue
        # What nearly every value is goes past the checks that say what is wrong with the others.
        if not isinstance(value, str) or len(value) > limit or "\0" in value:
            value = calls.text(value, origin.path + name, limit)
        if value:
            found[name] = value
    for name in REQUIRED:
        if name not in found:
            raise _refused(origin, name, "missing", "is missing")
    return found


def _choice(told: dict[str, Any], name: str, origin: Origin) -> str:
    value = told.get(name)
    if value is None:
        return USUAL.get(name, "")
    if value not in CHOICES[name]:
        raise _refused(origin, name, "unknown_value", f"is none of {', '.join(CHOICES[name])}")
    return str(value)


def _value(told: dict[str, Any], name: str, origin: Origin) -> Any:
    """Any JSON value that can be written again: reading takes a thousand levels, writing a quarter of it."""
    value = told.get(name)
    if isinstance(value, dict | list):
        try:
            orjson.dumps([value])
        except TypeError as error:
            raise _refused(origin, name, "too_deep", "has too many levels, one inside the other") from error
    return value


def _occurred_at(told: dict[str, Any], origin: Origin, otherwise: datetime | None) -> datetime:
    field = f"{origin.path}occurred_at"
    said = calls.instant(told.get("occurred_at"), field)
    if said is not None:
        return timely(said, origin, field)
    if otherwise is None:
        raise _refused(origin, "occurred_at", "missing", "is missing")
    return timely(otherwise, origin, "time")


def _refused(origin: Origin, name: str, reason: str, what: str) -> Refused:
    return Refused(400, reason, f"{origin.path}{name} {what}", field=f"{origin.path}{name}")
