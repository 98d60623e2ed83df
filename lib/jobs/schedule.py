"""The schedule inside `daybook serve`: soon after each half hour has closed, a refresh and a look for findings in
processes of their own, once a day a purge, every few seconds the sealing of the operation log, and every half minute
the cleaning of server logs.

A process of its own, because counting holds the interpreter and memory that the pages need. Where cron or a timer runs
`daybook refresh` instead, serve with --no-schedule; both at once are harmless, since a refresh runs once at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from lib.errors import Busy, DaybookError
from lib.jobs import cleaning, seal
from lib.settings import PROJECT_DIR, Settings
from lib.store import Store
from lib.store.runs import last_started_at
from lib.usage.buckets import BUCKET, bucket_of, start_of
from lib.usage.lake import Lake

AFTER_CLOSE = timedelta(seconds=20)
"""How long after a half hour its refresh begins: events of its last seconds are on their way."""

COMMAND = (sys.executable, "-m", "lib.cli", "refresh")

PURGE = (sys.executable, "-m", "lib.cli", "purge")
PURGE_EVERY = timedelta(days=1)

FINDINGS = (sys.executable, "-m", "lib.cli", "findings")

SEAL = (sys.executable, "-m", "lib.cli", "seal")
SEAL_EVERY = timedelta(seconds=5)
AFTER_FAILURE = timedelta(seconds=60)

CLEAN_EVERY = timedelta(seconds=30)

_log = logging.getLogger(__name__)


def next_start(now: datetime, as_of: datetime | None) -> datetime:
    """When the refresh is to begin: at once where a closed half hour is not counted yet, else after the next one
    closes."""
    closed = start_of(bucket_of(now - AFTER_CLOSE))
    if as_of is None or as_of < closed:
        return now
    return closed + BUCKET + AFTER_CLOSE


async def run(stop: asyncio.Event, settings: Settings, command: Sequence[str] = COMMAND) -> None:
    """Run refreshes until `stop` is set. A failed one is logged and tried again after the next half hour."""
    lake, store = Lake(settings.lake), Store(settings.database_url)
    failed_at: datetime | None = None
    while not stop.is_set():
        now = datetime.now(UTC)
        as_of = await asyncio.to_thread(lambda: lake.manifest().as_of)
        begin = next_start(now, as_of if failed_at is None else max(failed_at, as_of or failed_at))
        if await _stopped(stop, (begin - now).total_seconds()):
            return
        code = await _run(stop, command)
        failed_at = None if code == 0 else datetime.now(UTC)
        if not stop.is_set() and await asyncio.to_thread(_findings_are_due, store):
            await _run(stop, FINDINGS)
        if not stop.is_set() and await asyncio.to_thread(_purge_is_due, store):
            await _run(stop, PURGE)


async def run_sealing(stop: asyncio.Event, settings: Settings) -> None:
    """Seal the operation log every few seconds until `stop` is set; a failure is logged and tried again in a minute.

    The little that comes in by itself is sealed in a thread; what an import left is worth a process of its own.
    """
    store = Store(settings.database_url)
    while not stop.is_set():
        pause = SEAL_EVERY
        try:
            if await asyncio.to_thread(seal.is_much, store):
                await _run(stop, SEAL)
            else:
                await asyncio.to_thread(seal.seal_and_file, store, settings, stop=stop.is_set)
        except Busy:  # another process seals
            pass
        except DaybookError as error:
            _log.error("the seal failed: %s", error)
            pause = AFTER_FAILURE
        except Exception:
            _log.exception("the seal failed")
            pause = AFTER_FAILURE
        await _stopped(stop, pause.total_seconds())


async def run_cleaning(stop: asyncio.Event, settings: Settings) -> None:
    """Clean the folder of server logs every half minute until `stop` is set; a failure is told once until it works."""
    store = Store(settings.database_url)
    told = ""
    while not stop.is_set():
        try:
            await asyncio.to_thread(cleaning.clean, settings, store)
            told = ""
        except Exception as error:
            if str(error) != told:
                told = str(error)
                _log.error("the cleaning of server logs failed", exc_info=error)
        await _stopped(stop, CLEAN_EVERY.total_seconds())


def _findings_are_due(store: Store) -> bool:
    try:
        last = last_started_at(store, "findings")
    except DaybookError:
        return False
    return last is None or last < start_of(bucket_of(datetime.now(UTC)))


def _purge_is_due(store: Store) -> bool:
    try:
        last = last_started_at(store, "purge")
    except DaybookError:  # the refresh has said what is wrong
        return False
    return last is None or datetime.now(UTC) - last > PURGE_EVERY


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), timeout=max(seconds, 0.01))
    return stop.is_set()


async def _run(stop: asyncio.Event, command: Sequence[str]) -> int:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=PROJECT_DIR,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    said = asyncio.create_task(process.communicate())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({said, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not said.done():
        # Stopping it loses nothing: what it did not publish, the next refresh takes up again.
        process.terminate()
    _, errors = await said
    if process.returncode and not stop.is_set():
        told = errors.decode(errors="replace").strip()[-500:]
        _log.error("the %s failed (%s): %s", command[-1], process.returncode, told)
    return process.returncode or 0
