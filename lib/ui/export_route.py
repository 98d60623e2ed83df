"""`GET /export/{ticket}`: a long file to the browser session that asked for it, as it is made."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from functools import partial
from secrets import token_hex
from typing import Protocol, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from lib.access.tokens import hash_of_token
from lib.errors import DaybookError, NotFound, NotPermitted, NotSignedIn, TicketSpent
from lib.export.names import content_disposition
from lib.export.progress import UNDERWAY
from lib.queries.entrance import Entrance
from lib.queries.export_tickets import ExportTickets
from lib.settings import Settings
from lib.store import Store
from lib.ui import cookies
from lib.ui.deliveries import Deliveries, Delivery
from lib.ui.server import is_https

AT_ONCE = 8
"""Exports that are under way; a further one is told to come again, with its ticket."""

THREADS = 2
"""How many of them are worked on at the same time; the pages keep their own threads."""

STALLS_SECONDS = 120.0
"""A reader that takes nothing for so long has gone: its transaction would keep the database from tidying up."""

_LONGEST_TICKET = 100

_log = logging.getLogger(__name__)
T = TypeVar("T")


class _Run(Protocol):
    """Does work in one of the threads for exports."""

    async def __call__(self, work: Callable[[], T]) -> T: ...


def export_route(
    store: Store, settings: Settings, entrance: Entrance, *, stalls_seconds: float = STALLS_SECONDS
) -> Route:
    """The route. Whoever asks needs the cookie of the session that the ticket was given to."""
    return Route("/export/{ticket}", _Counter(store, settings, entrance, stalls_seconds).answer, methods=["GET"])


class _Counter:
    def __init__(self, store: Store, settings: Settings, entrance: Entrance, stalls_seconds: float) -> None:
        self._base_url = settings.base_url
        self._tickets = ExportTickets(store, entrance)
        self._deliveries = Deliveries(store, settings, self._tickets)
        self._stalls_seconds = stalls_seconds
        self._limiter = CapacityLimiter(THREADS)
        self._underway = 0

    async def answer(self, request: Request) -> Response:
        if request.method != "GET":  # HEAD would spend the ticket on nothing
            return _problem(405, "method_not_allowed", "Only GET is allowed here")
        if self._underway >= AT_ONCE:
            return _problem(503, "busy", "Too many downloads are under way: try again in a minute")
        self._underway += 1
        try:
            token = cookies.token_in(request.cookies, is_https=is_https(request.scope, self._base_url))
            address = request.client.host if request.client else ""
            delivery = await self._run(partial(self._begun, token, request.path_params["ticket"], address))
        except BaseException as error:
            self._underway -= 1
            return _refusal(error)
        return _Streamed(delivery, self._run, self._ended, self._stalls_seconds)

    def _ended(self) -> None:
        self._underway -= 1

    def _begun(self, token: str | None, ticket: str, address: str) -> Delivery:
        if not ticket.isascii() or len(ticket) > _LONGEST_TICKET:
            raise TicketSpent
        redeemed = self._tickets.redeem(token, ticket, address)
        return self._deliveries.begun(redeemed, UNDERWAY.begin(hash_of_token(ticket), 0))

    async def _run(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, limiter=self._limiter)


class _Streamed(StreamingResponse):
    """The parts as they come. A reader that leaves, or takes nothing for too long, ends the work."""

    def __init__(
        self, delivery: Delivery, run: _Run, on_end: Callable[[], None], stalls_seconds: float
    ) -> None:
        headers = {
            "Content-Type": delivery.format.mime,
            "Content-Disposition": content_disposition(delivery.file_name),
            "Content-Encoding": "identity",  # else what compresses pages would compress this, and wait for more of it
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        super().__init__(self._parts(), headers=headers)
        self._delivery = delivery
        self._run = run
        self._on_end = on_end
        self._stalls_seconds = stalls_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            with anyio.fail_after(self._stalls_seconds):
                await send(message)

        try:
            await super().__call__(scope, receive, send_in_time)
        except* (ClientDisconnect, TimeoutError) as gone:
            _log.info("A reader of %s went away: %s", self._delivery.file_name, gone.exceptions[0])
        finally:
            # In a thread, as it was worked on, and also where the server is stopping.
            with anyio.CancelScope(shield=True):
                await self._run(self._delivery.close)
            self._on_end()

    async def _parts(self) -> AsyncGenerator[bytes]:
        while (part := await self._run(self._delivery.part)) is not None:
            yield part


def _refusal(error: BaseException) -> Response:
    match error:
        case NotSignedIn():
            return _problem(401, "not_signed_in", str(error))
        case NotPermitted():
            return _problem(403, "not_permitted", str(error))
        case TicketSpent():
            return _problem(410, "gone", str(error))
        case NotFound():
            return _problem(404, "not_found", str(error))
        case DaybookError():
            return _problem(503, "unavailable", str(error))
        case Exception():
            problem_id = token_hex(8)
            _log.error("An export failed, %s", problem_id, exc_info=error)
            sentence = f"Daybook failed on this: tell its administrator the id {problem_id}"
            return _problem(500, "fault", sentence, problem_id)
        case _:
            raise error


def _problem(status: int, error: str, message: str, problem_id: str = "") -> Response:
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "30"} if status == 503 else {})
    return JSONResponse({"error": error, "message": message, "id": problem_id}, status, headers)
