"""A line in access_log.log for each request: who asked from where, for what, how it ended and how long that took.

`203.0.113.7 "GET /v1/batch" 200 512 13ms "client/1.0"`: an error where the server failed, a warning where it refused or
was slow. No query and no ticket stands in it: they can be secrets.
"""

from __future__ import annotations

import logging
import re
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib.logs.files.health import SLOW_MS

QUIET = re.compile(r"/healthz$|/static/|(?:/[^/]+)?/_stcore/(?:health|host-config)$")
"""Written at DEBUG: what watches a server asks, the frame's own files, and where its pages look for it in vain."""

_SECRET = re.compile(r"^(/export/)(?!server-logs/)[^/]+$")
_LONGEST = 300
_UNSAFE = re.compile(r"[^\x21-\x7e]|[\"\\]")

_log = logging.getLogger("daybook.access")


class AccessLines:
    """Writes the lines. It stands outside of everything else, so what the guard refuses has its line too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and write the line at the end."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        told = Told()
        try:
            await told.pass_on(self._app, scope, receive, send)
        finally:
            _write(scope, told)


class Told:
    """What the answer to a request said: its status, how many bytes it had, and how long it took."""

    def __init__(self) -> None:
        self.status = 0
        self.size_bytes = 0
        self.took_ms = 0

    async def pass_on(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the request answered, and hear what is said, whatever comes of it."""
        begun = time.perf_counter()
        try:
            await app(scope, receive, self._through(send))
        except BaseException:
            self.status = self.status or 500
            raise
        finally:
            self.status = self.status or 499  # whoever asked went away before an answer
            self.took_ms = round((time.perf_counter() - begun) * 1000)

    def _through(self, send: Send) -> Send:

        async def heard(message: Message) -> None:
            match message["type"]:
                case "http.response.start":
                    self.status = message["status"]
                case "http.response.body":
                    self.size_bytes += len(message.get("body", b""))
                case "websocket.accept":
                    self.status = 101
                case "websocket.close" if not self.status:
                    self.status = 403
            await send(message)

        return heard


def _write(scope: Scope, told: Told) -> None:
    level = _level(scope, told.status, told.took_ms)
    if not _log.isEnabledFor(level):
        return
    client = scope.get("client") or ("-",)
    agent = Headers(scope=scope).get("user-agent", "-")
    _log.log(
        level,
        '%s "%s %s" %d %d %dms "%s"',
        client[0],
        scope.get("method", "WEBSOCKET"),
        _shown(_SECRET.sub(r"\1(ticket)", scope["path"])),
        told.status,
        told.size_bytes,
        told.took_ms,
        _shown(agent, spaces=True),
    )


def _level(scope: Scope, status: int, took_ms: int) -> int:
    if status >= 500:
        return logging.ERROR
    if QUIET.match(scope["path"]):
        return logging.DEBUG
    lasts = status == 101 or scope["path"].startswith("/export/")
    if (status >= 400 and status != 499) or (took_ms >= SLOW_MS and not lasts):
        return logging.WARNING
    return logging.INFO


def _shown(text: str, *, spaces: bool = False) -> str:
    """Text that cannot end its quotes or its line, and is not endless."""
    escaped = _UNSAFE.sub(lambda found: found[0] if spaces and found[0] == " " else _written_out(found[0]), text)
    return escaped[:_LONGEST]


def _written_out(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
