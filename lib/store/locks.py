"""Jobs of which one may run at a time, whatever process or machine starts them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.errors import Busy, Unavailable
from lib.store.engine import Store
from lib.store.processes import Process, this_process
from lib.store.tables import JobLock

BEAT_SECONDS = 10.0
"""How often a holder says that it lives."""

SILENCE = timedelta(seconds=60)
"""How long a holder on another machine may say nothing before it counts as dead."""


@dataclass
class Hold:
    """A job that this process runs; `holder` is unique to this run of it."""

    store: Store
    job: str
    holder: str
    is_lost: bool = field(default=False)

    def require(self) -> None:
        """Ask before what must not be done twice. Raises Unavailable when another machine has the job now."""
        if self.is_lost:
            raise Unavailable(what=f"Another machine took {self.job} over, as this one was silent too long")

    def beat(self) -> None:
        """Say that the holder lives."""
        with self.store.write(EVERY_TENANT) as session:
            held = update(JobLock).where(JobLock.job == self.job, JobLock.holder == self.holder)
            found = session.scalar(held.values(beat_at=_now(session)).returning(JobLock.job))
        self.is_lost = found is None


_holds: dict[str, Hold] = {}


def is_held_here(store: Store, job: str) -> bool:
    """Whether this process is the one that runs the job."""
    return any(hold.job == job and hold.store.url == store.url for hold in list(_holds.values()))


def is_taken(session: Session, job: str) -> bool:
    """Whether anybody, living or dead, has the job; if not, nobody takes it before the transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("LOCK TABLE job_lock IN SHARE MODE")
    return session.scalar(select(JobLock.job).where(JobLock.job == job)) is not None


@contextmanager
def job_lock(store: Store, job: str) -> Iterator[Hold]:
    """Be the only one who runs the job, until the end of the block.

    A holder that died on this machine is succeeded at once, one elsewhere after a minute of silence. Raises Busy
    while a living one has it.
    """
    hold = Hold(store, job, f"{this_process()} {secrets.token_hex(8)}")
    _holds[hold.holder] = hold
    over = threading.Event()
    beating = threading.Thread(target=_keep_beating, args=(hold, over), name=f"beat of {job}", daemon=True)
    try:
        _take(hold)
        beating.start()
        yield hold
    finally:
        over.set()
        if beating.is_alive():
            beating.join()
        _holds.pop(hold.holder)
        with suppress(Unavailable):  # whoever comes next sees that this run is over
            _release(hold)


def _take(hold: Hold) -> None:
    try:
        with hold.store.write(EVERY_TENANT) as session:
            row = session.scalar(select(JobLock).where(JobLock.job == hold.job).with_for_update())
            now = _now(session)
            if row is None:
                session.add(JobLock(job=hold.job, holder=hold.holder, beat_at=now))
            elif _lives(row, now):
                raise Busy(what=hold.job)
            else:
                row.holder, row.beat_at = hold.holder, now
    except IntegrityError as error:  # somebody else was quicker
        raise Busy(what=hold.job) from error


def _lives(row: JobLock, now: datetime) -> bool:
    process = Process.read(row.holder)
    if process == this_process():
        return row.holder in _holds
    if process.is_here:
        return not process.has_ended
    return now - row.beat_at < SILENCE


def _release(hold: Hold) -> None:
    with hold.store.write(EVERY_TENANT) as session:
        session.execute(delete(JobLock).where(JobLock.job == hold.job, JobLock.holder == hold.holder))


def _keep_beating(hold: Hold, over: threading.Event) -> None:
    while not over.wait(BEAT_SECONDS):
        with suppress(Unavailable):  # it may do again in a moment
            hold.beat()


def _now(session: Session) -> datetime:
    """The database's clock, where machines share a database."""
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)
    return session.scalars(select(func.now())).one()
