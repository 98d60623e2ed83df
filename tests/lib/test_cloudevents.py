"""CloudEvents at /v1/events: three modes, what is refused and how it is named, and what stands in the log."""

from __future__ import annotations

import base64
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from lib.access.viewer import EVERY_TENANT
from lib.collect.cloudevents import BATCH, STRUCTURED
from lib.collect.cloudevents_routes import BODY_BYTES
from lib.store import Store
from lib.store.tables import Operation, OperationOrigin, OperationPending
from tests.lib.collecting import Answer, Collecting, basic, new_key

AT = datetime(2026, 5, 12, 8, 30, tzinfo=UTC)

EDIT: dict[str, Any] = {
    "operator": "李雷",
    "role": "分析师",
    "organization": "华东/上海",
    "product": "datafinder",
    "project": "store",
    "application": "wechat",
    "module": "dashboard",
    "submodule": "chart",
    "action": "edit",
    "object_type": "chart",
    "object_name": "日活 <script>",
    "object_id": "c-17",
    "result": "failure",
    "address": "203.0.113.9",
    "request_id": "r-1",
    "user_agent": "Mozilla/5.0",
    "old": {"name": "日活", "filters": [1, {"os": None}]},
    "new": {"name": "日活 <script>", "filters": []},
    "content": "renamed",
}


def cloud_event(id_: str = "e-1", /, **more: Any) -> dict[str, Any]:
    """An event with an operation; an attribute that is null is left out."""
    usual = {
        "specversion": "1.0",
        "id": id_,
        "source": "https://datafinder.example/audit",
        "type": "daybook.operation.v1",
        "time": AT.isoformat(),
        "datacontenttype": "application/json",
        "data": EDIT,
    }
    return {name: value for name, value in {**usual, **more}.items() if value is not None}


def operation(**more: Any) -> dict[str, Any]:
    """The operation EDIT but for some fields; one that is null is left out."""
    return {name: value for name, value in {**EDIT, **more}.items() if value is not None}


def send(collecting: Collecting, body: object, content_type: str = STRUCTURED, **headers: str) -> Answer:
    """Post what is no batch of usage events."""
    return collecting.post("/v1/events", body, **{"Content-Type": content_type, **headers})


def rows(store: Store) -> list[Operation]:
    """What came from outside, in the order of the log."""
    with store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(Operation).where(Operation.source != "").order_by(Operation.id)))


def row(collecting: Collecting) -> Operation:
    """The only operation from outside."""
    (found,) = rows(collecting.store)
    return found


@pytest.mark.spec("O1", "I2")
def test_an_operation_stands_in_the_log_as_it_was_told(collecting: Collecting) -> None:
    assert send(collecting, cloud_event()) == (200, {"success": True, "received": 1, "dropped": 0})
    found = row(collecting)
    texts = {name: getattr(found, name) for name in EDIT if name not in {"old", "new", "user_agent"}}
    assert texts == {name: value for name, value in EDIT.items() if name in texts}
    assert (found.tenant_id, found.occurred_at, found.source) == (1, AT, "https://datafinder.example/audit")
    assert (found.operation_class, found.channel, found.is_catalogued) == ("modification", "ui", True)
    assert (found.operator_id, found.organization_id) == (None, None)
    body = json.loads(found.body)
    assert (body["old"], body["new"]) == (EDIT["old"], EDIT["new"])
    assert (body["event_id"], body["user_agent"]) == ("e-1", "Mozilla/5.0")
    with collecting.store.read(EVERY_TENANT) as session:
        assert session.get(OperationPending, (1, found.id)) is not None
        assert session.scalar(select(OperationOrigin.operation_id)) == found.id


