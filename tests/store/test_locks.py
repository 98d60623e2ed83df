"""One holder of a job at a time: among threads, processes and machines, the dead ones included."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from lib.access.viewer import EVERY_TENANT
from lib.errors import Busy, Unavailable
from lib.store import Store, locks
from lib.store.locks import Hold, job_lock
from lib.store.processes import this_process
from lib.store.tables import JobLock
from tests.store.others import address, running

HOLDER = """
import sys, time
from lib.store import Store
from lib.store.locks import job_lock
with job_lock(Store(sys.argv[1]), "refresh"):
    print("held", flush=True)
    time.sleep(60)
"""


def holders(store: Store) -> list[str]:
    with store.read(EVERY_TENANT) as session:
        return list(session.scalars(sa.select(JobLock.holder)))


def hold_as(store: Store, holder: str, beat_at: datetime) -> None:
    """Let somebody have the job who was last heard of at `beat_at`."""
    with store.write(EVERY_TENANT) as session:
        session.merge(JobLock(job="refresh", holder=holder, beat_at=beat_at))


def test_a_job_is_held_once_and_is_free_afterwards(store: Store) -> None:
    with job_lock(store, "refresh"):
        with pytest.raises(Busy) as refused, job_lock(store, "refresh"):
            pass
        assert str(refused.value) == "refresh is already running: wait until it has finished, and try again."
        with job_lock(store, "seal"):
            assert len(holders(store)) == 2
    assert holders(store) == []
    with job_lock(store, "refresh"):
        pass


def test_a_job_is_free_after_an_error(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), job_lock(store, "refresh"):
        raise ZeroDivisionError
    assert holders(store) == []


def test_a_killed_process_is_succeeded_at_once(store: Store) -> None:
    with running(HOLDER, address(store)) as process:
        with pytest.raises(Busy), job_lock(store, "refresh"):
            pass
        process.kill()  # it is not waited for yet: a zombie is as dead
        while "Z" not in _state(process.pid):
            time.sleep(0.01)
        began = time.monotonic()
        with job_lock(store, "refresh"):
            assert time.monotonic() - began < 2


def _state(number: int) -> str:
    with open(f"/proc/{number}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


def test_a_later_process_with_the_number_of_the_dead_holder_is_not_taken_for_it(store: Store) -> None:
    me = this_process()
    hold_as(store, f"{me.host} {me.place} {me.number} 1 feed", datetime.now(UTC))
    with job_lock(store, "refresh"):
        pass


def test_a_holder_elsewhere_is_succeeded_after_a_minute_of_silence(store: Store) -> None:
    holder = "other-host other-place 17 4242 feed"
    hold_as(store, holder, datetime.now(UTC) - timedelta(seconds=50))
    with pytest.raises(Busy), job_lock(store, "refresh"):
        pass
    assert holders(store) == [holder]
    hold_as(store, holder, datetime.now(UTC) - timedelta(seconds=61))
    with job_lock(store, "refresh"):
        assert holder not in holders(store)


def test_a_hold_that_was_not_released_does_not_block_its_own_process(store: Store) -> None:
    hold_as(store, f"{this_process()} feed", datetime.now(UTC))
    with job_lock(store, "refresh"):
        pass


def test_a_holder_beats(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.05)
    with job_lock(store, "refresh") as hold:
        hold_as(store, hold.holder, datetime(2024, 2, 29, tzinfo=UTC))
        until = time.monotonic() + 10
        while time.monotonic() < until:
            time.sleep(0.05)
            with store.read(EVERY_TENANT) as session:
                beat_at = session.scalars(sa.select(JobLock.beat_at)).one()
            if beat_at.year > 2024:
                break
        assert abs(datetime.now(UTC) - beat_at) < timedelta(seconds=10)
        hold.require()


def test_a_holder_that_was_succeeded_learns_it_and_leaves_its_successor_alone(store: Store) -> None:
    successor = "other-host other-place 17 4242 feed"
    with job_lock(store, "refresh") as hold:
        hold_as(store, successor, datetime.now(UTC))
        hold.beat()
        with pytest.raises(Unavailable, match="Another machine took refresh over"):
            hold.require()
    assert holders(store) == [successor]


def test_a_beat_of_nobody_is_lost(store: Store) -> None:
    hold = Hold(store, "refresh", "nobody")
    hold.beat()
    assert hold.is_lost
