"""Segment's calls: what becomes of each, and what is refused, by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from lib.collect import applications, keys
from lib.logs.record import COMMAND
from lib.queries.administration.ingest_keys import revoke_ingest_key
from lib.store import Store, catalogue
from tests.lib.collecting import Collecting, new_key
from tests.lib.companies import key_ids

AGENT = f"python-httpx/{httpx.__version__}"
AT_NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=250_000) - timedelta(days=5)
NOON = AT_NOON.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def screen(name: str = "pages/首页/index", **more: Any) -> dict[str, Any]:
    """A screen call of a visitor."""
    usual = {"type": "screen", "name": name, "anonymousId": "小明", "messageId": f"m-{name}", "timestamp": NOON}
    return {**usual, **more}


@pytest.mark.spec("I1")
def test_a_screen_is_a_page_view_with_everything_that_the_client_says(collecting: Collecting) -> None:
    context = {
        "app": {"namespace": "com.example.host", "version": "2.3.1"},
        "os": {"name": "iPhone OS", "version": "17"},
        "device": {"model": "iPhone 15"},
        "sessionId": "s-1",
        "userAgent": "Mozilla/5.0 (iPhone)",
        "library": {"name": "analytics-中文", "version": "1.0"},
    }
    event = screen(context=context, properties={"duration_ms": 1500.4})
    assert collecting.batch(event) == (200, {"success": True})
    row = collecting.row()
    told = {name: row[name] for name in row if not name.endswith("_id") and name != "key"}
    assert told == {
        "application": "web",  # the key is bound to it: a namespace is the host's own business
        "mini_program": "shop",
        "at": AT_NOON,
        "seq": 0,
        "kind": "page_view",
        "name": None,
        "page": "pages/首页/index",
        "visitor": "小明",
        "session": "s-1",
        "duration_ms": 1500,
        "os": "iOS",
        "version": "2.3.1",
        "device": "iPhone 15",
        "address": "192.0.2.5",
        "user_agent": "Mozilla/5.0 (iPhone)",
    }
    assert row["event_id"] == "m-pages/首页/index"
    assert collecting.tallies() == {("analytics-中文 1.0", ""): 1}


def test_a_librarys_name_is_cut_to_what_people_read(collecting: Collecting) -> None:
    library = {"name": "a\n\u202e" + "中" * 100, "version": "1"}
    assert collecting.batch(screen(context={"library": library}))[0] == 200
    assert collecting.tallies() == {("a??" + "中" * 57, ""): 1}


@pytest.mark.parametrize(
    ("call", "kind", "name", "page"),
    [
        ({"type": "page", "context": {"page": {"path": "/home"}}}, "page_view", None, "/home"),
        ({"type": "page", "name": "Home", "context": {"page": {"path": "/home"}}}, "page_view", None, "Home"),
        ({"type": "page", "properties": {"path": "/home"}}, "page_view", None, "/home"),
        ({"type": "track", "event": "mp_open"}, "open", None, None),
        ({"type": "track", "event": "mp_close"}, "close", None, None),
        ({"type": "track", "event": "page_leave", "properties": {"page": "a"}}, "page_leave", None, "a"),
        ({"type": "track", "event": "mp_share", "context": {"page": {"path": "b"}}}, "share", None, "b"),
        ({"type": "track", "event": "加入购物车"}, "custom", "加入购物车", None),
        ({"type": "track", "event": "page_view"}, "custom", "page_view", None),
    ],
)
def test_each_call_has_its_kind(
    collecting: Collecting, call: dict[str, Any], kind: str, name: str | None, page: str | None
) -> None:
    assert collecting.batch({"userId": "u", "messageId": "1", "timestamp": NOON, **call})[0] == 200
    row = collecting.row()
    assert (row["kind"], row["name"], row["page"]) == (kind, name, page)


@pytest.mark.parametrize("type_", ["track", "screen", "page"])
def test_a_call_may_come_alone_with_its_key_in_the_body(collecting: Collecting, type_: str) -> None:
    body = {"userId": 42, "event": "x", "name": "x", "timestamp": NOON, "writeKey": collecting.key}
    assert collecting.http.post(f"/v1/{type_}", json=body).json() == {"success": True}
    assert collecting.row()["visitor"] == "42"


def test_who_somebody_is_makes_no_event(collecting: Collecting) -> None:
    assert collecting.post("/v1/identify", {"userId": "u", "traits": {"name": "Ann"}})[0] == 200
    others = [{"type": type_, "userId": "u", "groupId": "g"} for type_ in ("identify", "group", "alias")]
    assert collecting.batch(*others, screen())[0] == 200
    assert collecting.rows().height == 1


@pytest.mark.parametrize(
    ("event", "reason", "field"),
    [
        ("text", "not_an_object", None),
        ({"type": "track"}, "no_visitor", "anonymousId"),
        ({"type": "look", "userId": "u"}, "bad_type", "type"),
        ({"userId": "u"}, "bad_type", "type"),
        ({"type": ["track"], "userId": "u"}, "bad_type", "type"),
        ({"type": "track", "userId": "u"}, "no_name", "event"),
        ({"type": "screen", "userId": "u"}, "no_page", "name"),
        (screen(anonymousId={}), "not_a_text", "anonymousId"),
        (screen(anonymousId="a\0b"), "nul", "anonymousId"),
        (screen(anonymousId="a" * 1025), "too_long", "anonymousId"),
        (screen("p" * 4097, messageId="1"), "too_long", "name"),
        (screen(context="x"), "not_an_object", "context"),
        (screen(context={"page": 3}), "not_an_object", "page"),
        (screen(properties=[]), "not_an_object", "properties"),
        (screen(timestamp="yesterday"), "bad_time", "timestamp"),
        (screen(timestamp=1715515200), "bad_time", "timestamp"),
        (screen(timestamp="9999-12-31T23:59:59-14:00"), "bad_time", "timestamp"),
        (screen(timestamp="1970-01-01T00:00:00Z"), "untimely", "timestamp"),
        (screen(timestamp="2100-01-01T00:00:00Z"), "untimely", "timestamp"),
        (screen(sentAt=[]), "bad_time", "sentAt"),
        (screen(properties={"duration_ms": -1}), "bad_duration", "properties.duration_ms"),
        (screen(properties={"duration_ms": "1"}), "bad_duration", "properties.duration_ms"),
        (screen(properties={"duration_ms": 10**40}), "bad_duration", "properties.duration_ms"),
        (screen(properties={"miniProgramId": "maps"}), "other_mini_program", "properties.miniProgramId"),
    ],
)
@pytest.mark.spec("I1")
def test_a_refusal_names_the_event_and_the_field_and_takes_nothing(
    collecting: Collecting, event: object, reason: str, field: str | None
) -> None:
    status, told = collecting.batch(screen("good"), screen("too"), event)
    assert (status, told["error"], told["code"], told["index"], told.get("field")) == (400, reason, reason, 2, field)
    assert told["message"].startswith("Event 2: ")
    assert len(told["id"]) == 16
    assert collecting.tallies() == {(AGENT, reason): 3}
    assert collecting.rows().height == 0


@pytest.mark.spec("I1")
def test_one_request_cannot_bring_thousands_of_old_days(collecting: Collecting) -> None:
    days = [datetime.now(UTC) - timedelta(days=days) for days in (29, 31)]
    recent, old = (screen(f"{at:%j}", timestamp=at.isoformat()) for at in days)
    assert collecting.batch(recent)[0] == 200
    status, told = collecting.batch(recent, old)
    assert (status, told["error"], told["index"], told["field"]) == (400, "untimely", 1, "timestamp")
    assert told["message"].endswith("more than 30 days ago: `daybook import` takes older events")
    assert collecting.row()["at"].date() == days[0].date()


def test_a_setting_says_how_old_an_event_may_be(store: Store) -> None:
    key = Collecting.over(store).key
    collecting = Collecting.of(store, key, oldest_event_days=2)
    ages = [collecting.batch(screen(f"{days}", timestamp=f"{AT_NOON + timedelta(days=days)}")) for days in (2, 4)]
    assert [status for status, _ in ages] == [400, 200]
    assert "more than 2 days ago" in ages[0][1]["message"]


@pytest.mark.spec("I1")
def test_a_wrong_clock_is_corrected_by_when_the_client_says_it_sent(collecting: Collecting) -> None:
    now = datetime.now(UTC)
    behind = now - timedelta(hours=3)
    event = screen(timestamp=(behind - timedelta(minutes=10)).isoformat())
    assert collecting.batch(event, sentAt=behind.isoformat())[0] == 200
    assert abs(collecting.row()["at"] - (now - timedelta(minutes=10))) < timedelta(seconds=20)


def test_the_way_of_a_request_corrects_nothing(collecting: Collecting) -> None:
    sent_at = datetime.now(UTC) - timedelta(seconds=2)
    assert collecting.batch(screen(), sentAt=sent_at.isoformat())[0] == 200
    assert collecting.row()["at"] == AT_NOON


@pytest.mark.parametrize("days", [-300, -2, 2, 40, 20_000])
def test_a_clock_is_corrected_however_far_it_is_off(collecting: Collecting, days: int) -> None:
    theirs = datetime.now(UTC) - timedelta(days=days)
    event = screen(originalTimestamp=(theirs - timedelta(minutes=1)).isoformat(), timestamp=None)
    assert collecting.batch(event, sentAt=theirs.isoformat())[0] == 200
    assert abs(collecting.row()["at"] - (datetime.now(UTC) - timedelta(minutes=1))) < timedelta(seconds=20)


def test_an_event_without_an_id_is_told_by_what_it_says(collecting: Collecting) -> None:
    said = {"batch": [{**screen(), "messageId": None}] * 2}
    for sent_at in (NOON.replace(":00.250Z", ":01Z"), NOON.replace(":00.250Z", ":02Z")):
        assert collecting.post("/v1/batch", {**said, "sentAt": sent_at})[0] == 200
    keys_of = collecting.rows()["key"].to_list()
    assert keys_of[:2] == keys_of[2:]
    assert keys_of[0] != keys_of[1]


def test_an_event_without_id_and_time_is_one_more_each_time(collecting: Collecting) -> None:
    for _ in range(2):
        assert collecting.post("/v1/track", {"userId": "u", "event": "x"})[0] == 200
    assert collecting.rows()["key"].n_unique() == 2


def test_a_key_of_no_application_takes_the_one_that_the_event_names(collecting: Collecting) -> None:
    free = new_key(collecting.store, None)
    named = screen(context={"app": {"namespace": "host-2"}})
    assert collecting.batch(named, key=free)[0] == 200
    assert collecting.row()["application"] == "host-2"
    assert collecting.applications()["host-2"] == "collect"
    status, told = collecting.batch(screen(), key=free)
    assert (status, told["error"]) == (400, "no_application")
    status, told = collecting.batch(screen(context={"app": {"namespace": "<b>"}}), key=free)
    assert (status, told["error"]) == (400, "bad_application")


def test_events_cannot_name_applications_without_end(
    collecting: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applications, "LARGEST_CATALOGUE", 3)
    free = new_key(collecting.store, None)
    named = [screen(context={"app": {"namespace": f"host-{n}"}}) for n in range(2)]
    assert [collecting.batch(event, key=free)[0] for event in named] == [200, 400]
    assert set(collecting.applications()) == {"web", "app", "host-0"}


def of_host(name: str) -> dict[str, Any]:
    """A screen call in a host."""
    return screen(name, context={"app": {"namespace": name}})


@pytest.mark.spec("I1")
def test_events_of_one_mini_program_make_twenty_applications_a_day(
    collecting: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, second = (new_key(collecting.store, None) for _ in range(2))
    theirs = new_key(collecting.store, None, program="maps")
    hosts = [f"host-{n}" for n in range(21)]
    assert collecting.batch(*map(of_host, hosts), key=free)[0] == 400
    assert set(collecting.applications()) == {"web", "app"}
    assert collecting.batch(*map(of_host, hosts[:20]), key=free)[0] == 200
    for key in (free, second):
        status, told = collecting.batch(of_host("web"), of_host("one-more"), key=key)
        assert (status, told["error"], told["field"]) == (400, "too_many", "context.app.namespace")
        assert "`daybook application add`" in told["message"]
    assert collecting.batch(of_host("host-7"), key=second)[0] == 200
    assert collecting.batch(of_host("host-7"), of_host("of-maps"), key=theirs)[0] == 200
    assert {"host-19", "of-maps"} < set(collecting.applications())
    monkeypatch.setattr(applications, "DAY", timedelta(0))
    assert collecting.batch(of_host("tomorrow"), key=free)[0] == 200
    assert collecting.tallies()[AGENT, "too_many"] == 21 + 2 * 2


def test_an_application_that_an_administrator_added_is_no_new_one(
    collecting: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applications, "NEW_A_DAY", 0)
    free = new_key(collecting.store, None)
    assert collecting.batch(of_host("host"), key=free)[0] == 400
    with collecting.store.write(1) as session:
        catalogue.ensured_applications(session, 1, ["host"], "command")
    assert collecting.batch(of_host("host"), key=free)[0] == 200


@pytest.mark.parametrize("given", ["", "dk" + "0" * 48, "x" * 1000, "\0"])
def test_without_a_known_key_nothing_is_taken(collecting: Collecting, given: str) -> None:
    answer = collecting.http.post("/v1/batch", json={"batch": [screen()], "writeKey": given})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="daybook"')
    assert collecting.http.post("/v1/batch", content=b"[]", headers={"Authorization": "Basic !"}).status_code == 401
    assert collecting.rows().height == 0


def test_a_revoked_key_ends_within_seconds(collecting: Collecting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "REMEMBERED_SECONDS", 0.0)
    assert collecting.batch(screen())[0] == 200
    with collecting.store.write(1) as session:
        revoke_ingest_key(session, 1, COMMAND, max(key_ids(collecting.store, 1)))
    status, told = collecting.batch(screen())
    assert (status, told["error"]) == (401, "unknown_key")


def test_a_key_writes_to_its_own_tenant_only(collecting: Collecting) -> None:
    theirs = new_key(collecting.store, "web", "globex")
    assert collecting.batch(screen(), key=theirs)[0] == 200
    assert collecting.batch(screen())[0] == 200
    rows = collecting.rows()
    assert rows["application_id"].n_unique() == 2
    assert rows["mini_program_id"].n_unique() == 2


def test_pages_of_any_origin_may_send(collecting: Collecting) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = collecting.http.request("OPTIONS", "/v1/batch", headers=asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    refused = collecting.http.post("/v1/batch", content=b"{", headers=asked)
    assert refused.headers["access-control-allow-origin"] == "*"
