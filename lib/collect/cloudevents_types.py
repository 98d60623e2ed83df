"""The types of CloudEvents that are taken in: what each becomes, and how it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from lib.collect.answers import Refused
from lib.collect.cloudevents import Event
from lib.collect.operations import Origin, record_of
from lib.logs.append import append
from lib.logs.rows import OperationRecord

FIELD_PATH = "data."


@dataclass(frozen=True)
class EventType:
    """A type by its `type` attribute. `read` gives the record of an event that came at an instant, or null where a
    policy does not keep it, and raises Refused; `append` adds records to a tenant's transaction, each (source, id)
    once."""

    key: str
    read: Callable[[Event, datetime], Any | None]
    append: Callable[[Session, int, Sequence[Any]], object]


class Kept(NamedTuple):
    """A record, and the type of the event that it was."""

    type: EventType
    record: Any


def _operation(event: Event, received_at: datetime) -> OperationRecord | None:
    origin = Origin(event.source, event.id, received_at, FIELD_PATH)
    return record_of(event.data, origin, event.time or received_at)


TYPES: Mapping[str, EventType] = {each.key: each for each in (EventType("daybook.operation.v1", _operation, append),)}


def type_of(event: Event) -> EventType:
    """The type of an event. Raises Refused for one that is unknown."""
    found = TYPES.get(event.type)
    if found is None:
        what = f'The type "{event.type}" is unknown: {", ".join(TYPES)} can be sent here'
        raise Refused(400, "unknown_type", what, field="type")
    return found
