"""The way back from single sign-on leads to a page here and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from lib.ui.way_back import guided

pytestmark = pytest.mark.spec("A7", "U5")


def _answer(path: str, headers: Mapping[str, str], location: str = "/") -> httpx.Headers:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await RedirectResponse(location)(scope, receive, guided(scope, send, frozenset({"here"})))

    async def asked() -> httpx.Headers:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return (await client.get(path, headers=dict(headers))).headers

    return asyncio.run(asked())


def test_the_page_that_the_browser_leaves_is_where_it_returns_to() -> None:
    left = _answer("/auth/login?provider=x", {"referer": "http://here/status?days=last_30&zone=Asia%2FShanghai"})
    cookie = left["set-cookie"]
    assert cookie.endswith("; Path=/oauth2callback; Max-Age=600; HttpOnly; SameSite=Lax")
    returned = _answer("/oauth2callback?code=1", {"cookie": cookie.split(";")[0]})
    assert returned["location"] == "/status?days=last_30&zone=Asia%2FShanghai"
    assert "Max-Age=0" in returned["set-cookie"]


@pytest.mark.parametrize(
    "referrer", ["", "http://here/", "http://evil.example/status", "http://here//evil.example", "http://here.evil/x"]
)
def test_no_other_site_and_not_the_first_page_is_noted(referrer: str) -> None:
    assert "set-cookie" not in _answer("/auth/login", {"referer": referrer})


@pytest.mark.parametrize(
    "kept",
    [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2Fx%0d%0aX%3A1",
        "status",
        "%2F" * 3000,
    ],
)
def test_a_cookie_that_somebody_made_up_leads_nowhere(kept: str) -> None:
    assert _answer("/oauth2callback", {"cookie": f"daybook_back={kept}"})["location"] == "/"


def test_what_the_server_itself_leads_to_stays() -> None:
    headers = {"cookie": "daybook_back=%2Fstatus"}
    assert _answer("/oauth2callback", headers, "/?error=denied")["location"] == "/?error=denied"
    assert _answer("/elsewhere", headers)["location"] == "/"
