"""CloudEvents 1.0 over HTTP: structured, batch and binary requests as events whose data is JSON.

Source: the CloudEvents specification 1.0.2, its JSON event format, and its HTTP protocol binding.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from lib.collect import calls
from lib.collect.answers import Refused
from lib.collect.bodies import json_of

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

EVENTS = 1000
"""How many events a batch may have."""

CHARACTERS: Mapping[str, int] = {"id": 500, "source": 500, "type": 200, "subject": 1000}
"""How long attributes may be."""

_JSON = re.compile(r"[\w.+-]+/(?:[\w.-]+\+)?json", re.IGNORECASE)
_PREFIX = "ce-"


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it was sent. `data` is any JSON value, null where there was none."""

    id: str
    source: str
    type: str
    time: datetime | None
    subject: str | None
    data: Any


def is_batch(headers: Mapping[str, str]) -> bool:
    """Whether a request brings many events, of which each is told apart in a refusal."""
    return _media_type(headers) == BATCH


def written_events(headers: Mapping[str, str], body: bytes) -> list[object]:
    """The events of a request, each with its attributes and data as the JSON event format writes them.

    Raises Refused for a request in none of the three modes, and one whose body is none.
    """
    media_type = _media_type(headers)
    if media_type == BATCH:
        batch = json_of(body)
        if not isinstance(batch, list):
            raise Refused(400, "not_a_batch", "The body is not a JSON array of events")
        if len(batch) > EVENTS:
            what = f"The batch has more than {EVENTS} events: send fewer at once"
            raise Refused(413, "too_many_events", what, event_count=len(batch))
        return batch
    if media_type == STRUCTURED:
        return [json_of(body)]
    if media_type.startswith("application/cloudevents"):
        raise Refused(415, "unknown_format", f"Events are taken as {STRUCTURED} or {BATCH}", field="Content-Type")
    if not any(name.lower().startswith(_PREFIX) for name in headers):
        what = f"This is no CloudEvent: its content type is neither {STRUCTURED} nor {BATCH}, and it has no ce- headers"
        raise Refused(400, "no_event", what, field="Content-Type")
    return [_of_headers(headers, body)]


def event_of(written: object) -> Event:
    """An event of the JSON event format. Raises Refused, which names the attribute."""
    if not isinstance(written, dict):
        raise Refused(400, "not_an_object", "The event is not an object")
    version = written.get("specversion")
    if version != "1.0":
        said = "missing" if version is None else f"{str(version)[:20]!r}"
        raise Refused(400, "unknown_version", f'specversion is {said}: "1.0" is understood', field="specversion")
    identity = {name: _attribute(written, name) for name in ("id", "source", "type")}
    for name, value in identity.items():
        if not value:
            raise Refused(400, "missing", f"{name} is missing", field=name)
    return Event(
        id=identity["id"],
        source=identity["source"],
        type=identity["type"],
        time=calls.instant(written.get("time"), "time"),
        subject=_attribute(written, "subject") or None,
        data=_data(written),
    )


def _media_type(headers: Mapping[str, str]) -> str:
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    charset = re.search(r'charset\s*=\s*"?([^\s";]+)', parameters, re.IGNORECASE)
    if charset and charset[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise Refused(415, "unknown_charset", "The body is not declared as UTF-8", field="Content-Type")
    return media_type.strip().lower()


def _of_headers(headers: Mapping[str, str], body: bytes) -> dict[str, object]:
    """The event of a request in binary mode: attributes in headers, the data as the body."""
    event: dict[str, object] = {
        name.lower().removeprefix(_PREFIX): _decoded(name, value)
        for name, value in headers.items()
        if name.lower().startswith(_PREFIX)
    }
    event.pop("data", None)
    event.pop("data_base64", None)
    if not body:
        return event
    if (media_type := _media_type(headers)) and not _JSON.fullmatch(media_type):
        raise Refused(415, "not_json", "The data of an event is JSON: its content type says otherwise", field="data")
    return event | {"data": json_of(body)}


def _decoded(name: str, value: str) -> str:
    """The attribute in a header: perhaps quoted, and percent-encoded UTF-8 (HTTP binding, 3.1.3.2)."""
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        # Servers read headers as Latin-1: whoever sent bare UTF-8 is understood as well.
        return unquote_to_bytes(value.encode("latin-1")).decode("utf-8")
    except UnicodeError as error:
        field = name.lower().removeprefix(_PREFIX)
        raise Refused(400, "not_utf8", f"The header {name} is not percent-encoded UTF-8", field=field) from error


def _attribute(written: dict[str, Any], name: str) -> str:
    value = written.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(400, "not_a_text", f"{name} is not a text", field=name)
    return calls.text(value, name, CHARACTERS[name]) or ""


def _data(written: dict[str, Any]) -> Any:
    packed = written.get("data_base64")
    kind = written.get("datacontenttype")
    if kind is not None and not (isinstance(kind, str) and _JSON.fullmatch(kind.partition(";")[0].strip())):
        what = "datacontenttype is not JSON, which the data of an event has to be"
        raise Refused(415, "not_json", what, field="datacontenttype")
    if packed is None:
        return written.get("data")
    if written.get("data") is not None:
        raise Refused(400, "two_data", "The event has both data and data_base64", field="data_base64")
    try:
        if not isinstance(packed, str):
            raise ValueError
        return json_of(base64.b64decode(packed, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Refused(400, "invalid_base64", "data_base64 is not Base64", field="data_base64") from error
