"""What the collector answers: JSON that a client library understands, readable by pages of any origin."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

RETRY_SECONDS = 2
"""When a client that was sent away is to come again."""

_OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
"""Any page may send events: the key says whose they are, and no cookie is read."""

_PREFLIGHT = {
    **_OPEN_TO_ALL,
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, x-daybook-key, x-filename",
    "Access-Control-Max-Age": "86400",
}


@dataclass(eq=False)
class Refused(Exception):
    """A request of which nothing was taken in.

    `reason` is a word for programs and the status page, `what` a sentence for people, `index` the event in its batch,
    `field` where in it, `event_count` how many events were lost by it, `retry_seconds` when to come again.
    """

    status: int
    reason: str
    what: str
    field: str = ""
    index: int | None = None
    event_count: int = 1
    retry_seconds: int | None = None
    ends_connection: bool = False

    def at(self, index: int, event_count: int) -> Refused:
        """The same of an event of a batch, with which all the others are refused."""
        return replace(self, index=index, event_count=event_count)

    def answer(self) -> Response:
        """The refusal as JSON. `code` is `error` once more: some libraries try again for ever without it."""
        told: dict[str, object] = {
            "error": self.reason,
            "message": self.what if self.index is None else f"Event {self.index}: {self.what}",
            "id": secrets.token_hex(8),
            "code": self.reason,
        }
        if self.index is not None:
            told["index"] = self.index
        if self.field:
            told["field"] = self.field
        headers = dict(_OPEN_TO_ALL)
        if self.retry_seconds is not None:
            headers["Retry-After"] = str(self.retry_seconds)
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="daybook"'
        if self.ends_connection:
            headers["Connection"] = "close"
        return JSONResponse(told, self.status, headers)


def taken(**figures: int) -> Response:
    """Everything is on disk; `figures` say what is worth counting."""
    return JSONResponse({"success": True, **figures}, headers=_OPEN_TO_ALL)


def told(**facts: str | int) -> Response:
    """One thing is on disk; `facts` say what it is called there."""
    return JSONResponse({"success": True, **facts}, headers=_OPEN_TO_ALL)


def preflight() -> Response:
    """What a browser asks before it sends to another origin."""
    return Response(status_code=204, headers=_PREFLIGHT)


class Torn(Response):
    """An answer that breaks off, for clients that take every whole answer for a success, whatever its status.

    `wx.request` calls that of WeChat `success`, and the Sensors library then forgets the events. To a connection that
    breaks it says `fail`, and the library sends them again.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise more than is sent."""
        headers = [
            (name, b"%d" % (len(self.body) + 1) if name == b"content-length" else value)
            for name, value in self.raw_headers
        ]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})


def torn(answer: Response) -> Response:
    """The same answer, breaking off."""
    broken = Torn(answer.body, answer.status_code)
    broken.raw_headers = answer.raw_headers
    return broken