@pytest.mark.spec("O7")
def test_a_whole_number_of_any_length_keeps_each_digit(collecting: Collecting) -> None:
    long = 123_456_789_012_345_678_901_234
    values = {"least": -(1 << 63), "most": (1 << 64) - 1, "more": 1 << 64, "long": long, "less": -long}
    assert send(collecting, cloud_event(data=operation(old=values)))[0] == 200
    told = json.loads(row(collecting).body)["old"]
    beyond = {"more": str(1 << 64), "long": str(long), "less": str(-long)}
    assert told == values | beyond


def test_what_is_sent_in_another_way_is_told_what_can_be(collecting: Collecting) -> None:
    wrong = collecting.http.request("GET", "/v1/events")
    assert (wrong.status_code, wrong.headers["Allow"], wrong.json()["error"]) == (
        405,
        "POST, OPTIONS",
        "method_not_allowed",
    )
    nothing = collecting.http.post("/v1/nothing")
    assert (nothing.status_code, nothing.json()["error"]) == (404, "not_found")


@pytest.mark.spec("I2")
def test_the_three_modes_are_the_same_event(collecting: Collecting) -> None:
    assert send(collecting, cloud_event("a"))[0] == 200
    assert send(collecting, [cloud_event("b"), cloud_event("c")], BATCH)[1]["received"] == 2
    binary = {
        "ce-specversion": "1.0",
        "ce-id": "d%20%E6%9D%8E",
        "ce-source": "https://datafinder.example/audit",
        "CE-Type": '"daybook.operation.v1"',
        "ce-time": "2026-05-12T08:30:00z",
        "ce-traceparent": "00-1-1-00",
    }
    assert send(collecting, EDIT, "application/json; charset=utf-8", **binary)[0] == 200
    bodies = [json.loads(each.body) for each in rows(collecting.store)]
    assert {body.pop("event_id") for body in bodies} == {"a", "b", "c", "d 李"}
    for body in bodies:
        del body["id"], body["received_at"]
    assert bodies == [bodies[0]] * 4


@pytest.mark.spec("I2")
def test_data_may_be_base64_and_the_body_gzip(collecting: Collecting) -> None:
    packed = base64.b64encode(json.dumps(EDIT).encode()).decode()
    event = {**cloud_event(data=None), "data_base64": packed}
    body = gzip.compress(json.dumps([event]).encode())
    assert send(collecting, body, f"{BATCH}; charset=UTF-8", **{"Content-Encoding": "gzip"})[0] == 200
    assert row(collecting).object_name == "日活 <script>"


@pytest.mark.parametrize("how", ["basic", "bearer", "header"])
def test_the_write_key_may_stand_in_three_places(collecting: Collecting, how: str) -> None:
    key = collecting.key
    said = {"basic": basic(key), "bearer": {"Authorization": f"Bearer {key}"}, "header": {"X-Daybook-Key": key}}[how]
    answer = collecting.http.post("/v1/events", json=cloud_event(), headers={"Content-Type": STRUCTURED, **said})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "reason"),
    [({}, "no_key"), ({"Authorization": "Bearer nonsense"}, "unknown_key"), (basic("nonsense"), "unknown_key")],
    ids=["none", "bearer", "basic"],
)
def test_a_stranger_is_refused_before_the_body_is_read(
    collecting: Collecting, headers: dict[str, str], reason: str
) -> None:
    answer = collecting.http.post("/v1/events", content=b"{", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, reason)


@pytest.mark.spec("A5", "I2")
def test_the_keys_tenant_is_the_operations_tenant(collecting: Collecting) -> None:
    stranger = new_key(collecting.store, tenant="globex")
    for key in (collecting.key, stranger):
        assert collecting.post("/v1/events", cloud_event(), key, **{"Content-Type": STRUCTURED})[0] == 200
    assert {each.tenant_id for each in rows(collecting.store)} == {1, 2}


