"""The cookie that carries a session's token: HttpOnly, SameSite=Lax, and on https Secure and bound to the host."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.responses import Response

COOKIE = "daybook"
HOST_COOKIE = "__Host-daybook"
"""What browsers take only over https, from the host itself, for every path."""


def is_https(scheme: str, forwarded: str, base_url: str) -> bool:
    """Whether the browser speaks https, by the connection, X-Forwarded-Proto, or the address that people are given.

    Whoever invents the header gets only a cookie that their own browser sends over https alone.
    """
    schemes = {scheme, forwarded.split(",")[0].strip(), urlsplit(base_url).scheme}
    return not schemes.isdisjoint({"https", "wss"})


def token_in(cookies: Mapping[str, str], *, is_https: bool) -> str | None:
    """The token that the browser shows. On https only the cookie that no other host can have set."""
    token = cookies.get(HOST_COOKIE if is_https else COOKIE)
    return token if isinstance(token, str) and token else None  # Streamlit's AppTest answers with mocks


def set_token(response: Response, token: str, lasts: timedelta, *, is_https: bool) -> None:
    """Let the browser keep the token where no script can read it."""
    response.set_cookie(
        HOST_COOKIE if is_https else COOKIE,
        token,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=is_https,
        httponly=True,
        samesite="lax",
    )


def clear_token(response: Response, *, is_https: bool) -> None:
    """Let the browser forget the token."""
    name = HOST_COOKIE if is_https else COOKIE
    response.delete_cookie(name, path="/", secure=is_https, httponly=True, samesite="lax")
