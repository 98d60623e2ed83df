"""Several processes that write to one SQLite file."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib.access.viewer import EVERY_TENANT
from lib.store import Store
from lib.store.tables import JobRun
from lib.store.turns import writers_turn
from tests.store.others import address, running, started

WRITER = """
import sys, time
from datetime import UTC, datetime
from lib.store import Store
from lib.store.tables import JobRun
store, name, longest = Store(sys.argv[1]), sys.argv[2], 0.0
sys.stdin.readline()
for number in range(50):
    began = time.perf_counter()
    with store.write("every") as session:
        session.add(JobRun(job=name, started_at=datetime.now(UTC), status="done"))
    longest = max(longest, time.perf_counter() - began)
print(longest)
"""

HOLDER = """
import sys, time
from lib.store import Store
from lib.store.tables import JobRun
with Store(sys.argv[1]).write("every") as session:
    session.execute(JobRun.__table__.delete())
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.mark.timeout(120)
def test_four_processes_write_at_once_and_none_fails_or_starves(sqlite_store: Store) -> None:
    writers = [started(WRITER, address(sqlite_store), f"writer {number}") for number in range(4)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    longest_seconds = [float(writer.communicate(timeout=100)[0]) for writer in writers]
    with sqlite_store.read(EVERY_TENANT) as session:
        written = dict(session.execute(sa.select(JobRun.job, sa.func.count()).group_by(JobRun.job)).all())
    assert written == {f"writer {number}": 50 for number in range(4)}
    assert max(longest_seconds) < 5  # about 0.1 where nothing else runs; the busy handler alone waits tens of seconds


def test_who_waits_is_overtaken_by_nobody_who_has_just_written(tmp_path: Path) -> None:
    turns: list[int] = []
    overtaken: list[int] = []

    def write(number: int) -> None:
        for _ in range(12):
            before = len(turns)
            with writers_turn(str(tmp_path / "file"), 60):
                overtaken.append(len(turns) - before)
                turns.append(number)
                time.sleep(0.01)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(turns) == 48
    assert max(overtaken) <= 6  # three stand before it; where the queue begins, one may be faster


def test_a_writer_that_is_killed_leaves_the_turn_and_no_trace(sqlite_store: Store) -> None:
    with sqlite_store.write(EVERY_TENANT) as session:
        session.add(JobRun(job="kept", started_at=datetime.now(UTC), status="done"))
    with running(HOLDER, address(sqlite_store)) as process:
        process.kill()
        process.wait()
        began = time.monotonic()
        with sqlite_store.write(EVERY_TENANT) as session:
            assert session.scalars(sa.select(JobRun.job)).all() == ["kept"]
        assert time.monotonic() - began < 2


def test_a_write_inside_a_write_is_refused_at_once_instead_of_waiting_for_itself(sqlite_store: Store) -> None:
    began = time.monotonic()
    with sqlite_store.write(EVERY_TENANT), pytest.raises(RuntimeError, match="begun inside another"):
        sqlite_store.write(EVERY_TENANT).__enter__()
    assert time.monotonic() - began < 1
    with sqlite_store.write(EVERY_TENANT):
        pass