@pytest.mark.spec("I2")
def test_the_same_source_and_id_is_one_operation_for_ever_and_the_first_copy_stays(collecting: Collecting) -> None:
    first, other = cloud_event("7"), cloud_event("7", data=operation(action="delete"))
    assert send(collecting, [first, other], BATCH) == (200, {"success": True, "received": 2, "dropped": 0})
    assert send(collecting, other)[0] == 200
    assert send(collecting, cloud_event("7", source="https://elsewhere.example"))[0] == 200
    assert sorted((each.source, each.action) for each in rows(collecting.store)) == [
        ("https://datafinder.example/audit", "edit"),
        ("https://elsewhere.example", "edit"),
    ]


BAD_EVENTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no id": (cloud_event(id=None), "missing", "id"),
    "an empty id": (cloud_event(""), "missing", "id"),
    "an id that is a number": (cloud_event(id=7), "not_a_text", "id"),
    "no source": (cloud_event(source=None), "missing", "source"),
    "no type": (cloud_event(type=None), "missing", "type"),
    "an unknown type": (cloud_event(type="com.example.odd"), "unknown_type", "type"),
    "no version": (cloud_event(specversion=None), "unknown_version", "specversion"),
    "an old version": (cloud_event(specversion="0.3"), "unknown_version", "specversion"),
    "no time": (cloud_event(time="yesterday"), "bad_time", "time"),
    "a time in the future": (cloud_event(time="2200-01-01T00:00:00Z"), "untimely", "time"),
    "a time before 2000": (cloud_event(time="1999-12-31T23:59:59Z"), "untimely", "time"),
    "no data": (cloud_event(data=None), "not_an_object", "data"),
    "data that is a text": (cloud_event(data="{}"), "not_an_object", "data"),
    "data that is not JSON": (cloud_event(datacontenttype="text/xml"), "not_json", "datacontenttype"),
    "data twice": (cloud_event(data_base64="e30="), "two_data", "data_base64"),
    "base64 that is none": (cloud_event(data=None, data_base64="§"), "invalid_base64", "data_base64"),
    "no operator": (cloud_event(data=operation(operator=None)), "missing", "data.operator"),
    "no product": (cloud_event(data=operation(product=None)), "missing", "data.product"),
    "no module": (cloud_event(data=operation(module="")), "missing", "data.module"),
    "no action": (cloud_event(data=operation(action=None)), "missing", "data.action"),
    "an operator that is a list": (cloud_event(data=operation(operator=["a"])), "not_a_text", "data.operator"),
    "a name that is too long": (cloud_event(data=operation(module="m" * 201)), "too_long", "data.module"),
    "a NUL": (cloud_event(data=operation(object_name="a\0b")), "nul", "data.object_name"),
    "an unknown class": (
        cloud_event(data=operation(operation_class="create")),
        "unknown_value",
        "data.operation_class",
    ),
    "an unknown channel": (cloud_event(data=operation(channel=["ui"])), "unknown_value", "data.channel"),
    "an unknown result": (cloud_event(data=operation(result=True)), "unknown_value", "data.result"),
    "an unknown field": (cloud_event(data=operation(operator_id=1)), "unknown_field", "data.operator_id"),
    "no class of what is not catalogued": (
        cloud_event(data=operation(action="fly")),
        "missing",
        "data.operation_class",
    ),
    "a late hour": (cloud_event(data=operation(occurred_at="25:00")), "bad_time", "data.occurred_at"),
    "an hour to come": (cloud_event(data=operation(occurred_at="2200-01-01")), "untimely", "data.occurred_at"),
    "too many levels": (cloud_event(data=operation(old=json.loads("[" * 300 + "]" * 300))), "too_deep", "data.old"),
}


