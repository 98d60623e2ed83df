"""The collector's routes: mounted beside the console, or alone (`app`, for any ASGI server)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lib.collect import answers, bodies, keys, segment
from lib.collect.answers import Refused
from lib.collect.calls import Call, Taken
from lib.collect.clickstreams import CHARACTERS
from lib.collect.commits import Commits, Full
from lib.collect.keys import Keys
from lib.errors import DaybookError, Unavailable
from lib.settings import load_settings
from lib.store import Store, schema
from lib.store.ingest_keys import WriteKey

RETRY_SECONDS = 2
"""When a client that was sent away is to come again."""

_log = logging.getLogger(__name__)

Reader = Callable[[object, int, Call], Taken]


class Collector:
    """What the routes share: the keys, and the one writer of this process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys = Keys(store)
        self._commits = Commits(store)

    def routes(self) -> list[BaseRoute]:
        """`/v1/...` and `/sa`."""
        singles = {
            name: self._endpoint(partial(segment.single_taken, type_=name))
            for name in ("track", "screen", "page", "identify")
        }
        endpoints = {"batch": self._endpoint(segment.batch_taken), **singles}
        return [Route(f"/v1/{name}", endpoint, methods=["POST", "OPTIONS"]) for name, endpoint in endpoints.items()]

    def close(self) -> None:
        """Write what waits, and end."""
        self._commits.close()

    def _endpoint(self, read: Reader) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            if request.method == "OPTIONS":
                return answers.preflight()
            try:
                return await self._take(request, read)
            except Refused as refused:
                return refused.answer()

        return endpoint

    async def _take(self, request: Request, read: Reader) -> Response:
        if self._commits.is_full:
            raise _busy()
        given = keys.key_in(request.headers.get("authorization"))
        key = await self._key(given) if given else None
        packed = await bodies.body_of(request)
        body = bodies.json_of(packed)
        if key is None:
            key = await self._key(body.get("writeKey") if isinstance(body, dict) else None)
        agent = request.headers.get("user-agent", "")[: CHARACTERS["user_agent"]] or None
        call = Call(key, datetime.now(UTC), request.client.host if request.client else None, agent)
        try:
            taken = read(body, len(packed), call)
        except Refused as refused:
            self._commits.note_refused(key, _agent_name(agent), refused.reason, refused.event_count)
            raise
        return await self._durable(key, taken)

    async def _durable(self, key: WriteKey, taken: Taken) -> Response:
        if not taken.rows:
            return answers.taken()
        try:
            await self._commits.durable(key, taken.library, taken.rows)
        except Full as error:
            raise _busy() from error
        except Unavailable as error:
            raise _unavailable() from error
        return answers.taken()

    async def _key(self, given: object) -> WriteKey:
        checked = keys.checked(given)
        is_known, found = self._keys.known(checked)
        if not is_known:
            try:
                found = await run_in_threadpool(self._keys.find, checked)
            except DaybookError as error:
                raise _unavailable() from error
        if found is None:
            raise keys.unknown_key()
        return found


def app() -> Starlette:
    """The collector alone, from the settings: `uvicorn --factory lib.collect.routes:app`. Raises BadSetting."""
    store = Store(load_settings().database_url)
    collector = Collector(store)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(collector.close)

    async def healthz(_request: Request) -> Response:
        try:
            await run_in_threadpool(schema.require_current, store)
        except DaybookError:
            return JSONResponse({"status": "unavailable"}, 503)
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/healthz", healthz), *collector.routes()], lifespan=lifespan)


def _agent_name(agent: str | None) -> str:
    return (agent or "").split(" ", 1)[0][:100]


def _busy() -> Refused:
    what = "Too many events wait to be written: send them again in a moment"
    return Refused(429, "busy", what, retry_seconds=RETRY_SECONDS)


def _unavailable() -> Refused:
    what = "Nothing can be written now: send the events again later"
    return Refused(503, "unavailable", what, retry_seconds=RETRY_SECONDS * 5)
