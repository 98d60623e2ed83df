"""The types of CloudEvents that are taken in: what each becomes, and how it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from lib.collect.answers import Refused
from lib.collect.cloudevents import Event
from lib.collect.feedback import CHARACTERS, Sent, append_sent, sent_of
from lib.collect.feedback_logs import SentLog, append_logs
from lib.collect.operations import Origin, record_of
from lib.collect.visits import SentVisit, append_sign_ins, append_visits, sign_in_of, visit_of
from lib.feedback.records import origin_of_event
from lib.logs.append import append
from lib.logs.rows import OperationRecord
from lib.store.attempts import SentSignIn
from lib.store.ingest_keys import WriteKey

FIELD_PATH = "data."


@dataclass(frozen=True)
class EventType:
    """A type by its `type` attribute. `read` gives the record of an event that came at an instant with a write key, or
    null where a policy does not keep it, and raises Refused; `append` adds records to a tenant's transaction, each
    (source, id) once. `application` is the key of the one that a record needs to be there, if any."""

    key: str
    read: Callable[[Event, datetime, WriteKey], Any | None]
    append: Callable[[Session, int, Sequence[Any]], object]
    application: Callable[[Any], str | None] = lambda _record: None


class Kept(NamedTuple):
    """A record, and the type of the event that it was."""

    type: EventType
    record: Any


def _operation(event: Event, received_at: datetime, _key: WriteKey) -> OperationRecord | None:
    origin = Origin(event.source, event.id, received_at, FIELD_PATH)
    return record_of(event.data, origin, event.time or received_at)


def _visit(event: Event, received_at: datetime, _key: WriteKey) -> SentVisit:
    origin = Origin(event.source, event.id, received_at, FIELD_PATH)
    return visit_of(event.data, origin, event.time or received_at)


def _sign_in(event: Event, received_at: datetime, _key: WriteKey) -> SentSignIn:
    origin = Origin(event.source, event.id, received_at, FIELD_PATH)
    return sign_in_of(event.data, origin, event.time or received_at)


def _feedback(event: Event, received_at: datetime, key: WriteKey) -> Sent:
    sent = sent_of(event.data, key, received_at, path=FIELD_PATH, occurred_at=event.time)
    record = replace(
        sent.record,
        source=event.source,
        client_id=sent.record.client_id or event.id[: CHARACTERS["id"]],
        origin=origin_of_event(event.source, event.id),
    )
    return replace(sent, record=record)


def _no_event(_event: Event, _received_at: datetime, _key: WriteKey) -> None:
    """Files come by a route of their own."""


def _application(sent: Sent | SentLog) -> str | None:
    return sent.application


FEEDBACK = EventType("daybook.feedback.v1", _feedback, append_sent, _application)
FEEDBACK_LOG = EventType("daybook.feedback_log", _no_event, append_logs, _application)

VISIT = EventType("daybook.visit.v1", _visit, append_visits)
SIGN_IN = EventType("daybook.sign_in.v1", _sign_in, append_sign_ins)

TYPES: Mapping[str, EventType] = {
    each.key: each for each in (EventType("daybook.operation.v1", _operation, append), FEEDBACK, VISIT, SIGN_IN)
}


def type_of(event: Event) -> EventType:
    """The type of an event. Raises Refused for one that is unknown."""
    found = TYPES.get(event.type)
    if found is None:
        what = f'The type "{event.type}" is unknown: {", ".join(TYPES)} can be sent here'
        raise Refused(400, "unknown_type", what, field="type")
    return found