@pytest.mark.parametrize("name", BAD_EVENTS)
@pytest.mark.spec("I2")
def test_a_wrong_event_is_refused_by_its_field_and_its_batch_with_it(collecting: Collecting, name: str) -> None:
    event, reason, field = BAD_EVENTS[name]
    status, told = send(collecting, event)
    assert (status, told["error"], told["field"]) == (415 if reason == "not_json" else 400, reason, field)
    assert field in told["message"] or name in {"data twice", "base64 that is none"}
    assert "index" not in told
    status, told = send(collecting, [cloud_event("good"), event], BATCH)
    assert (status, told["error"], told["index"]) == (415 if reason == "not_json" else 400, reason, 1)
    assert told["message"].startswith("Event 1: ")
    assert rows(collecting.store) == []


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (b"{", STRUCTURED, 400, "invalid_json"),
        (b"[]", STRUCTURED, 400, "not_an_object"),
        (b"{}", BATCH, 400, "not_a_batch"),
        (b"[[]]", BATCH, 400, "not_an_object"),
        (b"{}", "application/json", 400, "no_event"),
        (b"", "", 400, "no_event"),
        (b"<a/>", "application/cloudevents+xml", 415, "unknown_format"),
        (b"{}", f"{STRUCTURED}; charset=gbk", 415, "unknown_charset"),
        (json.dumps([cloud_event()] * 1001).encode(), BATCH, 413, "too_many_events"),
        (b" " * (BODY_BYTES + 1), STRUCTURED, 413, "too_large"),
        (gzip.compress(b" " * (BODY_BYTES + 1), mtime=0), STRUCTURED, 413, "too_large"),
        (b'{"id": "\xff"}', STRUCTURED, 400, "invalid_json"),
    ],
    ids=[
        *("broken", "array", "no batch", "array in a batch", "no event", "nothing", "xml", "gbk", "many", "large"),
        *("bomb", "latin"),
    ],
)
def test_a_body_that_is_no_event_is_refused(
    collecting: Collecting, body: bytes, content_type: str, status: int, reason: str
) -> None:
    answered, told = send(collecting, body, content_type)
    assert (answered, told["error"]) == (status, reason)
    assert {"error", "message", "id"} <= told.keys()
    assert rows(collecting.store) == []


def test_a_batch_without_events_is_taken(collecting: Collecting) -> None:
    assert send(collecting, [], BATCH) == (200, {"success": True, "received": 0, "dropped": 0})


