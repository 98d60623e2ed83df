"""The Segment HTTP Tracking API: its calls as usage events. RudderStack's libraries speak it too."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from lib.collect import calls
from lib.collect.answers import Refused
from lib.collect.bodies import require_size
from lib.collect.calls import Call, Row, Taken, part, text
from lib.collect.clickstreams import CHARACTERS
from lib.collect.plain import APPLICATION, APPLICATION_CHARACTERS, TRACKED, TYPES, UNCOUNTED, columns_of
from lib.usage.events import Kind


def batch_taken(body: object, size: int, call: Call) -> Taken:
    """The events of a `batch` call: all of them, or none. Raises Refused, which names the event."""
    if not isinstance(body, dict):
        raise Refused(400, "not_an_object", "The body is not an object")
    batch = body.get("batch")
    if not isinstance(batch, list):
        raise Refused(400, "no_batch", "batch is not a list of events", field="batch")
    shared = part(body, "context")
    sent_at = calls.instant(body.get("sentAt"), "sentAt")
    library = _library(batch[0] if batch else body, shared, call)
    plain = columns_of(batch, size, shared, sent_at, call)
    return Taken(_rows(batch, size, shared, sent_at, call) if plain is None else plain, library, APPLICATION)


def _rows(
    batch: Sequence[object], size: int, shared: dict[str, Any], sent_at: datetime | None, call: Call
) -> list[Row]:
    rows = []
    for index, event in enumerate(batch):
        try:
            require_size(event, size)
            row = _row(event, None, shared, sent_at, index, call)
        except Refused as refused:
            raise refused.at(index, len(batch)) from refused
        if row is not None:
            rows.append(row)
    return rows


def single_taken(body: object, size: int, call: Call, type_: str) -> Taken:
    """The event of a `track`, `page`, `screen` or `identify` call. Raises Refused."""
    require_size(body, size)
    row = _row(body, type_, {}, None, 0, call)
    return Taken([] if row is None else [row], _library(body, {}, call), APPLICATION)


def _row(
    event: object, type_: str | None, shared: dict[str, Any], sent_at: datetime | None, index: int, call: Call
) -> Row | None:
    if not isinstance(event, dict):
        raise Refused(400, "not_an_object", "The event is not an object")
    type_ = type_ or event.get("type")
    if not isinstance(type_, str) or type_ not in TYPES:
        raise Refused(400, "bad_type", f"type is none of {', '.join(sorted(TYPES))}", field="type")
    visitor = calls.visitor_of((event.get("anonymousId"), "anonymousId"), (event.get("userId"), "userId"))
    if type_ in UNCOUNTED:
        return None
    context = {**shared, **part(event, "context")}
    properties = part(event, "properties")
    kind, name, page = _what(event, type_, properties, part(context, "page"))
    _require_program(call, properties)
    app = part(context, "app")
    named = text(app.get("namespace"), APPLICATION, APPLICATION_CHARACTERS)
    agent = text(context.get("userAgent"), "context.userAgent", CHARACTERS["user_agent"]) or call.user_agent
    written = _written_at(event)
    return Row(
        application=calls.application_of(call.key, named, APPLICATION),
        mini_program=call.key.mini_program,
        at=_at(event, written, sent_at, call),
        seq=index,
        kind=kind,
        name=name,
        page=page,
        visitor=visitor,
        session=text(context.get("sessionId"), "context.sessionId", CHARACTERS["session"]),
        duration_ms=calls.duration(properties.get("duration_ms"), "properties.duration_ms"),
        os=calls.os_of(text(part(context, "os").get("name"), "context.os.name", CHARACTERS["os"]), agent),
        version=text(app.get("version"), "context.app.version", CHARACTERS["version"]),
        device=text(part(context, "device").get("model"), "context.device.model", CHARACTERS["device"]),
        address=call.address,
        user_agent=agent,
        event_id=_id(event, written, index),
    )


def _what(
    event: dict[str, Any], type_: str, properties: dict[str, Any], on: dict[str, Any]
) -> tuple[str, str | None, str | None]:
    """The kind, a custom event's name, and the page."""
    limit = CHARACTERS["page"]
    path = text(on.get("path"), "context.page.path", limit) or text(properties.get("path"), "properties.path", limit)
    if type_ == "track":
        name = text(event.get("event"), "event", CHARACTERS["event"])
        if name is None:
            raise Refused(400, "no_name", "event, the name of what is tracked, is missing", field="event")
        page = text(properties.get("page"), "properties.page", limit) or path
        kind = TRACKED.get(name, Kind.CUSTOM.value)
        return kind, name if kind == Kind.CUSTOM.value else None, page
    page = text(event.get("name"), "name", limit) or text(properties.get("name"), "properties.name", limit) or path
    if page is None:
        raise Refused(400, "no_page", "There is neither name nor context.page.path", field="name")
    return Kind.PAGE_VIEW.value, None, page


def _require_program(call: Call, properties: dict[str, Any]) -> None:
    named = properties.get("miniProgramId")
    if named is not None and named != call.key.mini_program:
        what = f"properties.miniProgramId is not {call.key.mini_program}, for which the write key is"
        raise Refused(400, "other_mini_program", what, field="properties.miniProgramId")


def _written_at(event: dict[str, Any]) -> datetime | None:
    return calls.instant(event.get("originalTimestamp"), "originalTimestamp") or calls.instant(
        event.get("timestamp"), "timestamp"
    )


def _at(event: dict[str, Any], written: datetime | None, sent_at: datetime | None, call: Call) -> datetime:
    if written is None:
        return call.received_at
    sent_at = calls.instant(event.get("sentAt"), "sentAt") or sent_at
    return calls.occurred_at(written, sent_at, call, "timestamp")


def _id(event: dict[str, Any], written: datetime | None, index: int) -> str:
    """The event's `messageId`. For want of it what it says and where it stands: the same request again is the same.

    Where it does not say its time either, nothing tells a repetition from one more event: it is one more.
    """
    message_id = text(event.get("messageId"), "messageId", CHARACTERS["id"])
    if message_id is not None:
        return message_id
    if written is None:
        return f"call:{secrets.token_hex(16)}"
    said = {name: value for name, value in event.items() if name not in ("sentAt", "writeKey")}
    content = orjson.dumps([index, said], option=orjson.OPT_SORT_KEYS)
    return f"content:{hashlib.sha256(content).hexdigest()[:32]}"


def _library(event: object, shared: dict[str, Any], call: Call) -> str:
    context = event.get("context") if isinstance(event, dict) else None
    said = (context if isinstance(context, dict) else {}).get("library") or shared.get("library")
    named = said if isinstance(said, dict) else {}
    return calls.library_of(named.get("name"), named.get("version"), call.user_agent)
