"""Daybook's own visits: what becomes one, whose it is, what is masked, and that no request waits for it or fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from lib.access.permissions import AccountType
from lib.access.tokens import hash_of_token
from lib.access.viewer import EVERY_TENANT
from lib.queries.entrance import Entrance
from lib.store import Store
from lib.store.api_tokens import end_tokens
from lib.store.badges import Badge, Person, people
from lib.store.tables import ApiToken, Inbox
from lib.ui.visits_recording import VisitRecording
from lib.usage import own_visits
from lib.usage.intake import unpacked
from lib.usage.own_visits import WAITING, OwnVisit, VisitRecorder
from lib.usage.targets import LONGEST, masked
from tests.accounts import add_tenant, add_viewer

pytestmark = pytest.mark.spec("L1")

NOW = datetime(2026, 5, 12, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/operation_log?keyword=amy&page=2", "/operation_log?keyword=amy&page=2"),
        ("/export/AbC-12_x", "/export/(ticket)"),
        ("/export/AbC?x=1", "/export/(ticket)?x=1"),
        ("/shop;jsessionid=a1/cart;x=1", "/shop;jsessionid=(secret);x=1"),
        ("/export/server-logs/7", "/export/server-logs/7"),
        ("/oauth2callback?code=abc&state=def", "/oauth2callback?code=(secret)&state=(secret)"),
        ("/x?TOKEN=1;api_key=2&writeKey=3#frag", "/x?TOKEN=(secret);api_key=(secret)&writeKey=(secret)"),
        ("/x?t%6Fken=1&a=2", "/x?t%6Fken=(secret)&a=2"),
        ("/api/v1/usage/dbk_a-b", "/api/v1/usage/(secret)"),
        (f"/reset/{'0a' * 16}/end", "/reset/(secret)/end"),
        ("https://amy:horse@shop.example/pay", "https://(secret)@shop.example/pay"),
        ('/a "b\n\x1b[2J', "/a%20%22b%0A%1B[2J"),
        ("/购", "/%E8%B4%AD"),
    ],
)
def test_what_lets_somebody_in_is_masked(target: str, shown: str) -> None:
    assert masked(target) == shown.replace("%22", '"')


def test_a_target_is_not_endless_and_soon_masked() -> None:
    assert len(masked("/" + "a/" * 100_000)) == LONGEST
    hostile = ("token", "key", "k", "a_", "_sig", "%", "=&", "?", "/export/", "dbk_", "a1-", "\u8d2d", "://@")
    begun = time.process_time()
    for text in hostile:
        masked("?" + text * 10_000)
        masked("https://" + text * 10_000)
    assert time.process_time() - begun < 1


@given(some.text(max_size=300), some.sampled_from(("token", "api_key", "writeKey", "password", "X-Amz-Signature")))
def test_whatever_stands_around_it_a_secret_is_masked(around: str, name: str) -> None:
    shown = masked(f"/{around}?{name}=horse-7-battery&next={around}")
    assert "horse-7-battery" not in shown
    assert shown.isascii()
    assert shown.isprintable()


@pytest.fixture
def recorder(sqlite_store: Store) -> Iterator[VisitRecorder]:
    found = VisitRecorder(sqlite_store, seconds=0.01, retry_seconds=0.05)
    yield found
    found.close()


def recorded(store: Store) -> list[dict[str, Any]]:
    """The visits in the inbox, each with its `tenant`."""
    with store.read(EVERY_TENANT) as session:
        batches = session.execute(select(Inbox.tenant_id, Inbox.payload).where(Inbox.kind == "visit")).all()
    rows = [{"tenant": tenant, **row} for tenant, payload in batches for row in unpacked(payload).iter_rows(named=True)]
    return sorted(rows, key=lambda row: row["seq"])


async def _page(request: Request) -> Response:
    if request.url.path == "/fails":
        raise RuntimeError("broken")
    return PlainTextResponse("twelve bytes", 404 if request.url.path == "/nothing" else 200)


def ask(recorder: VisitRecorder, *paths: str, trusted: str = "", **headers: str) -> list[int]:
    """The statuses of requests to a server with the recording, behind uvicorn's reading of proxies."""
    routes = [Route("/{rest:path}", _page, methods=["GET", "POST"])]
    inner = Starlette(routes=routes, middleware=[Middleware(VisitRecording, recorder=recorder)])
    app = ProxyHeadersMiddleware(inner, trusted_hosts=trusted or [])

    async def asked() -> list[int]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("198.51.100.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://daybook.test") as client:
            return [(await client.get(path, headers=headers)).status_code for path in paths]

    return asyncio.run(asked())


