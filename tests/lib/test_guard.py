"""What stands around every request: the guard, the session's cookie, and the routes that tell of health."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
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
    async def page(_request: object) -> Response:
        response = PlainTextResponse("page")
        response.set_cookie("_streamlit_xsrf", "1")
        return response

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    routes = [
        *health.routes(sqlite_store, home),
        session_route(entrance, "https://console.example.com"),
        Route("/", page),
        Route("/_stcore/metrics", page),
        Route("/_stcore/agent/openapi.json", page),
        Route("/_stcore/upload_file/{session}/{file}", page, methods=["PUT", "DELETE"]),
        WebSocketRoute("/_stcore/stream", stream),
    ]
    middleware = [Middleware(Guard, base_url="https://console.example.com")]
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


def test_nobody_fills_the_memory_through_streamlits_uploads(client: TestClient) -> None:
    for path in ("/_stcore/upload_file/session/file", "/%5Fstcore/upload%5Ffile/session/file"):
        assert client.put(path, files={"file": b"x" * 1_000}).status_code == 404
        assert client.delete(path).status_code == 404


def test_a_websocket_of_another_origin_is_refused_before_streamlit_sees_it(client: TestClient) -> None:
    for origin in ("http://testserver", "https://console.example.com"):
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
