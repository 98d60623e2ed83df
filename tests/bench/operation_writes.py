"""The operation log written by many processes, against COPY, beside the sealer; and verified."""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from lib.access.viewer import EVERY_TENANT
from lib.jobs.seal import seal
from lib.logs.rows import COLUMNS
from lib.logs.verify.run import Question, verify
from lib.settings import load_settings
from lib.store import Store, operations, schema
from tests.postgres import NoPostgreSQL, Server

Figure = tuple[str, str, str, str]
Rows = list[tuple[Any, ...]]

BATCH, BATCHES, SECONDS = 1000, 20, 8.0
_CONTEXT = multiprocessing.get_context("spawn")


def add(store: Store, rows: Rows) -> None:
    """Add rows in one transaction."""
    with store.write(EVERY_TENANT) as session:
        operations.add_rows(session, rows, [None] * len(rows))


def moved(rows: Rows, by: int) -> Rows:
    """The same rows under other ids."""
    return [(row[0], row[1] + (by << 12), *row[2:]) for row in rows]


def sqlite_writers(rows: Rows, folder: Path) -> Iterator[Figure]:
    """Four processes that write batches of 100 into one file: their rate, and the longest that one waited."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        store = Store(f"sqlite:///{home}/daybook.sqlite")
        schema.migrate(store)
        rate, longest = _together(str(store.url), rows[:100], 4)
        store.dispose()
    yield "four writing processes on SQLite, batches of 100: rows a second", f"{rate:,.0f}", "", ""
    yield "four writing processes on SQLite: longest transaction, wait included, ms", f"{longest * 1000:,.0f}", "", ""


def postgresql(rows: Rows) -> Iterator[Figure]:
    """Batches against raw COPY into the same table, and eight writers with and without the sealing job."""
    try:
        server = Server.start()
    except NoPostgreSQL:
        return
    try:
        yield from _against_copy(server, rows)
        yield from _beside_sealing(server, rows)
    finally:
        server.stop()


def verified(store: Store, folder: Path, tenant_id: int) -> Iterator[Figure]:
    """A tenant's log against its seals and checkpoints, in this process and in two."""
    verify(store, tenant_id, Question((folder,)))  # what is done once a process is no cost of a row
    for processes in (1, 2):
        began, spent = time.perf_counter(), time.process_time()
        found = verify(store, tenant_id, Question((folder,), processes=processes))
        took, spent = time.perf_counter() - began, time.process_time() - spent
        if found.count:
            raise SystemExit(f"the honest log has {found.count} findings")
        cpu = f"{spent / found.rows * 1e6:.1f}" if processes == 1 else ""
        name = f"rows verified a second by {processes} processes; CPU microseconds a row"
        yield name, f"{found.rows / took:,.0f}", cpu, ""


def _against_copy(server: Server, rows: Rows) -> Iterator[Figure]:
    database, store = _database(server)
    where: dict[str, Any] = {"host": str(server.folder), "port": server.port, "user": "postgres", "dbname": database}
    ours, theirs = [], []
    with psycopg.connect(**where) as peer:
        for number in range(BATCHES):
            ours.append(_seconds(partial(add, store, moved(rows, 2 * number))))
            theirs.append(_seconds(partial(_copy, peer, moved(rows, 2 * number + 1))))
    store.dispose()
    rates = [len(rows) / statistics.median(each) for each in (ours, theirs)]
    name = "writes of 1,000 on PostgreSQL, rows a second; raw COPY by a superuser"
    yield name, f"{rates[0]:,.0f}", f"{rates[1]:,.0f}", f"{rates[0] / rates[1]:.2f}"


def _copy(peer: psycopg.Connection[Any], rows: Rows) -> None:
    with peer.cursor() as cursor:
        with cursor.copy(f"COPY operation ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        with cursor.copy("COPY operation_pending (tenant_id, id) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row[:2])
    peer.commit()


def _beside_sealing(server: Server, rows: Rows) -> Iterator[Figure]:
    rates = []
    for beside in (None, _seal_on):
        database, store = _database(server)
        rates.append(_together(server.url(database), rows[:100], 8, beside)[0])
        store.dispose()
        server.drop(database)
    name = "eight writers on PostgreSQL while the sealer runs, rows a second; while it does not"
    yield name, f"{rates[1]:,.0f}", f"{rates[0]:,.0f}", f"{rates[1] / rates[0]:.2f}"


def _database(server: Server) -> tuple[str, Store]:
    database = server.create()
    store = Store(server.url(database))
    schema.migrate(store)
    return database, store


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _together(
    url: str, rows: Rows, writers: int, beside: Callable[[str, float], None] | None = None
) -> tuple[float, float]:
    """Rows a second of so many processes together, and the longest transaction. What fails in one fails here."""
    told = _CONTEXT.Queue()
    begin = time.time() + 4
    processes = [
        _CONTEXT.Process(target=_write, args=(url, moved(rows, number << 14), begin, told)) for number in range(writers)
    ]
    if beside is not None:
        processes.append(_CONTEXT.Process(target=beside, args=(url, begin)))
    for process in processes:
        process.start()
    found = [told.get(timeout=120) for _ in range(writers)]
    for process in processes:
        process.join()
        if process.exitcode:
            raise SystemExit("a process that wrote or sealed failed")
    return sum(count for count, _ in found) / SECONDS, max(longest for _, longest in found)


def _write(url: str, rows: Rows, begin: float, told: Any) -> None:
    store, longest, count, number = Store(url), 0.0, 0, 0
    time.sleep(max(begin - time.time(), 0))
    while time.time() < begin + SECONDS:
        some = moved(rows, number)
        longest = max(longest, _seconds(partial(add, store, some)))
        count, number = count + len(rows), number + 1
    told.put((count, longest))


def _seal_on(url: str, begin: float) -> None:
    with tempfile.TemporaryDirectory() as home:
        settings, store = load_settings({"DAYBOOK_HOME": home, "DAYBOOK_DATABASE_URL": url}), Store(url)
        time.sleep(max(begin - time.time(), 0))
        while time.time() < begin + SECONDS:
            seal(store, settings)
            time.sleep(1)
