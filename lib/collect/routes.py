"""The collector's routes: mounted beside the console, or alone (`app`, for any ASGI server)."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from lib.collect import answers, calls, keys, segment, sensors
from lib.collect.answers import RETRY_SECONDS, Refused
from lib.collect.bodies import Bodies, json_of
from lib.collect.calls import Call, Taken
from lib.collect.clickstreams import CHARACTERS
from lib.collect.cloudevents_routes import EventIntake
from lib.collect.commits import Commits, Full
from lib.collect.feedback_routes import FeedbackIntake
from lib.collect.keys import Keys
from lib.errors import BadInput, DaybookError, Unavailable
from lib.logs.files.access_lines import AccessLines
from lib.logs.files.own import log_files
from lib.settings import load_settings
from lib.store import Store, schema
from lib.store.ingest_keys import WriteKey

_OBJECTS = 20_000
"""After how many new objects to look for garbage: a batch of events has as many as Python usually waits for."""

_log = logging.getLogger(__name__)

Reader = Callable[[object, int, Call], Taken]


class Collector:
    """What the routes share: the keys, and the one writer of this process."""

    def __init__(self, store: Store, oldest_event_days: int, feedback_dir: Path) -> None:
        self._oldest_event_days = oldest_event_days
        self._keys = Keys(store)
        self._commits = Commits(store)
        self._bodies = Bodies()
        self._events = EventIntake(store, self._bodies, self._key)
        self._feedback = FeedbackIntake(store, self._bodies, self._key, feedback_dir)

    def routes(self) -> list[BaseRoute]:
        """`/v1/...` and `/sa`."""
        singles = {name: partial(segment.single_taken, type_=name) for name in ("track", "screen", "page", "identify")}
        readers: dict[str, Reader] = {"batch": segment.batch_taken, **singles}
        routes = [
            *(Route(f"/v1/{name}", self._segment(read), methods=["POST", "OPTIONS"]) for name, read in readers.items()),
            Route("/v1/events", self._taking(self._events.take), methods=["POST", "OPTIONS"]),
            Route("/v1/feedback", self._taking(self._feedback.take), methods=["POST", "OPTIONS"]),
            Route("/v1/feedback/logs", self._taking(self._feedback.take_log), methods=["POST", "OPTIONS"]),
            Route("/sa", self._sensors, methods=["GET", "POST", "OPTIONS"]),
        ]
        return [*routes, Route("/v1/{rest:path}", _Elsewhere(frozenset(route.path for route in routes)))]

    def close(self) -> None:
        """Write what waits, and end."""
        self._commits.close()
        self._events.close()
        self._feedback.close()

    def _segment(self, read: Reader) -> Callable[[Request], Awaitable[Response]]:
        async def take(request: Request) -> Response:
            given = keys.key_in(request.headers.get("authorization"))
            key = await self._key(given) if given else None
            packed = await self._bodies.read(request)
            body = json_of(packed)
            if key is None:
                key = await self._key(body.get("writeKey") if isinstance(body, dict) else None)
            return await self._taken(key, request, lambda call: read(body, len(packed), call))

        return self._taking(take)

    def _taking(self, take: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return answers.preflight() if request.method == "OPTIONS" else await self._answer(take(request))

        return endpoint

    async def _sensors(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return answers.preflight()
        answer = await self._answer(self._take_sensors(request))
        # Its library forgets events at any whole answer, also at one that asks it to come again.
        return answers.torn(answer) if answer.status_code in {408, 429, 500, 503} else answer

    async def _take_sensors(self, request: Request) -> Response:
        asked = request.query_params
        given = asked.get("key") or asked.get("token") or keys.key_in(request.headers.get("authorization"))
        key = await self._key(given)
        body = await self._bodies.read(request)
        params = sensors.params_of(request.url.query, body)
        return await self._taken(key, request, lambda call: sensors.taken(params, call))

    async def _answer(self, taking: Awaitable[Response]) -> Response:
        try:
            return await taking
        except Refused as refused:
            return refused.answer()
        except Full:
            return _busy().answer()
        except Unavailable:
            return _unavailable().answer()
        except Exception:
            _log.exception("a request of the collector failed")
            return Refused(500, "failed", "Daybook failed: its log says why").answer()

    async def _taken(self, key: WriteKey, request: Request, read: Callable[[Call], Taken]) -> Response:
        agent = request.headers.get("user-agent", "")[: CHARACTERS["user_agent"]] or None
        host = request.client.host if request.client else None
        call = Call(key, datetime.now(UTC), host, agent, self._oldest_event_days)
        try:
            taken = read(call)
            await self._keep(key, taken)
        except Refused as refused:
            self._commits.note_refused(key, calls.library_of(None, None, agent), refused.reason, refused.event_count)
            raise
        return answers.taken()

    async def _keep(self, key: WriteKey, taken: Taken) -> None:
        """Return once everything is on disk. Raises Refused where it names applications that may not be made."""
        if not taken.rows:
            return
        try:
            await self._commits.durable(key, taken.library, taken.rows)
        except BadInput as error:
            what, event_count = str(error).rstrip("."), len(taken.rows)
            raise Refused(400, "too_many", what, field=taken.application_field, event_count=event_count) from error

    async def _key(self, given: object) -> WriteKey:
        checked = keys.checked(given)
        is_known, found = self._keys.known(checked)
        if not is_known:
            found = await run_in_threadpool(self._keys.find, checked)
        if found is None:
            raise keys.unknown_key()
        return found


class _Elsewhere:
    """Answers what no route takes, which beside the console would else be the console's page with status 200."""

    def __init__(self, posted: frozenset[str]) -> None:
        self._posted = posted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """405 where something else can be sent, or else 404."""
        if scope["path"] in self._posted:
            answer = Refused(405, "method_not_allowed", "Only POST and OPTIONS are allowed here").answer()
            answer.headers["Allow"] = "POST, OPTIONS"
        else:
            answer = Refused(404, "not_found", "Nothing is taken in here").answer()
        await answer(scope, receive, send)


def look_for_garbage_seldom() -> None:
    """Take what is loaded by now out of the garbage collector's sight, and let it look at the rest less often.

    What is loaded stays, and a batch's objects refer to nothing that refers to them: looking through them all again and
    again took a tenth of the collector's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS)


def app() -> Starlette:
    """The collector alone, from the settings: `uvicorn --factory lib.collect.routes:app`. Raises BadSetting."""
    settings = load_settings()
    collector = Collector(store := Store(settings.database_url), settings.oldest_event_days, settings.feedback_dir)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        look_for_garbage_seldom()
        with log_files(settings.log_dir):
            yield
            await run_in_threadpool(collector.close)

    async def healthz(_request: Request) -> Response:
        try:
            await run_in_threadpool(schema.require_current, store)
        except DaybookError:
            return JSONResponse({"status": "unavailable"}, 503)
        return JSONResponse({"status": "ok"})

    routes = [Route("/healthz", healthz), *collector.routes()]
    return Starlette(routes=routes, middleware=[Middleware(AccessLines)], lifespan=lifespan)


def _busy() -> Refused:
    what = "Too many events wait to be written: send them again in a moment"
    return Refused(429, "busy", what, retry_seconds=RETRY_SECONDS)


def _unavailable() -> Refused:
    what = "Nothing can be written now: send the events again later"
    return Refused(503, "unavailable", what, retry_seconds=RETRY_SECONDS * 5)
