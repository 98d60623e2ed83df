"""What stands around every request: the guard, the session's cookie, and the routes that tell of health."""

from __future__ import annotations

import asyncio
import re
import warnings
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from lib.api import health
from lib.errors import NotSignedIn
from lib.queries.entrance import Entrance
from lib.settings import Settings
from lib.store import Store
from lib.ui.server import Guard, inline_scripts, session_route
from tests.accounts import add_tenant, add_viewer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette wishes for another release of httpx than the rest of the tests use
    from starlette.testclient import TestClient

HERE = {"Origin": "http://testserver"}


@pytest.fixture
def entrance(sqlite_store: Store) -> Entrance:
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"))
    return Entrance(sqlite_store)


@pytest.fixture
def client(entrance: Entrance, sqlite_store: Store, home: Settings) -> TestClient:
    return _client(entrance, sqlite_store, home, "http://console.example.com")


def _client(entrance: Entrance, store: Store, home: Settings, base_url: str) -> TestClient:
    async def page(_request: object) -> Response:
        response = PlainTextResponse("page")
        response.set_cookie("_streamlit_xsrf", "1")
        return response

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    routes = [
        *health.routes(store, home),
        session_route(entrance, base_url, body_seconds=0.2),
        Route("/", page),
        Route("/media/{file}", page),
        Route("/_stcore/metrics", page),
        Route("/_stcore/agent/openapi.json", page),
        Route("/_stcore/upload_file/{session}/{file}", page, methods=["PUT", "DELETE"]),
        WebSocketRoute("/_stcore/stream", stream),
    ]
    middleware = [Middleware(Guard, entrance=entrance, base_url=base_url)]
    return TestClient(Starlette(routes=routes, middleware=middleware))


def _ticket(entrance: Entrance) -> str:
    return entrance.succeed(entrance.attempt("amy")).ticket


@pytest.mark.spec("A7")
def test_a_ticket_becomes_a_cookie_that_no_script_reads_and_leaving_takes_it_back(
    client: TestClient, entrance: Entrance
) -> None:
    answer = client.post("/session", json={"ticket": _ticket(entrance)}, headers=HERE)
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (204, b"", "no-store")
    cookie = answer.headers["set-cookie"]
    token = re.fullmatch(r"daybook=([\w-]{43}); HttpOnly; Max-Age=2592000; Path=/; SameSite=lax", cookie)
    assert token is not None
    assert entrance.viewer_of(token[1]).account_name == "amy"
    left = client.delete("/session", headers=HERE)
    assert left.status_code == 204
    assert 'daybook=""' in left.headers["set-cookie"]
    with pytest.raises(NotSignedIn):
        entrance.viewer_of(token[1])


@pytest.mark.spec("A7")
def test_behind_https_every_cookie_is_secure_and_the_sessions_is_bound_to_the_host(
    client: TestClient, entrance: Entrance
) -> None:
    https = {"X-Forwarded-Proto": "https"}
    answer = client.post("/session", json={"ticket": _ticket(entrance)}, headers=HERE | https)
    assert answer.headers["set-cookie"].startswith("__Host-daybook=")
    assert answer.headers["set-cookie"].count("Secure") == 1
    page = client.get("/", headers=https)
    assert page.headers["set-cookie"].endswith("; Secure")
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    assert "Secure" not in client.get("/").headers["set-cookie"]


