"""Whatever anybody sends, it is taken or refused by name: nothing else happens."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from lib.collect import segment, sensors
from lib.collect.answers import Refused
from lib.collect.bodies import json_of
from lib.collect.calls import Call, Taken
from lib.collect.columns import frame_of
from lib.collect.plain import TYPES, columns_of
from lib.store.ingest_keys import WriteKey

CALL = Call(WriteKey(1, 1, 1, "shop", None), datetime(2026, 5, 12, tzinfo=UTC), "192.0.2.5", "x/1", 30)
TIMES = ["2024-05-12T12:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-14:00"]
TEXTS = some.text(max_size=20) | some.sampled_from([*TIMES, "web", "\0", ""])
INSTANTS = some.sampled_from(["2026-05-10T12:00:00Z", "2026-05-11T23:59:59.123456+08:00", "2026-05-11", "2024-05-12"])
TIMELY = some.integers(-400, 12).map(lambda hours: datetime(2026, 5, 12, tzinfo=UTC) + timedelta(hours=hours))
SCALARS = some.none() | some.booleans() | some.integers() | some.floats() | TEXTS
ANYTHING = some.recursive(
    SCALARS, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


def odd(likely: dict[str, some.SearchStrategy[Any]]) -> some.SearchStrategy[dict[str, Any]]:
    """Objects whose fields are as they should be, but for one that is anything, or missing."""
    whole = some.fixed_dictionaries(likely)
    spoilt = some.tuples(whole, some.sampled_from(sorted(likely)), ANYTHING)
    lacking = some.tuples(whole, some.sampled_from(sorted(likely)))
    return (
        whole
        | spoilt.map(lambda drawn: {**drawn[0], drawn[1]: drawn[2]})
        | lacking.map(lambda drawn: {name: value for name, value in drawn[0].items() if name != drawn[1]})
    )


VISITOR = some.just("ann")
CONTEXT = odd(
    {
        "app": odd({"namespace": some.just("web"), "version": TEXTS}),
        "page": odd({"path": TEXTS}),
        "os": odd({"name": TEXTS}),
        "device": odd({"model": TEXTS}),
        "library": odd({"name": TEXTS, "version": TEXTS}),
        "sessionId": TEXTS,
        "userAgent": TEXTS,
    }
)
SEGMENT = odd(
    {
        "type": some.sampled_from(sorted(TYPES)),
        "anonymousId": VISITOR,
        "event": some.sampled_from(["mp_open", "page_leave", "x"]),
        "name": TEXTS,
        "messageId": TEXTS,
        "timestamp": INSTANTS,
        "originalTimestamp": INSTANTS,
        "sentAt": INSTANTS,
        "context": CONTEXT,
        "properties": odd({"duration_ms": some.floats(0, 1e6), "path": TEXTS}),
    }
)
SENSORS = odd(
    {
        "type": some.just("track"),
        "event": some.sampled_from([*sensors.EVENTS, "x"]),
        "distinct_id": VISITOR,
        "time": some.integers(1_777_000_000_000, 1_778_000_000_000) | some.floats(0),
        "_flush_time": some.integers(10**12, 1_778_000_000_000) | some.floats(),
        "_track_id": ANYTHING,
        "lib": odd({"$lib": some.just("MiniProgram"), "$lib_version": TEXTS}),
        "properties": odd({"$url_path": TEXTS, "$os": TEXTS, "event_duration": some.floats(0, 1e5)}),
    }
)


def sent(value: object) -> bytes:
    """A value as JSON, which has no NaN, no infinity and no half of a surrogate."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return text.replace(b"NaN", b"1e308").replace(b"-Infinity", b"-1e308").replace(b"Infinity", b"1e308")


def outcome(read: Callable[[], Taken]) -> int | Refused:
    """How many rows were taken, all of which fit what the writer makes of them; or the refusal."""
    try:
        rows = read().rows
        return frame_of([rows], {row.application: 1 for row in rows}, {row.mini_program: 1 for row in rows}).height
    except Refused as refused:
        return refused


def is_named(refused: int | Refused) -> bool:
    """Whether a refusal says what was wrong."""
    return isinstance(refused, Refused) and refused.answer().status_code in {400, 413} and bool(refused.what)


