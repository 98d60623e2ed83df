"""Whatever anybody sends to /v1/events, it is kept as it was said or refused by name: nothing else happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from starlette.datastructures import Headers

from lib.collect.answers import Refused
from lib.collect.bodies import json_of
from lib.collect.cloudevents import BATCH, STRUCTURED, event_of, written_events
from lib.collect.cloudevents_types import type_of
from lib.collect.operations import CHARACTERS
from lib.logs.rows import OperationRecord, derived, next_id, row_of
from lib.store.ingest_keys import WriteKey
from tests.lib.collecting import Collecting
from tests.lib.test_cloudevents import EDIT, cloud_event, operation, rows, send
from tests.lib.test_collect_anything import ANYTHING, TEXTS, odd

NOW = datetime(2026, 5, 13, tzinfo=UTC)
KEY = WriteKey(1, 1, 1, "shop", None)

T = TypeVar("T")

OPERATION = odd({**{name: some.just(value) for name, value in EDIT.items()}, "old": ANYTHING, "new": ANYTHING})
EVENT = odd({**{name: some.just(value) for name, value in cloud_event().items()}, "subject": TEXTS, "data": OPERATION})


def taken(act: Callable[[], T]) -> T | None:
    """What an act returns; null where it refuses, which has to name why."""
    refusals: list[Refused] = []
    try:
        return act()
    except Refused as refused:
        refusals.append(refused)
    assert all(each.status in {400, 413, 415} and each.reason and each.answer().body for each in refusals)
    return None


def record_of(written: object) -> OperationRecord:
    """The record of an event. Raises Refused."""
    event = event_of(written)
    record = type_of(event).read(event, NOW, KEY)
    assert isinstance(record, OperationRecord)
    return record


@settings(max_examples=100, deadline=None)
@given(EVENT)
@pytest.mark.spec("I2")
def test_any_event_is_refused_by_name_or_becomes_a_row_that_says_what_it_said(written: dict[str, Any]) -> None:
    event: Any = taken(lambda: json_of(json.dumps(written).encode()))
    record = taken(lambda: record_of(event))
    if record is not None:
        row = row_of(record, 1, next_id(NOW), NOW)
        assert {name: row[name] for name in derived(row["body"])} == derived(row["body"])
        body = json.loads(row["body"])
        said = {name: value for name, value in event["data"].items() if value not in (None, "")}
        texts = {
            name: value if isinstance(value, str) else str(value) for name, value in said.items() if name in CHARACTERS
        }
        assert {name: body[name] for name in texts} == texts


@settings(max_examples=100, deadline=None)
@given(
    some.binary(max_size=60) | ANYTHING.map(lambda value: json.dumps(value).encode()),
    some.dictionaries(
        some.sampled_from(["content-type", "ce-id", "ce-specversion", "ce-type", "ce-source", "ce-time", "ce-data"]),
        some.text(some.characters(max_codepoint=255), max_size=12) | some.sampled_from([STRUCTURED, BATCH, "1.0"]),
    ),
)
def test_any_request_has_events_or_is_refused_by_name(body: bytes, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    for each in taken(lambda: written_events(Headers(raw=raw), body)) or ():
        taken(partial(record_of, each))


HOSTILE = (
    "=cmd|' /C calc'!A0",
    "<img src=x onerror=alert(1)>",
    "'; DROP TABLE operation; --",
    "../../etc/passwd",
    "[链接](javascript:alert(1))",
    "\u202egnp.exe",
    "line\r\nbreak\ttab\x1b[31m",
    "ﷺ𝕏😀‍👩‍👧",
    "%s{0}${HOME}",
    "\ufeff\u200b",
    "\\u0000",
)


@pytest.mark.spec("O1")
def test_hostile_texts_stand_in_the_log_as_they_were_sent(collecting: Collecting) -> None:
    names = ("operator", "role", "organization", "project", "object_name", "object_id", "request_id", "content")
    batch = [
        cloud_event(str(number), data=operation(**dict.fromkeys(names, text), old={text: text}, new=[text]))
        for number, text in enumerate(HOSTILE)
    ]
    assert send(collecting, batch, BATCH)[0] == 200
    found = {json.loads(each.body)["event_id"]: each for each in rows(collecting.store)}
    for number, text in enumerate(HOSTILE):
        row = found[str(number)]
        assert {getattr(row, name) for name in names} == {text}
        assert (json.loads(row.old_value or ""), json.loads(row.new_value or "")) == ({text: text}, [text])