@pytest.mark.spec("A7")
def test_an_https_base_address_makes_cookies_secure_behind_a_proxy_that_says_nothing(
    entrance: Entrance, sqlite_store: Store, home: Settings
) -> None:
    client = _client(entrance, sqlite_store, home, "https://console.example.com")
    answer = client.post("/session", json={"ticket": _ticket(entrance)}, headers=HERE)
    assert re.match(r"__Host-daybook=[\w-]{43}; .*; Secure", answer.headers["set-cookie"])
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.spec("A4", "A7")
def test_a_generated_file_is_for_whoever_shows_a_session_that_holds_and_is_kept_nowhere(
    client: TestClient, entrance: Entrance
) -> None:
    stranger = client.get("/media/file.csv")
    assert (stranger.status_code, stranger.json()["error"]) == (403, "not_signed_in")
    assert client.get("/media/file.csv", headers={"Cookie": "daybook=not-a-token"}).status_code == 403
    assert client.get("/media/file.csv", headers={"Cookie": "daybook=1"}).status_code == 403
    client.post("/session", json={"ticket": _ticket(entrance)}, headers=HERE)
    held = client.get("/media/file.csv")
    assert (held.status_code, held.text, held.headers["cache-control"]) == (200, "page", "no-store")
    kept = {"Cookie": f"daybook={client.cookies['daybook']}"}
    client.delete("/session", headers=HERE)
    client.cookies.clear()
    assert client.get("/media/file.csv", headers=kept).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://testserver.evil"}],
)
def test_only_pages_from_here_may_use_the_session_route(
    client: TestClient, entrance: Entrance, headers: dict[str, str]
) -> None:
    ticket = _ticket(entrance)
    for answer in (
        client.post("/session", json={"ticket": ticket}, headers=headers),
        client.delete("/session", headers=headers),
    ):
        assert answer.status_code == 403
        assert answer.json() == {
            "error": "foreign_origin",
            "message": "Only Daybook's own pages may do this",
            "id": "",
        }
    assert entrance.redeem(ticket).token


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"ticket": 5}',
        b'{"ticket": "nope"}',
        b'{"ticket": "' + b"x" * 2000 + b'"}',
        b'{"ticket": "' + b"x" * 101 + b'"}',
        b'{"ticket": "\\ud800"}',
        '{"ticket": "票"}'.encode(),
        b"[" * 1000,
        b"\xff",
    ],
)
def test_what_is_no_ticket_gets_no_cookie(client: TestClient, body: bytes) -> None:
    answer = client.post("/session", content=body, headers=HERE | {"Content-Type": "application/json"})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    form = client.post("/session", content=body, headers=HERE | {"Content-Type": "text/plain"})
    assert form.status_code == 401


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/agent/openapi.json"])
def test_what_streamlit_tells_anybody_is_closed(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


async def _answer(app: ASGIApp, messages: list[Message]) -> int:
    """The status that a POST of a ticket gets whose body comes in these messages, and then no further."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/session",
        "query_string": b"",
        "headers": [
            (b"host", b"testserver"),
            (b"origin", b"http://testserver"),
            (b"content-type", b"application/json"),
        ],
    }
    waiting, sent = list(messages), list[Message]()

    async def receive() -> Message:
        if not waiting:
            await asyncio.sleep(30)
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    status: int = sent[0]["status"]
    return status


def test_a_ticket_that_does_not_arrive_is_not_waited_for(client: TestClient) -> None:
    begun: Message = {"type": "http.request", "body": b'{"ticket', "more_body": True}
    assert asyncio.run(_answer(client.app, [begun])) == 408
    assert asyncio.run(_answer(client.app, [begun, {"type": "http.disconnect"}])) == 401


def test_nobody_fills_the_memory_through_streamlits_uploads(client: TestClient) -> None:
    for path in ("/_stcore/upload_file/session/file", "/%5Fstcore/upload%5Ffile/session/file"):
        assert client.put(path, files={"file": b"x" * 1_000}).status_code == 404
        assert client.delete(path).status_code == 404


def test_a_websocket_of_another_origin_is_refused_before_streamlit_sees_it(client: TestClient) -> None:
    for origin in ("http://testserver", "http://console.example.com"):
        with client.websocket_connect("/_stcore/stream", headers={"Origin": origin}):
            pass
    for origin in ("https://evil.example", "http://localhost:3000", "null", ""):
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/_stcore/stream", headers={"Origin": origin}),
        ):
            pass


def test_every_answer_tells_the_browser_to_load_nothing_from_elsewhere(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob: 'sha256-")
    assert "unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
    assert "frame-ancestors 'none'" in policy
    assert len(inline_scripts()) == 1
    assert client.get("/").headers["x-content-type-options"] == "nosniff"


@pytest.mark.spec("P5")
def test_health_is_told_with_a_database_and_without(client: TestClient, home: Settings) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "database": "ok", "as_of": None}
    assert "daybook_database_up 1\n" in client.get("/metrics").text
    Path(home.home / "daybook.sqlite").rename(home.home / "away")
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["database"]) == (503, "unavailable")
    assert "daybook_database_up 0\n" in client.get("/metrics").text
