"""What the routes that send files have in common: who asks, and what they hear instead of a file."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lib.errors import BadInput, DaybookError, NotFound, NotPermitted, NotSignedIn
from lib.ui import cookies
from lib.ui.server import is_https

_STATUS: tuple[tuple[type[DaybookError], int, str], ...] = (
    (NotSignedIn, 401, "not_signed_in"),
    (NotPermitted, 403, "not_permitted"),
    (NotFound, 404, "not_found"),
    (BadInput, 400, "bad_input"),
)


def is_from_here(request: Request) -> bool:
    """Whether Daybook's own page asks, or somebody who typed the address: no page of another site."""
    return request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


def asker(request: Request, base_url: str) -> tuple[str | None, str]:
    """The session's token and the client's address."""
    token = cookies.token_in(request.cookies, is_https=is_https(request.scope, base_url))
    return token, request.client.host if request.client else ""


def refusal(error: DaybookError) -> Response:
    """What an error means to a browser."""
    for kind, status, key in _STATUS:
        if isinstance(error, kind):
            return problem(status, key, str(error))
    return problem(503, "unavailable", str(error))


def foreign() -> Response:
    """The answer to a page of another site."""
    return problem(403, "foreign_origin", "Only Daybook's own pages may do this")


def problem(status: int, error: str, message: str) -> Response:
    """A refusal as JSON."""
    return JSONResponse({"error": error, "message": message, "id": ""}, status, {"Cache-Control": "no-store"})
