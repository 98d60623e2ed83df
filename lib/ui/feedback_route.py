"""`GET /feedback/images/{id}` and `GET /feedback/logs/{id}`: what came with feedback, to a browser that may see it.

A picture is shown as what its bytes are; anything else, whatever it is called, is saved and never run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from lib.access.viewer import Viewer
from lib.errors import DaybookError, NotFound
from lib.export.names import content_disposition
from lib.queries.entrance import Entrance
from lib.queries.feedback import FeedbackQueries, ImageFile
from lib.queries.feedback_logs import FeedbackLogQueries, LogFile
from lib.settings import Settings
from lib.store import Store
from lib.ui import file_answers
from lib.words import Phrase

_PART = 1 << 18
_SAFELY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Encoding": "identity",
}


def feedback_routes(store: Store, settings: Settings, entrance: Entrance) -> list[Route]:
    """The two routes. Whoever asks needs the cookie of a session whose account may see it; a system administrator
    names the `tenant` in the query."""

    async def answer(request: Request, kind: str, ask: Callable[[Viewer, int], Response]) -> Response:
        if not file_answers.is_from_here(request):
            return file_answers.foreign()
        token, address = file_answers.asker(request, settings.base_url)
        written = str(request.path_params["id"])

        def asked() -> Response:
            viewer = entrance.viewer_of(token, request.query_params.get("tenant"), address=address)
            return ask(viewer, _number(written, kind))

        try:
            return await run_in_threadpool(asked)
        except DaybookError as error:
            return file_answers.refusal(error)

    async def image(request: Request) -> Response:
        def ask(viewer: Viewer, number: int) -> Response:
            return _image(FeedbackQueries(viewer, store, settings).image(number))

        return await answer(request, "kind.feedback_image", ask)

    async def log(request: Request) -> Response:
        def ask(viewer: Viewer, number: int) -> Response:
            return _log(FeedbackLogQueries(viewer, store, settings).opened(number))

        return await answer(request, "kind.feedback_log", ask)

    return [
        Route("/feedback/images/{id}", image, methods=["GET"]),
        Route("/feedback/logs/{id}", log, methods=["GET"]),
    ]


def _number(written: str, kind: str) -> int:
    if not (written.isascii() and written.isdecimal() and len(written) <= 19 and int(written) < 1 << 63):
        raise NotFound(kind=Phrase(kind), key=written[:40])
    return int(written)


def _image(file: ImageFile) -> Response:
    headers = _SAFELY | {"Cache-Control": "private, no-store"}
    if not file.is_picture:
        headers["Content-Disposition"] = content_disposition(file.name)
    return Response(file.content, media_type=file.mime, headers=headers)


def _log(file: LogFile) -> Response:
    headers = _SAFELY | {
        "Content-Disposition": content_disposition(file.name),
        "Content-Length": str(file.size_bytes),
        "Cache-Control": "no-store",
    }
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # deleted meanwhile
        return file_answers.refusal(NotFound(kind=Phrase("kind.feedback_log"), key=file.name))
    return StreamingResponse(_parts(descriptor), media_type="application/octet-stream", headers=headers)


def _parts(descriptor: int) -> Iterator[bytes]:
    with os.fdopen(descriptor, "rb") as source:
        while part := source.read(_PART):
            yield part
