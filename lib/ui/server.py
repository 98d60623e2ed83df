"""What stands around Streamlit's own server: the guard of every request, and the session's cookie."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import streamlit
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.pages_manager import PagesManager

from lib.errors import DaybookError, NotSignedIn
from lib.queries.entrance import Entrance
from lib.ui import cookies
from lib.ui.way_back import guided

CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/upload_file")
"""What Streamlit would answer to anybody. No page takes a file, and what is uploaded stays in memory."""

MEDIA = "/media/"
"""Where Streamlit keeps what a page made to be taken away, at an address that is no secret."""

_LARGEST_BODY = 1_000
_LONGEST_TICKET = 100
_BODY_SECONDS = 10.0


def run_pages_through_home() -> None:
    """Keep Streamlit from running files of pages/ without Home.py, as it does until `st.navigation` has run once."""
    PagesManager.uses_pages_directory = False


class Guard:
    """Refuse requests from foreign pages, close what nobody needs, and add the headers that keep a browser safe."""

    def __init__(self, app: ASGIApp, entrance: Entrance, base_url: str = "") -> None:
        self._app = app
        self._entrance = entrance
        self._base_url = base_url
        self._policy = content_policy(inline_scripts())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to a WebSocket of another origin before Streamlit looks at it: its own check asks the internet."""
        if scope["type"] == "websocket" and not self._is_from_here(Headers(scope=scope)):
            await _refuse_websocket(receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(CLOSED):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
        elif scope["type"] == "http":
            hosts = {Headers(scope=scope).get("host", ""), urlsplit(self._base_url).netloc} - {""}
            safely = guided(scope, self._with_headers(scope, send), frozenset(hosts))
            refusal = await self._refusal(scope) if scope["path"].startswith(MEDIA) else None
            await (refusal or self._app)(scope, receive, safely)
        else:
            await self._app(scope, receive, send)

    def _is_from_here(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        return origin is None or is_same_origin(origin, headers.get("host"), self._base_url)

    async def _refusal(self, scope: Scope) -> Response | None:
        """What whoever shows no session that holds gets instead of a file; None lets them have it."""
        https = is_https(scope, self._base_url)
        try:
            token = cookies.token_in(HTTPConnection(scope).cookies, is_https=https)
            await run_in_threadpool(self._entrance.viewer_of, token)
        except NotSignedIn as error:
            return _problem(403, "not_signed_in", str(error))
        except DaybookError as error:
            return _problem(503, "unavailable", str(error))
        return None

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        https = is_https(scope, self._base_url)
        is_media = scope["path"].startswith(MEDIA)

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                _add_headers(headers, self._policy, https)
                if is_media:
                    headers["Cache-Control"] = "no-store"
                _secure_cookies(message, https)
            await send(message)

        return send_safely


def session_route(entrance: Entrance, base_url: str = "", body_seconds: float = _BODY_SECONDS) -> Route:
    """`POST /session` exchanges a ticket for the cookie, `DELETE /session` ends it. Only for pages from here."""

    async def session(request: Request) -> Response:
        origin = request.headers.get("origin")
        if origin is None or not is_same_origin(origin, request.headers.get("host"), base_url):
            return _problem(403, "foreign_origin", "Only Daybook's own pages may do this")
        https = is_https(request.scope, base_url)
        token = cookies.token_in(request.cookies, is_https=https)
        try:
            if request.method == "DELETE":
                return await _leave(entrance, token, request, https)
            async with asyncio.timeout(body_seconds):
                ticket = await _ticket(request)
            return await _redeem(entrance, ticket, token, https)
        except TimeoutError:
            return _problem(408, "too_slow", f"The ticket did not arrive within {body_seconds:g} seconds")
        except NotSignedIn as error:
            return _problem(401, "not_signed_in", str(error))
        except DaybookError as error:
            return _problem(503, "unavailable", str(error))

    return Route("/session", session, methods=["POST", "DELETE"])


async def _redeem(entrance: Entrance, ticket: str, token: str | None, https: bool) -> Response:
    redeemed = await run_in_threadpool(entrance.redeem, ticket, token)
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    cookies.set_token(response, redeemed.token, redeemed.lasts, is_https=https)
    return response


async def _leave(entrance: Entrance, token: str | None, request: Request, https: bool) -> Response:
    if token is not None:
        await run_in_threadpool(entrance.leave, token, request.client.host if request.client else "")
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    cookies.clear_token(response, is_https=https)
    return response


async def _ticket(request: Request) -> str:
    """The ticket in the body. Raises NotSignedIn for anything else, and reads little more of it than a ticket has."""
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        raise NotSignedIn
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST_BODY:
                raise NotSignedIn
        ticket = json.loads(body)["ticket"]
    except (ValueError, KeyError, TypeError, RecursionError, ClientDisconnect) as error:
        raise NotSignedIn from error
    if not isinstance(ticket, str) or not ticket.isascii() or len(ticket) > _LONGEST_TICKET:
        raise NotSignedIn
    return ticket


def is_same_origin(origin: str, host: str | None, base_url: str) -> bool:
    """Whether a page of this origin is Daybook's own: of the host that was asked, or of the settings' base address."""
    netloc = urlsplit(origin).netloc
    return bool(netloc) and netloc in {host, urlsplit(base_url).netloc or None}


def is_https(scope: Scope, base_url: str) -> bool:
    """Whether the browser speaks https: to this server, to the proxy before it, or because the settings say so."""
    forwarded = Headers(scope=scope).get("x-forwarded-proto", "")
    return cookies.is_https(scope["scheme"], forwarded, base_url)


def inline_scripts() -> list[str]:
    """The hashes, as a policy names them, of the scripts that stand inside Streamlit's page."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    ]


def content_policy(scripts: Iterable[str]) -> str:
    """What a page may load: nothing from elsewhere. `blob:` is how Streamlit loads the script of a small component."""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'wasm-unsafe-eval' blob: {' '.join(scripts)}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _add_headers(headers: MutableHeaders, policy: str, https: bool) -> None:
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def _secure_cookies(message: Message, https: bool) -> None:
    """Streamlit's own cookies lack Secure behind a proxy that speaks https."""
    if https:
        message["headers"] = [
            (
                name,
                value + b"; Secure"
                if name.lower() == b"set-cookie" and b"; secure" not in value.lower()
                else value,
            )
            for name, value in message["headers"]
        ]


async def _refuse_websocket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": "foreign origin"})


def _problem(status: int, error: str, message: str) -> Response:
    return JSONResponse({"error": error, "message": message, "id": ""}, status, {"Cache-Control": "no-store"})
