"""What Home.py hands to `st.App`: routes, middleware, the lifespan with the schedule, and what becomes of errors."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import pkgutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypedDict

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from lib import ui
from lib.access.passwords import nobodys_hash
from lib.api import health, reading
from lib.collect.routes import Collector, look_for_garbage_seldom
from lib.jobs import schedule
from lib.logs.files.access_lines import AccessLines
from lib.logs.files.own import log_files
from lib.queries.entrance import Entrance
from lib.settings import Settings, load_settings
from lib.store import Store
from lib.store.tables import Base
from lib.ui import faults, single_sign_on
from lib.ui.export_route import export_route
from lib.ui.feedback_route import feedback_routes
from lib.ui.log_files_route import log_files_route
from lib.ui.server import Guard, run_pages_through_home, session_route
from lib.ui.visits_recording import VisitRecording
from lib.usage import own_visits
from lib.usage.lake import Lake
from lib.usage.own_visits import VisitRecorder
from lib.usage.published import read_ahead
from lib.words import catalogue

NO_SCHEDULE = "off"
"""The value of DAYBOOK_SCHEDULE that leaves the schedule to cron or a timer."""

_TIDY_SECONDS = 60.0

_log = logging.getLogger("daybook")


class AppOptions(TypedDict):
    """Arguments of `st.App`."""

    routes: list[BaseRoute]
    middleware: list[Middleware]
    lifespan: Callable[[Any], AbstractAsyncContextManager[None]]
    on_script_error: Callable[[Exception], bool]
    secrets: dict[str, dict[str, str]]


def app_options() -> AppOptions:
    """Compose the server from the settings. Raises BadSetting."""
    run_pages_through_home()
    settings = load_settings()
    store = Store(settings.database_url)
    collector = Collector(store, settings.oldest_event_days, settings.feedback_dir)
    entrance, recorder = Entrance(store), VisitRecorder(store)
    return AppOptions(
        routes=[
            *health.routes(store, settings),
            *reading.routes(store, settings),
            *collector.routes(),
            session_route(entrance, settings.base_url),
            log_files_route(store, settings, entrance),
            *feedback_routes(store, settings, entrance),
            export_route(store, settings, entrance),
        ],
        middleware=[
            Middleware(AccessLines),
            Middleware(VisitRecording, recorder=recorder, base_url=settings.base_url),
            Middleware(Guard, entrance=entrance, base_url=settings.base_url),
        ],
        lifespan=lambda _app: _lifespan(settings, collector, recorder),
        on_script_error=faults.on_script_error,
        secrets=single_sign_on.secrets(settings),
    )


@asynccontextmanager
async def _lifespan(settings: Settings, collector: Collector, recorder: VisitRecorder) -> AsyncIterator[None]:
    with log_files(settings.log_dir):
        await asyncio.to_thread(_warm_up)
        own_visits.use(recorder)
        reading = asyncio.create_task(asyncio.to_thread(_read_ahead, settings))
        async with _schedule(settings), _tidied():
            yield
        await reading
        own_visits.use(None)
        await asyncio.to_thread(recorder.close)
        await asyncio.to_thread(collector.close)


@asynccontextmanager
async def _schedule(settings: Settings) -> AsyncIterator[None]:
    if os.environ.get("DAYBOOK_SCHEDULE") == NO_SCHEDULE:
        yield
        return
    stop = asyncio.Event()
    jobs = (schedule.run(stop, settings), schedule.run_sealing(stop, settings), schedule.run_cleaning(stop, settings))
    running = asyncio.gather(*map(asyncio.create_task, jobs))
    try:
        yield
    finally:
        stop.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(running, timeout=10)


@asynccontextmanager
async def _tidied() -> AsyncIterator[None]:
    """Look for garbage in all that is kept, now and then: what went soon was found before."""

    async def tidy() -> None:
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            await asyncio.to_thread(gc.collect)

    tidying = asyncio.create_task(tidy())
    try:
        yield
    finally:
        tidying.cancel()


def _read_ahead(settings: Settings) -> None:
    try:
        read_ahead(Lake(settings.lake))
    except Exception:
        _log.warning("figures are read when they are asked for", exc_info=True)


def _warm_up() -> None:
    """Load now what Streamlit would load in the first runs, and take it out of the collector's sight."""
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
    of_pages = [room.name for room in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}.")]
    for name in ("pandas", "pyarrow", "plotly.graph_objects", *of_pages):
        importlib.import_module(name)
    Base.registry.configure()
    catalogue()
    nobodys_hash()
    look_for_garbage_seldom()
