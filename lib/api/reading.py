"""The read API's routes: from a request to its resource, and from whatever comes of it to JSON."""

from __future__ import annotations

import logging
from secrets import token_hex

import orjson
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from lib.api import openapi
from lib.api.authentication import token_of
from lib.api.feedback import FEEDBACK
from lib.api.operations import OPERATIONS
from lib.api.parameters import read_query
from lib.api.places import APPLICATIONS, MINI_PROGRAMS
from lib.api.resources import NOTICE, Resource
from lib.api.sign_ins import SIGN_INS
from lib.api.usage import USAGE
from lib.api.visits import VISITS
from lib.errors import BadInput, DaybookError, NotFound, NotPermitted, NotSignedIn
from lib.export.json_rows import json_rows
from lib.queries.api_access import ApiAccess
from lib.queries.console import Console
from lib.settings import Settings
from lib.store import Store

RESOURCES = (USAGE, MINI_PROGRAMS, APPLICATIONS, VISITS, SIGN_INS, OPERATIONS, FEEDBACK)

AT_ONCE = 4
"""How many answers are worked out at the same time; further requests wait, and leave the pages their threads."""

_ALLOWED = "GET, HEAD, OPTIONS"
_NO_TOKEN = (
    "Send a token that works in the header Authorization: Bearer dbk_... (`daybook token add` makes one)"  # noqa: S105
)

_log = logging.getLogger(__name__)


def routes(store: Store, settings: Settings) -> list[BaseRoute]:
    """A route for each resource, their description, and 404 for everything else below /api."""
    limiter = CapacityLimiter(AT_ONCE)
    access = ApiAccess(store)
    described = orjson.dumps(openapi.description(RESOURCES))
    return [
        *(Route(each.path, _Reading(each, access, store, settings, limiter)) for each in RESOURCES),
        Route(openapi.PATH, _Described(described)),
        Route("/api/{rest:path}", _Nothing()),
    ]


class _Endpoint:
    """Answers GET and HEAD with `respond`, OPTIONS with what is allowed, and the rest with 405."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method in {"GET", "HEAD"}:
            response = await self.respond(request)
        elif request.method == "OPTIONS":
            response = Response(status_code=204)
        else:
            response = _problem(405, "method_not_allowed", f"Only {_ALLOWED} are allowed here")
        if response.status_code in {204, 405}:
            response.headers["Allow"] = _ALLOWED
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    async def respond(self, request: Request) -> Response:
        raise NotImplementedError


class _Reading(_Endpoint):
    def __init__(
        self, resource: Resource, access: ApiAccess, store: Store, settings: Settings, limiter: CapacityLimiter
    ) -> None:
        self._resource = resource
        self._access = access
        self._store = store
        self._settings = settings
        self._limiter = limiter

    async def respond(self, request: Request) -> Response:
        try:
            token = token_of(request)
            query = request.query_params.multi_items()
            address = request.client.host if request.client else ""
            body, notice = await to_thread.run_sync(self._answer, token, query, address, limiter=self._limiter)
            answer = _json(200, body)
            if notice is not None:
                answer.headers[NOTICE] = notice
            return answer
        except DaybookError as error:
            return _refusal(error)
        except Exception:
            problem_id = token_hex(8)
            _log.exception("The read API failed on request %s for %s", problem_id, self._resource.path)
            sentence = f"Daybook failed on this: tell its administrator the id {problem_id}"
            return _problem(500, "fault", sentence, problem_id)

    def _answer(self, token: str, query: list[tuple[str, str]], address: str) -> tuple[bytes, str | None]:
        # Whose token it is comes first: a stranger learns nothing from what is said about parameters.
        self._access.require(token)
        asked = read_query(self._resource.parameters, query)
        viewer = self._access.viewer_of(token, asked["tenant"], address)
        console = Console(viewer, self._store, self._settings)
        return orjson.dumps(json_rows(self._resource.answer(console, asked))), self._resource.notice(asked)


class _Described(_Endpoint):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def respond(self, request: Request) -> Response:
        return _json(200, self._body)


class _Nothing(_Endpoint):
    async def respond(self, request: Request) -> Response:
        return _problem(404, "not_found", f"There is nothing here: {openapi.PATH} says what there is")


def _refusal(error: DaybookError) -> Response:
    match error:
        case NotSignedIn():
            response = _problem(401, "not_signed_in", _NO_TOKEN)
            response.headers["WWW-Authenticate"] = 'Bearer realm="Daybook"'
            return response
        case NotPermitted():
            return _problem(403, "not_permitted", str(error))
        case NotFound():
            return _problem(404, "not_found", str(error))
        case BadInput():
            return _problem(400, "bad_input", str(error))
        case _:
            response = _problem(503, "unavailable", str(error))
            response.headers["Retry-After"] = "30"
            return response


def _problem(status: int, error: str, message: str, problem_id: str = "") -> Response:
    return _json(status, orjson.dumps({"error": error, "message": message, "id": problem_id or token_hex(8)}))


def _json(status: int, body: bytes) -> Response:
    return Response(body, status, media_type="application/json")