CALLS = some.lists(SEGMENT, max_size=3) | some.lists(SEGMENT | ANYTHING, max_size=3)
BATCHES = some.fixed_dictionaries({"batch": CALLS}, optional={"context": CONTEXT | ANYTHING})
LISTS = some.lists(SENSORS, max_size=3) | some.lists(SENSORS | ANYTHING, max_size=3)


@given(body=BATCHES)
@settings(max_examples=100, deadline=None)
def test_any_batch_is_taken_or_refused(body: dict[str, Any]) -> None:
    content = sent(body)
    found = outcome(lambda: segment.batch_taken(json_of(content), len(content), CALL))
    assert is_named(found) or found in range(len(body["batch"]) + 1)


SAID = some.sampled_from(["a", "中文", "a b", "iPhone OS", *["web"] * 8, "", None, 7, "\0"])


def some_of(fields: dict[str, some.SearchStrategy[Any]]) -> some.SearchStrategy[dict[str, Any]]:
    """Objects with any of some fields."""
    return some.fixed_dictionaries({}, optional=fields)


_ABOUT = some_of(
    {
        "app": some_of({"namespace": SAID, "version": SAID}),
        "page": some_of({"path": SAID}) | some.none(),
        "os": some_of({"name": SAID}),
        "device": some_of({"model": SAID}),
        "sessionId": SAID,
        "userAgent": SAID,
    }
)
_PROPERTIES = some_of(
    {
        "duration_ms": some.floats(0, 1e6) | some.integers(0, 10**6) | some.none(),
        "page": SAID,
        "name": SAID,
        "path": SAID,
        "miniProgramId": some.sampled_from([*["shop"] * 8, "", None, 0]),
    }
)
_FIELDS: dict[str, some.SearchStrategy[Any]] = {
    "type": some.sampled_from(["track", "screen", "page", "identify"]),
    "anonymousId": VISITOR,
    "messageId": some.sampled_from(["1", "2", "3"]),
    "event": some.sampled_from(["mp_open", "page_leave", "x"]),
    "name": some.sampled_from(["/", "主页"]),
    "timestamp": INSTANTS.filter(lambda text: text.startswith("2026")),
    "context": _ABOUT.map(lambda said: {"app": {"namespace": "web"}, **said}),
}
_SPOILT = some.fixed_dictionaries({}, optional={"originalTimestamp": INSTANTS, "sentAt": INSTANTS, "messageId": SAID})
_USUAL = some.fixed_dictionaries(_FIELDS, optional={"properties": _PROPERTIES, "userId": SAID})
USUAL = _USUAL | _USUAL | some.tuples(_USUAL, _SPOILT).map(lambda drawn: {**drawn[0], **drawn[1]})


@given(batch=some.lists(USUAL, min_size=1, max_size=3), shared=some.just({}) | _ABOUT, sent_at=some.none() | TIMELY)
@settings(max_examples=300, deadline=None)
def test_what_is_read_field_by_field_is_what_is_read_event_by_event(
    batch: list[dict[str, Any]], shared: dict[str, Any], sent_at: datetime | None
) -> None:
    told: Any = json_of(sent({"batch": batch, "context": shared}))
    arguments = (told["batch"], len(sent(batch)), told["context"], sent_at, CALL)
    fast = columns_of(*arguments)
    if fast is not None:
        assert list(fast) == segment._rows(*arguments)


def test_the_usual_batch_is_read_field_by_field() -> None:
    event = {"anonymousId": "ann", "messageId": "1", "timestamp": "2026-05-11T12:00:00+08:00", "name": "/"}
    screen = {**event, "type": "screen", "context": {"app": {"namespace": "web"}, "os": {"name": "iPhone OS"}}}
    track = {**screen, "type": "track", "event": "page_leave", "properties": {"duration_ms": 4000.5}}
    batch = [screen, {**screen, "type": "identify"}, track, {**track, "event": "bought"}]
    fast = columns_of(batch, 1000, {}, CALL.received_at - timedelta(hours=1), CALL)
    assert fast is not None
    assert [row.seq for row in fast] == [0, 2, 3]
    assert list(fast) == segment._rows(batch, 1000, {}, CALL.received_at - timedelta(hours=1), CALL)


@given(events=LISTS)
@settings(max_examples=100, deadline=None)
def test_anything_at_sa_is_taken_or_refused(events: list[Any]) -> None:
    params = {"data_list": [base64.b64encode(sent(events)).decode()]}
    found = outcome(lambda: sensors.taken(params, CALL))
    assert is_named(found) or found in range(len(events) + 1)
