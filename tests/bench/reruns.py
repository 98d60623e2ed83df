"""How quickly the console's pages run, alone and while the collector takes events in: `python -m tests.bench.reruns`.

Each viewer is a WebSocket of its own that asks for a page as the browser does and waits until its run has ended: what
is measured is the server, with program, figures and protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import websockets
from sqlalchemy import select
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from lib.access.tokens import hash_of_token
from lib.access.viewer import EVERY_TENANT
from lib.jobs import demo
from lib.store.accounts import account_named
from lib.store.tables import AccountSession, Application, MiniProgram
from tests.accounts import AccountType, add_viewer
from tests.bench.collector import BATCH_EVENTS, CONNECTIONS, _batch, basic
from tests.lib.collecting import new_key
from tests.site import Site

TOKEN = "a-session-of-the-benchmark"
PAGES = {"overview": "global_overview", "dashboard": "data_dashboard"}
SECONDS = 15.0
VIEWERS = 4
EVENTS_PER_SECOND = 5000


async def _run(socket: Any, page: str, query: str) -> float:
    """Ask for a run of a page; how many seconds until it had ended."""
    asked = BackMsg()
    asked.rerun_script.page_name = page
    asked.rerun_script.query_string = query
    began = time.monotonic()
    await socket.send(asked.SerializeToString())
    while True:
        told = ForwardMsg()
        told.ParseFromString(await asyncio.wait_for(socket.recv(), 60))
        if told.WhichOneof("type") == "script_finished":
            return time.monotonic() - began


async def _view(port: int, seconds: float, think_seconds: float) -> list[float]:
    """What a viewer waits for, page after page."""
    headers = {"Cookie": f"daybook={TOKEN}", "Origin": f"http://127.0.0.1:{port}"}
    taken: list[float] = []
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with websockets.connect(
        address,
        additional_headers=headers,
        subprotocols=["streamlit"],
        max_size=None,  # type: ignore[list-item]
    ) as socket:
        await _run(socket, "", "")
        until, number = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            page = list(PAGES.values())[number % len(PAGES)]
            taken.append(await _run(socket, page, f"period={(7, 15, 30)[number % 3]}-days"))
            number += 1
            await asyncio.sleep(think_seconds)
    return taken


async def _all(port: int, viewers: int, seconds: float, think_seconds: float) -> list[float]:
    every = await asyncio.gather(*(_view(port, seconds, think_seconds) for _ in range(viewers)))
    return sorted(each for taken in every for each in taken)


def viewed(port: int, viewers: int, seconds: float, think_seconds: float) -> list[float]:
    """Seconds of every run that so many viewers asked for, in order."""
    return asyncio.run(_all(port, viewers, seconds, think_seconds))


def sent_evenly(port: int, key: str, seconds: float, per_second: int) -> int:
    """Send batches at an even rate, from several clients; how many events were acknowledged."""
    bodies = [_batch(number) for number in range(int(seconds * per_second / BATCH_EVENTS) + 1)]
    numbers = itertools.count()
    began = time.monotonic()

    def one(_client: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {**basic(key), "Content-Type": "application/json"}
        taken = 0
        with contextlib.closing(connection):
            while (number := next(numbers)) < len(bodies):
                time.sleep(max(0.0, began + number * BATCH_EVENTS / per_second - time.monotonic()))
                if time.monotonic() - began > seconds:
                    break
                connection.request("POST", "/v1/batch", bodies[number], headers)
                answer = connection.getresponse()
                answer.read()
                taken += BATCH_EVENTS if answer.status == 200 else 0
        return taken

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(one, range(CONNECTIONS)))


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as folder:
        site = Site(Path(folder), options=())
        demo.load(site.settings, site.store)
        add_viewer(site.store, "bench", None, AccountType.SYSTEM)
        key = _open(site)
        site.start()
        try:
            with get_context("spawn").Pool(2) as pool:
                pool.apply(viewed, (site.port, 1, 3.0, 0.0))
                busy = pool.apply(viewed, (site.port, VIEWERS, SECONDS, 0.0))
                print(f"{VIEWERS} viewers, no pause: {len(busy) / SECONDS:.1f} runs/s, {_told(busy)}")
                calm = pool.apply(viewed, (site.port, VIEWERS, SECONDS, 1.0))
                print(f"{VIEWERS} viewers, a second's pause: {_told(calm)}")
                load = pool.apply_async(sent_evenly, (site.port, key, SECONDS + 2, EVENTS_PER_SECOND))
                during = pool.apply(viewed, (site.port, VIEWERS, SECONDS, 1.0))
                print(f"the same beside {load.get() / (SECONDS + 2):,.0f} events/s collected: {_told(during)}")
        finally:
            site.stop()


def _open(site: Site) -> str:
    now = datetime.now(UTC)
    with site.store.write(EVERY_TENANT) as session:
        account = account_named(session, "bench")
        assert account is not None
        session.add(
            AccountSession(
                account_id=account.id,
                token_hash=hash_of_token(TOKEN),
                address="127.0.0.1",
                user_agent="bench",
                created_at=now,
                last_seen_at=now,
                expires_at=now + timedelta(hours=1),
            )
        )
        program = session.scalars(select(MiniProgram.key).order_by(MiniProgram.id)).first()
        application = session.scalars(select(Application.key).order_by(Application.id)).first()
    assert program is not None
    return new_key(site.store, application, "demo", program)


def _told(taken: list[float]) -> str:
    p95 = taken[int(len(taken) * 0.95)]
    return f"p50 {1000 * statistics.median(taken):.0f} ms, p95 {1000 * p95:.0f} ms of {len(taken)} runs"


if __name__ == "__main__":
    sys.exit(main())
