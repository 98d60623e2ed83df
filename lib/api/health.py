"""`/healthz` and `/metrics`: for the one, and the machines, who keep the server running."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from lib.errors import DaybookError
from lib.settings import Settings
from lib.store import Store, schema
from lib.usage.lake import Lake

_STARTED = time.monotonic()


def routes(store: Store, settings: Settings) -> list[BaseRoute]:
    """Both routes. They tell strangers no more than that the server works and how fresh its figures are."""

    async def healthz(_request: Request) -> Response:
        fault = await run_in_threadpool(_fault, store)
        as_of = await run_in_threadpool(_as_of, settings)
        answer = {
            "status": "ok" if fault is None else "unavailable",
            "database": "ok" if fault is None else "unavailable",
            "as_of": None if as_of is None else as_of.isoformat(),
        }
        return JSONResponse(answer, 200 if fault is None else 503, {"Cache-Control": "no-store"})

    async def metrics(_request: Request) -> Response:
        fault = await run_in_threadpool(_fault, store)
        as_of = await run_in_threadpool(_as_of, settings)
        return PlainTextResponse(_exposition(fault is None, as_of), media_type="text/plain; version=0.0.4")

    return [Route("/healthz", healthz), Route("/metrics", metrics)]


def _fault(store: Store) -> DaybookError | None:
    try:
        schema.require_current(store)
    except DaybookError as error:
        return error
    return None


def _as_of(settings: Settings) -> datetime | None:
    try:
        return Lake(settings.lake).manifest().as_of
    except (OSError, ValueError, KeyError, DaybookError):
        return None


def _exposition(is_reachable: bool, as_of: datetime | None) -> str:
    figures = [
        ("daybook_up", "Whether the server answers.", 1.0),
        (
            "daybook_database_up",
            "Whether the database answers and has this version's tables.",
            float(is_reachable),
        ),
        ("daybook_uptime_seconds", "Seconds since the server started.", time.monotonic() - _STARTED),
    ]
    if as_of is not None:
        age = (datetime.now(UTC) - as_of).total_seconds()
        figures.append(
            ("daybook_figures_age_seconds", "Seconds since the end of the last counted bucket.", age)
        )
    return "".join(
        f"# HELP {name} {text}\n# TYPE {name} gauge\n{name} {value:g}\n" for name, text, value in figures
    )
