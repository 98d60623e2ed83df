"""The body of a request: cut at its limit while it streams, unpacked within the same limit, and read as JSON."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
from starlette.requests import ClientDisconnect, Request

from lib.collect.answers import RETRY_SECONDS, Refused
from lib.collect.numbers import exact

EVENT_BYTES = 32 * 1024
"""How large an event may be, as the Segment API has it."""

BATCH_BYTES = 500 * 1024
"""How large a body of usage events may be, both as it comes and unpacked."""

DRAINED_BYTES = 8 * BATCH_BYTES
"""How much of a body that is too large is read and dropped, so that its sender hears why; what is longer is cut. Of
bodies that may be larger it is twice what they may be."""

HELD_BYTES = 64 * 1024 * 1024
"""How much of bodies that are still coming is held at once."""

BODY_SECONDS = 30
"""How long a body may take to come."""

GZIP = b"\x1f\x8b"
_MEMBERS = 16
"""How many gzip members a body may have; each costs a copy of the rest."""


@dataclass
class Bodies:
    """The bodies that a process reads at the moment; together they hold so much memory and no more."""

    most_bytes: int = HELD_BYTES
    _held: int = 0

    async def read(self, request: Request, most: int = BATCH_BYTES) -> bytes:
        """The whole body, unpacked if it is gzip, whatever its headers call it. Raises Refused."""
        _require_length(request.headers.get("content-length", ""), most)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await self._whole(request.stream(), most)
        except TimeoutError as error:
            what = f"The body did not come within {BODY_SECONDS} seconds"
            raise Refused(408, "too_slow", what, ends_connection=True) from error
        except ClientDisconnect as error:
            raise Refused(400, "cut_short", "The connection ended before the body did") from error
        return inflated(body, most) if body.startswith(GZIP) else body

    async def _whole(self, parts: AsyncIterator[bytes], most: int) -> bytes:
        body = bytearray()
        size = held = 0
        try:
            async for part in parts:
                size += len(part)
                if size > _drained(most):
                    raise _too_large(most, ends_connection=True)
                if size > most:
                    body.clear()
                    continue
                self._held, held = self._held + len(part), held + len(part)
                if self._held > self.most_bytes:
                    what = "Too many requests come in at once: send the events again in a moment"
                    raise Refused(429, "busy", what, retry_seconds=RETRY_SECONDS, ends_connection=True)
                body += part
        finally:
            self._held -= held
        if size > most:
            raise _too_large(most)
        return bytes(body)


def _drained(most: int) -> int:
    return max(DRAINED_BYTES, 2 * most)


def _require_length(length: str, most: int) -> None:
    if length.isdecimal() and int(length[:20]) > _drained(most):
        raise _too_large(most, ends_connection=True)


def inflated(packed: bytes, most: int = BATCH_BYTES) -> bytes:
    """What a gzip body holds. Raises Refused for a broken one, and for a small one that would become large."""
    body = bytearray()
    for _ in range(_MEMBERS):
        stream = zlib.decompressobj(wbits=31)
        try:
            body += stream.decompress(packed, most + 1 - len(body))
        except zlib.error as error:
            raise Refused(400, "invalid_gzip", f"The body is no gzip: {error}") from error
        if len(body) > most:
            raise _too_large(most)
        if not stream.eof:
            raise Refused(400, "invalid_gzip", "The gzip body breaks off")
        packed = stream.unused_data
        if not packed:
            return bytes(body)
    raise Refused(400, "invalid_gzip", f"The gzip body has more than {_MEMBERS} members")


def json_of(body: bytes) -> object:
    """The JSON in a body.

    A whole number beyond 64 bits becomes text. Raises Refused, which says where: for text that is not UTF-8, numbers
    beyond a double, NaN, halves of surrogates, and more than a thousand levels.
    """
    try:
        return exact(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "invalid_json", f"The body is no JSON: {error}") from error


def require_size(event: object, whole: int) -> None:
    """Raise Refused for an event that is too large; `whole` is the size of the body that it came in."""
    if whole > EVENT_BYTES and len(orjson.dumps(event)) > EVENT_BYTES:
        raise Refused(413, "event_too_large", f"The event is larger than {EVENT_BYTES} bytes")


def _too_large(most: int, *, ends_connection: bool = False) -> Refused:
    what = f"The body is larger than {most} bytes: send fewer events at once"
    return Refused(413, "too_large", what, ends_connection=ends_connection)