@pytest.mark.parametrize(
    ("headers", "status", "reason", "field"),
    [
        ({"ce-id": "1"}, 400, "unknown_version", "specversion"),
        ({"ce-specversion": "1.0", "ce-id": "%ff"}, 400, "not_utf8", "id"),
        ({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a"}, 400, "missing", "type"),
        ({"ce-specversion": "1.0", "Content-Type": "text/plain"}, 415, "not_json", "data"),
    ],
    ids=["version", "bytes", "type", "text"],
)
def test_a_wrong_header_is_refused_by_its_attribute(
    collecting: Collecting, headers: dict[str, str], status: int, reason: str, field: str
) -> None:
    answered, told = send(collecting, EDIT, **{"Content-Type": "application/json", **headers})
    assert (answered, told["error"], told["field"]) == (status, reason, field)


def test_when_it_happened_is_what_the_data_say_then_the_event_then_now(collecting: Collecting) -> None:
    said = operation(occurred_at="2026-05-11T12:00:00.123456+08:00")
    before = datetime.now(UTC)
    for event in (
        cloud_event("a", data=said, time="2200-01-01T00:00:00Z"),
        cloud_event("b"),
        cloud_event("c", time=None),
    ):
        assert send(collecting, event)[0] == 200
    first, second, third = rows(collecting.store)
    assert (first.occurred_at, second.occurred_at) == (datetime(2026, 5, 11, 4, 0, 0, 123456, UTC), AT)
    assert before <= third.occurred_at <= datetime.now(UTC)
    assert timedelta(0) <= third.received_at - third.occurred_at < timedelta(minutes=1)


@pytest.mark.spec("O2")
def test_what_is_not_in_the_catalogue_is_kept_and_marked(collecting: Collecting) -> None:
    odd = operation(product="acme-crm", module="orders", submodule=None, action="fly", operation_class="querying")
    assert send(collecting, cloud_event(data=odd))[0] == 200
    found = row(collecting)
    assert (found.product, found.operation_class, found.is_catalogued) == ("acme-crm", "querying", False)


@pytest.mark.spec("O2")
def test_a_policy_drops_openapi_operations_which_is_told_and_counted(collecting: Collecting) -> None:
    sent = {"product": "dmhub", "module": "sms", "submodule": None, "action": "send"}
    batch = [
        cloud_event("1", data=operation(**sent, channel="openapi")),
        cloud_event("2", data=operation(**sent)),
        cloud_event("3", data=operation(action="fly", channel="openapi", operation_class="querying")),
        cloud_event("4", data=operation(channel="openapi")),
    ]
    assert send(collecting, batch, BATCH) == (200, {"success": True, "received": 4, "dropped": 2})
    found = sorted((each.product, each.channel) for each in rows(collecting.store))
    assert found == [("datafinder", "openapi"), ("dmhub", "ui")]
    assert collecting.tallies() == {("python-httpx/0.28.1", ""): 2, ("python-httpx/0.28.1", "policy"): 2}


def test_what_was_refused_is_counted_by_its_reason(collecting: Collecting) -> None:
    send(collecting, [cloud_event("1"), cloud_event("2", type="odd")], BATCH, **{"User-Agent": "sender/1.0"})
    assert collecting.tallies() == {("sender/1.0", "unknown_type"): 2}


@pytest.mark.spec("O7")
def test_an_old_and_a_new_value_of_a_megabyte_are_kept_whole(collecting: Collecting) -> None:
    old, new = {"script": "看板" * 170_000}, {"script": "x" * 1_048_576}
    event = cloud_event(data=operation(old=old, new=new))
    assert send(collecting, json.dumps(event, ensure_ascii=False).encode())[0] == 200
    body = json.loads(row(collecting).body)
    assert (body["old"], body["new"]) == (old, new)


@pytest.mark.spec("I2")
def test_two_processes_that_are_sent_the_same_keep_one(store: Store) -> None:
    first = Collecting.over(store)
    second = Collecting.of(store, first.key)
    batch = [cloud_event(str(number)) for number in range(20)]
    for collecting in (first, second, first):
        assert send(collecting, batch, BATCH)[0] == 200
    assert len(rows(store)) == 20
    for collecting in (first, second):
        collecting.collector.close()


@pytest.mark.spec("I2")
def test_copies_that_two_processes_are_sent_at_once_are_kept_once(store: Store) -> None:
    first = Collecting.over(store)
    both = (first, Collecting.of(store, first.key))
    batches = [[cloud_event(f"{turn}-{number}") for number in range(50)] for turn in range(8)]
    with ThreadPoolExecutor(2) as threads:
        for batch in batches:
            answers = threads.map(lambda collecting: send(collecting, batch, BATCH), both)  # noqa: B023
            assert [status for status, _ in answers] == [200, 200]
    assert len(rows(store)) == 400
    for collecting in both:
        collecting.collector.close()


def test_under_pressure_events_are_sent_away_for_a_moment(collecting: Collecting) -> None:
    collecting.collector._events._commits.waiting_events = 0
    answer = collecting.http.post(
        "/v1/events", json=cloud_event(), headers={**basic(collecting.key), "Content-Type": STRUCTURED}
    )
    assert (answer.status_code, answer.json()["error"]) == (429, "busy")
    assert int(answer.headers["Retry-After"]) > 0


def test_what_cannot_be_written_is_not_acknowledged(collecting: Collecting) -> None:
    with collecting.store.write(EVERY_TENANT) as session:
        session.execute(text("ALTER TABLE operation_pending RENAME TO away"))
    assert send(collecting, cloud_event())[0] in {500, 503}
    assert rows(collecting.store) == []
    with collecting.store.write(EVERY_TENANT) as session:
        session.execute(text("ALTER TABLE away RENAME TO operation_pending"))
    assert send(collecting, cloud_event())[0] == 200
    assert len(rows(collecting.store)) == 1
