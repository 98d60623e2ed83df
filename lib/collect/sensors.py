"""Sensors Analytics' library for mini programs: what it sends to `/sa` as usage events."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import orjson

from lib.collect import calls
from lib.collect.answers import Refused
from lib.collect.bodies import GZIP, inflated, json_of, require_size
from lib.collect.calls import Call, Row, Taken, part, text
from lib.collect.clickstreams import CHARACTERS
from lib.usage.events import Kind

EVENTS = {
    "$MPLaunch": Kind.OPEN.value,
    "$MPViewScreen": Kind.PAGE_VIEW.value,
    "$MPPageLeave": Kind.PAGE_LEAVE.value,
    "$MPShare": Kind.SHARE.value,
    "$MPHide": Kind.CLOSE.value,
}
"""What its automatic events are. `$MPShow` follows each launch and each return, so it is no open of its own: it is
kept like any other; after more than 30 seconds in the background it is the return that counts as one."""

APPLICATION = "lib.$lib"
"""The field that names an event's application, where the key does not."""

_FIELDS = 20
_Params = dict[str, list[str]]


def params_of(query: str, body: bytes) -> _Params:
    """The parameters of the address and of the body, which is a form whatever its header says. Raises Refused."""
    try:
        form = parse_qs(body.decode("ascii"), max_num_fields=_FIELDS, encoding="utf-8", errors="strict")
        asked = parse_qs(query, max_num_fields=_FIELDS, encoding="utf-8", errors="strict")
    except ValueError as error:
        raise Refused(400, "invalid_form", "The body is no form of data or data_list") from error
    return {**asked, **form}


def taken(params: _Params, call: Call) -> Taken:
    """The events in `data` or `data_list`: all of them, or none. Raises Refused, which names the event."""
    body = _content(params)
    listed = json_of(body)
    events = listed if isinstance(listed, list) else [listed]
    rows = []
    for index, event in enumerate(events):
        try:
            require_size(event, len(body))
            row = _row(event, index, call)
        except Refused as refused:
            raise refused.at(index, len(events)) from refused
        if row is not None:
            rows.append(row)
    return Taken(rows, _library(events, call), APPLICATION)


def _content(params: _Params) -> bytes:
    found = [params[name][0] for name in ("data_list", "data") if name in params]
    if not found:
        raise Refused(400, "no_data", "There is neither data nor data_list", field="data")
    try:
        # A plus that was not escaped arrives as a blank.
        content = base64.b64decode(found[0].replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(400, "invalid_base64", f"data is no base64: {error}", field="data") from error
    return inflated(content) if content.startswith(GZIP) else content


def _row(event: object, index: int, call: Call) -> Row | None:
    if not isinstance(event, dict):
        raise Refused(400, "not_an_object", "The event is not an object")
    type_ = text(event.get("type"), "type", 100)
    if type_ is None:
        raise Refused(400, "bad_type", "type is missing", field="type")
    if type_ != "track":
        return None  # who somebody is, not what happened
    name = text(event.get("event"), "event", CHARACTERS["event"])
    if name is None:
        raise Refused(400, "no_name", "event, the name of what is tracked, is missing", field="event")
    # The anonymous id stays when somebody signs in, the distinct id does not.
    visitor = calls.visitor_of((event.get("anonymous_id"), "anonymous_id"), (event.get("distinct_id"), "distinct_id"))
    properties = part(event, "properties")
    kind = EVENTS.get(name, Kind.CUSTOM.value)
    page = text(properties.get("$url_path"), "properties.$url_path", CHARACTERS["page"])
    if kind == Kind.PAGE_VIEW.value and page is None:
        raise Refused(400, "no_page", "properties.$url_path is missing", field="properties.$url_path")
    library = text(part(event, "lib").get("$lib"), APPLICATION, 200)
    system = text(properties.get("$os"), "properties.$os", CHARACTERS["os"])
    return Row(
        application=calls.application_of(call.key, library, APPLICATION),
        mini_program=call.key.mini_program,
        at=_at(event, call),
        seq=index,
        kind=kind,
        name=name if kind == Kind.CUSTOM.value else None,
        page=page,
        visitor=visitor,
        session=text(
            properties.get("$event_session_id"), "properties.$event_session_id", CHARACTERS["session"]
        ),
        duration_ms=_stay(kind, properties),
        os=calls.os_of(system, call.user_agent),
        version=text(properties.get("$app_version"), "properties.$app_version", CHARACTERS["version"]),
        device=text(properties.get("$model"), "properties.$model", CHARACTERS["device"]),
        address=call.address,
        user_agent=call.user_agent,
        event_id=_id(event, visitor, name),
    )


def _stay(kind: str, properties: dict[str, Any]) -> int | None:
    """The stay on a page, in milliseconds. That of `$MPHide` is the time in front since `$MPShow`, which the session's
    events tell already."""
    if kind != Kind.PAGE_LEAVE.value:
        return None
    return calls.duration(properties.get("event_duration"), "properties.event_duration", 1000.0)


def _at(event: dict[str, Any], call: Call) -> datetime:
    written = _instant(event.get("time"), "time")
    if written is None:
        return call.received_at
    return calls.occurred_at(written, _instant(event.get("_flush_time"), "_flush_time"), call, "time")


def _instant(value: object, field: str) -> datetime | None:
    """An instant of milliseconds since 1970."""
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Refused(400, "bad_time", f"{field} is no time in milliseconds since 1970", field=field) from error


def _id(event: dict[str, Any], visitor: str, name: str) -> str:
    """What a repetition has in common: everything but when it was sent. `_track_id` alone has nine digits."""
    if "_track_id" in event and "time" in event:
        said: object = [visitor, name, event["time"], event["_track_id"]]
    else:
        said = {key: value for key, value in event.items() if key != "_flush_time"}
    return f"sa:{hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]}"


def _library(events: list[Any], call: Call) -> str:
    first = events[0] if events and isinstance(events[0], dict) else {}
    library = first.get("lib")
    named = library if isinstance(library, dict) else {}
    return calls.library_of(named.get("$lib"), named.get("$lib_version"), call.user_agent)