def test_each_request_is_a_visit_but_for_noise(sqlite_store: Store, recorder: VisitRecorder) -> None:
    noise = ("/healthz", "/metrics", "/static/js/x.js", "/_stcore/health", "/usage/_stcore/stream", "/v1/batch", "/sa")
    given = {"user-agent": "curl/8.5.0\x1b", "referer": "http://other.test/?token=1"}
    assert ask(recorder, "/", "/nothing", "/fails", "/export/abc", *noise, **given) == [200, 404, 500, *[200] * 8]
    recorder.close()
    visits = recorded(sqlite_store)
    told = [(each["method"], each["target"], each["status"], each["size_bytes"]) for each in visits]
    assert told == [
        ("GET", "/", 200, 12),
        ("GET", "/nothing", 404, 12),
        ("GET", "/fails", 500, 0),
        ("GET", "/export/(ticket)", 200, 12),
    ]
    assert {each["address"] for each in visits} == {"198.51.100.1"}
    assert {each["referrer"] for each in visits} == {"http://other.test/?token=(secret)"}
    assert {each["protocol"] for each in visits} == {"HTTP/1.1"}
    assert all(0 <= each["duration_ms"] < 5_000 and each["tenant"] == 0 and each["account"] is None for each in visits)
    assert len({each["key"] for each in visits}) == 4


def test_only_a_trusted_proxy_says_where_somebody_is(sqlite_store: Store, recorder: VisitRecorder) -> None:
    ask(recorder, "/", **{"x-forwarded-for": "203.0.113.9"})
    ask(recorder, "/", trusted="198.51.100.0/24", **{"x-forwarded-for": "203.0.113.9"})
    recorder.close()
    assert [each["address"] for each in recorded(sqlite_store)] == ["198.51.100.1", "203.0.113.9"]


def test_a_visit_is_of_whoever_showed_a_badge_that_held(store: Store) -> None:
    acme = add_tenant(store, "acme")
    amy = add_viewer(store, "amy", acme)
    add_viewer(store, "root", None, AccountType.SYSTEM)
    entrance = Entrance(store)
    tokens = {
        name: entrance.redeem(entrance.succeed(entrance.attempt(name)).ticket).token for name in ("amy", "root")
    }
    with store.write(EVERY_TENANT) as session:
        session.add(
            ApiToken(
                tenant_id=acme,
                account_id=amy,
                name="reader",
                token_hash=hash_of_token("dbk_x"),
                prefix="dbk_x",
                created_at=datetime.now(UTC),
            )
        )
    before = datetime.now(UTC)
    shown = {name: Badge("session", hash_of_token(token)) for name, token in tokens.items()}
    program, stranger = Badge("api_token", hash_of_token("dbk_x")), Badge("session", hash_of_token("nothing"))
    every = dict.fromkeys((*shown.values(), program, stranger), before)
    assert people(store, every) == {
        shown["amy"]: Person("amy", acme),
        shown["root"]: Person("root", 0),
        program: Person("amy", acme),
    }
    entrance.leave(tokens["amy"])
    with store.write(EVERY_TENANT) as session:
        end_tokens(session, amy, datetime.now(UTC))
    assert people(store, every)[shown["amy"]] == Person("amy", acme)  # the request came before
    assert set(people(store, dict.fromkeys(every, datetime.now(UTC)))) == {shown["root"]}
    recorder = VisitRecorder(store, seconds=0.01)
    for badge in every:
        recorder.note(OwnVisit(before, badge, "192.0.2.1", "GET", "/"))
    recorder.close()
    assert [(each["tenant"], each["account"]) for each in recorded(store)] == [
        (acme, "amy"),
        (0, "root"),
        (acme, "amy"),
        (0, None),
    ]


def visit(number: int) -> OwnVisit:
    return OwnVisit(NOW + timedelta(seconds=number), Person("amy", 0), "192.0.2.1", "GET", f"/{number}")


def test_visits_are_on_disk_within_a_second_and_in_few_batches(sqlite_store: Store) -> None:
    recorder = VisitRecorder(sqlite_store)
    for number in range(100):
        recorder.note(visit(number))
    time.sleep(1)
    assert [each["target"] for each in recorded(sqlite_store)] == [f"/{number}" for number in range(100)]
    with sqlite_store.read(EVERY_TENANT) as session:
        assert len(session.scalars(select(Inbox.id)).all()) <= 2
    recorder.close()


def test_a_database_that_cannot_be_written_holds_up_no_request_and_loses_no_visit(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, recorder: VisitRecorder
) -> None:
    from lib.errors import Unavailable

    append = own_visits.inbox.append

    def full(*_given: object) -> None:
        raise Unavailable(what="the disk is full")

    monkeypatch.setattr(own_visits.inbox, "append", full)
    assert ask(recorder, "/1", "/2") == [200, 200]
    time.sleep(0.2)
    assert ask(recorder, "/3") == [200]
    monkeypatch.setattr(own_visits.inbox, "append", append)
    time.sleep(0.3)
    recorder.close()
    assert [each["target"] for each in recorded(sqlite_store)] == ["/1", "/2", "/3"]


def test_what_waits_is_bounded_and_the_newest_stay(sqlite_store: Store) -> None:
    recorder = VisitRecorder(sqlite_store, seconds=30)
    for number in range(WAITING + 10):
        recorder.note(visit(number))
    recorder.close()
    rows = recorded(sqlite_store)
    assert (len(rows), rows[0]["target"], rows[-1]["target"]) == (WAITING, "/10", f"/{WAITING + 9}")
    recorder.note(visit(1))  # after the end nothing happens
