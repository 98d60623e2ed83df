"""The way back from single sign-on: to the page that somebody wanted before the provider was asked who they are.

Streamlit leads everybody who returns to the first page. The page that the browser leaves stands in a cookie for as long
as signing in may take, which only the return is shown.
"""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import Message, Scope, Send

LEAVES, RETURNS = "/auth/login", "/oauth2callback"
COOKIE = "daybook_back"
_LASTS_SECONDS = 600
_LONGEST = 2_000


def guided(scope: Scope, send: Send, origins: frozenset[str]) -> Send:
    """Send, with the way back noted as the browser leaves for the provider and taken as it returns.

    `origins` are the hosts that are this server; a page of another is no way back.
    """
    if scope["path"] not in {LEAVES, RETURNS}:
        return send

    async def guiding(message: Message) -> None:
        if message["type"] == "http.response.start" and 300 <= message["status"] < 400:
            headers = MutableHeaders(scope=message)
            if scope["path"] == LEAVES:
                _note(Headers(scope=scope).get("referer", ""), headers, origins)
            else:
                _take(HTTPConnection(scope).cookies.get(COOKIE, ""), headers)
        await send(message)

    return guiding


def _note(referrer: str, headers: MutableHeaders, origins: frozenset[str]) -> None:
    parts = urlsplit(referrer)
    place = parts.path + (f"?{parts.query}" if parts.query else "")
    if parts.netloc in origins and is_place(place):
        headers.append("set-cookie", _cookie(quote(place, safe=""), _LASTS_SECONDS))


def _take(kept: str, headers: MutableHeaders) -> None:
    place, answer = unquote(kept), urlsplit(headers.get("location", ""))
    if not kept:
        return
    headers.append("set-cookie", _cookie("", 0))
    if is_place(place) and answer.path in {"", "/"} and not answer.query:
        headers["location"] = place


def is_place(text: str) -> bool:
    """Whether a text is a path here, with or without a query, and cannot be taken for another site's address."""
    is_plain = text.isascii() and text.isprintable() and "\\" not in text and len(text) <= _LONGEST
    return is_plain and text.startswith("/") and not text.startswith("//") and text != "/"


def _cookie(value: str, seconds: int) -> str:
    return f"{COOKIE}={value}; Path={RETURNS}; Max-Age={seconds}; HttpOnly; SameSite=Lax"
