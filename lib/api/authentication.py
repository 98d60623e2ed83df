"""Who sends a request of the read API: the bearer token in its header, and nothing else."""

from __future__ import annotations

from starlette.requests import Request

from lib.errors import NotSignedIn

_LONGEST = 200


def token_of(request: Request) -> str:
    """The token of `Authorization: Bearer ...`. Raises NotSignedIn.

    Cookies are not looked at, so that no foreign page can ask in a signed-in viewer's name; nor is the address, which
    servers log.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST:
        raise NotSignedIn
    return token
