"""How many events a second the collector takes in, durable before each answer: `python -m tests.bench.collector`."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.faults.sending import event
from tests.lib.collecting import basic, new_key
from tests.lib.companies import make_companies
from tests.site import Site

BATCH_EVENTS = 100
SECONDS = 10.0
CONNECTIONS = 8


def sent(port: int, key: str, seconds: float, connections: int) -> tuple[int, list[float]]:
    """Send batches on so many connections; how many events were acknowledged, and how long each batch took."""
    bodies = [_batch(number) for number in range(200)]
    until = time.monotonic() + seconds
    taken: list[float] = []

    def one(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {**basic(key), "Content-Type": "application/json"}
        with contextlib.closing(connection):
            number = first
            while time.monotonic() < until:
                began = time.monotonic()
                connection.request("POST", "/v1/batch", bodies[number % len(bodies)], headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    taken.append(time.monotonic() - began)
                number += connections

    threads = [threading.Thread(target=one, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(taken) * BATCH_EVENTS, taken


def _batch(number: int) -> bytes:
    context = {
        "app": {"namespace": "web", "version": "2.3.1"},
        "os": {"name": "Android", "version": "14"},
        "device": {"model": "Mi 14"},
        "library": {"name": "analytics", "version": "1.0"},
    }
    first = number * BATCH_EVENTS
    events = [
        {**event(each), "context": {**context, "sessionId": f"s{each % 100}"}, "properties": {"duration_ms": 4000}}
        for each in range(first, first + BATCH_EVENTS)
    ]
    return json.dumps({"batch": events}, ensure_ascii=False).encode()


def collected(folder: Path, *, seconds: float = SECONDS, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """The figures of a server in a home of its own, asked by a process of its own."""
    site = Site(folder, options=options)
    make_companies(site.store)
    key = new_key(site.store)
    site.start()
    try:
        with get_context("spawn").Pool(1) as pool:
            pool.apply(sent, (site.port, key, 1.0, CONNECTIONS))
            began, cpu = time.monotonic(), _cpu_seconds(site)
            events, taken = pool.apply(sent, (site.port, key, seconds, CONNECTIONS))
            passed, cpu = time.monotonic() - began, _cpu_seconds(site) - cpu
    finally:
        site.stop()
    taken.sort()
    return {
        "seconds": passed,
        "events": events,
        "events_per_second": events / passed,
        "events_per_cpu_second": events / cpu,
        "p50_ms": 1000 * statistics.median(taken),
        "p95_ms": 1000 * taken[int(len(taken) * 0.95)],
    }


def _cpu_seconds(site: Site) -> float:
    """What the server's process has used so far."""
    fields = Path(f"/proc/{site.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the figures of both ways to serve."""
    for name, options in (("collector alone", ("--collector-only",)), ("with the console", ())):
        with tempfile.TemporaryDirectory(prefix="daybook-bench-") as folder:
            found = collected(Path(folder), options=options)
        print(name, {key: round(value, 1) for key, value in found.items()}, file=sys.stdout)


if __name__ == "__main__":
    main()
