"""What Sensors Analytics' library for mini programs sends, byte by byte as it sends it."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.lib.collecting import Collecting, new_key

AT_NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=250_000) - timedelta(days=5)
NOON_MS = round(AT_NOON.timestamp() * 1000)


def event(name: str = "$MPViewScreen", at_ms: int = NOON_MS, **more: Any) -> dict[str, Any]:
    """An event as the library builds it."""
    properties = {"$os": "Android", "$model": "Mi 14", "$app_version": "2.3", "$url_path": "pages/首页/index"}
    return {
        "distinct_id": "1715515200-1234567-0abc-5678",
        "identities": {"$identity_mp_id": "1715515200-1234567-0abc-5678"},
        "lib": {"$lib": "MiniProgram", "$lib_method": "code", "$lib_version": "1.22.7"},
        "properties": {**properties, **more.pop("properties", {})},
        "type": "track",
        "event": name,
        "_track_id": 123_451_234,
        "time": at_ms,
        **more,
    }


def form(name: str, content: object, *, packed: bool = False) -> bytes:
    """A form as the library makes it; with its gzip plugin, packed."""
    text = json.dumps(content, ensure_ascii=False).encode()
    encoded = quote(base64.b64encode(gzip.compress(text) if packed else text), safe="")
    return f"{name}={encoded}{'&gzip=1' if packed else ''}".encode()


def send(collecting: Collecting, body: bytes, key: str | None = None) -> tuple[int, dict[str, Any]]:
    """Post a form as `wx.request` does, which calls it plain text."""
    address = f"/sa?project=default&key={key or collecting.key}"
    answer = collecting.http.post(address, content=body, headers={"Content-Type": "text/plain"})
    return answer.status_code, answer.json()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.spec("I1")
def test_a_view_is_a_page_view_with_everything_that_the_library_says(collecting: Collecting, packed: bool) -> None:
    assert send(collecting, form("data_list", [event()], packed=packed)) == (200, {"success": True})
    row = collecting.row()
    names = ("application", "mini_program", "at", "kind", "page", "visitor", "os", "version", "device", "address")
    assert [row[name] for name in names] == [
        *("web", "shop", AT_NOON, "page_view", "pages/首页/index", "1715515200-1234567-0abc-5678"),
        *("Android", "2.3", "Mi 14", "192.0.2.5"),
    ]
    assert collecting.tallies() == {("MiniProgram 1.22.7", ""): 1}


@pytest.mark.parametrize(
    ("name", "kind", "duration_ms"),
    [
        ("$MPLaunch", "open", None),
        ("$MPShow", "custom", None),
        ("$MPViewScreen", "page_view", None),
        ("$MPPageLeave", "page_leave", 2500),
        ("$MPShare", "share", None),
        ("$MPHide", "close", None),
        ("加入购物车", "custom", None),
    ],
)
def test_each_event_has_its_kind(collecting: Collecting, name: str, kind: str, duration_ms: int | None) -> None:
    assert send(collecting, form("data", event(name, properties={"event_duration": 2.5})))[0] == 200
    row = collecting.row()
    assert (row["kind"], row["name"], row["duration_ms"]) == (kind, name if kind == "custom" else None, duration_ms)


def test_a_beacon_by_get_is_taken(collecting: Collecting) -> None:
    body = form("data", event()).decode()
    assert collecting.http.request("GET", f"/sa?token={collecting.key}&{body}").status_code == 200
    assert collecting.rows().height == 1


def test_sent_again_later_it_is_the_same_event(collecting: Collecting) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    for flushed in (now, now + 5000):
        assert send(collecting, form("data_list", [event(_flush_time=flushed), event("$MPHide")]))[0] == 200
    assert collecting.rows()["key"].n_unique() == 2
    assert collecting.rows().height == 4


def test_a_wrong_clock_is_corrected_by_when_it_was_sent(collecting: Collecting) -> None:
    now = datetime.now(UTC)
    ahead = int((now + timedelta(hours=5)).timestamp() * 1000)
    assert send(collecting, form("data_list", [event(at_ms=ahead - 60_000, _flush_time=ahead)]))[0] == 200
    assert abs(collecting.row()["at"] - (now - timedelta(minutes=1))) < timedelta(seconds=20)


def test_the_same_visitor_before_and_after_signing_in(collecting: Collecting) -> None:
    signed_in = event(distinct_id="login-7", anonymous_id="1715515200-1234567-0abc-5678", login_id="login-7")
    bound = {**event(), "type": "track_signup", "event": "$SignUp"}
    assert send(collecting, form("data_list", [event(), bound, {"type": "profile_set"}, signed_in]))[0] == 200
    assert collecting.rows()["visitor"].unique().to_list() == ["1715515200-1234567-0abc-5678"]
    assert collecting.rows().height == 2


def test_the_session_plugin_names_sessions_and_a_free_key_takes_the_platform_as_application(
    collecting: Collecting,
) -> None:
    free = new_key(collecting.store, None)
    view = event(properties={"$event_session_id": "s-9"}, lib={"$lib": "AlipayMini", "$lib_version": "1"})
    assert send(collecting, form("data", view), free)[0] == 200
    row = collecting.row()
    assert (row["session"], row["application"]) == ("s-9", "AlipayMini")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no_data"),
        (b"data=", "no_data"),
        (b"data=%%%", "invalid_base64"),
        (b"\xff\xfe", "invalid_form"),
        (b"&".join(b"a=1" for _ in range(50)), "invalid_form"),
        (b"data=" + base64.b64encode(b"{"), "invalid_json"),
        (b"data=" + base64.b64encode(gzip.compress(b"{}", mtime=0)[:-3]), "invalid_gzip"),
        (form("data_list", ["x"]), "not_an_object"),
        (form("data_list", [{}]), "bad_type"),
        (form("data", {"type": "track"}), "no_name"),
        (form("data", {"type": "track", "event": "x"}), "no_visitor"),
        (form("data", event(time="soon")), "bad_time"),
        (form("data", event(at_ms=10**18)), "bad_time"),
        (form("data", event(at_ms=0)), "untimely"),
        (form("data", event(at_ms=NOON_MS - 26 * 86_400_000)), "untimely"),
        (form("data", event(properties={"$url_path": None})), "no_page"),
        (form("data", event("$MPPageLeave", properties={"event_duration": -1})), "bad_duration"),
    ],
)
def test_a_refusal_says_why(collecting: Collecting, body: bytes, reason: str) -> None:
    status, told = send(collecting, body)
    assert (status, told["error"]) == (400, reason)
    assert collecting.rows().height == 0


def test_a_key_is_needed(collecting: Collecting) -> None:
    assert collecting.http.post("/sa", content=form("data", event())).status_code == 401
    assert send(collecting, form("data", event()), "dk0")[0] == 401
