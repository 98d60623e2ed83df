"""What jobs ran, when, and what came of it: what the status page shows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.errors import DaybookError, Unavailable
from lib.store.engine import Store
from lib.store.locks import is_held_here
from lib.store.processes import Process, this_process
from lib.store.tables import JobRun

_log = logging.getLogger("daybook.jobs")

OF_MOMENTS = ("seal",)
"""Jobs that run every few seconds, whenever there is something to do."""

RUNNING, DONE, FAILED = "running", "done", "failed"

_DIED = "It ended without a word: its process was killed, or the machine went down."


@dataclass
class Run:
    """A run under way: its job fills `figures` with what it counts (numbers and texts)."""

    id: int
    figures: dict[str, Any] = field(default_factory=dict)


@contextmanager
def job_run(store: Store, job: str, tenant_id: int | None = None) -> Iterator[Run]:
    """Record a run: running while the block lasts, then done with its figures or failed with the error's message.

    Earlier runs of the job whose process died are shown as failed from now on.
    """
    run = Run(_begin(store, job, tenant_id))
    _log.info("%s began", job)
    try:
        yield run
    except BaseException as error:
        is_told = isinstance(error, DaybookError) or not isinstance(error, Exception)
        _log.error("%s failed: %s", job, _message(error), exc_info=None if is_told else error)
        with suppress(Unavailable):  # the error itself matters more; the next run sees that this one ended
            _end(store, run, FAILED, _message(error))
        raise
    _end(store, run, DONE, "")
    _log.info("%s is done: %s", job, run.figures)


def last_started_at(store: Store, job: str) -> datetime | None:
    """When the job ran last, whatever came of it."""
    with store.read(EVERY_TENANT) as session:
        return session.scalar(select(func.max(JobRun.started_at)).where(JobRun.job == job))


def remove_old(session: Session, before: datetime, before_of_moments: datetime) -> None:
    """Forget runs that began earlier; those of OF_MOMENTS by their own limit."""
    moments = JobRun.job.in_(OF_MOMENTS)
    old = (moments & (JobRun.started_at < before_of_moments)) | (~moments & (JobRun.started_at < before))
    session.execute(delete(JobRun).where(old, JobRun.status != RUNNING))


def _begin(store: Store, job: str, tenant_id: int | None) -> int:
    alone = is_held_here(store, job)
    with store.write(EVERY_TENANT) as session:
        _close_the_dead(session, job, alone)
        row = JobRun(tenant_id=tenant_id, job=job, started_at=datetime.now(UTC), status=RUNNING)
        row.holder = str(this_process())
        session.add(row)
        session.flush()
        return row.id


def _close_the_dead(session: Session, job: str, alone: bool) -> None:
    for row in session.scalars(select(JobRun).where(JobRun.job == job, JobRun.status == RUNNING)):
        if alone or Process.read(row.holder).has_ended:
            row.status, row.finished_at, row.message = FAILED, datetime.now(UTC), _DIED


def _end(store: Store, run: Run, status: str, message: str) -> None:
    with store.write(EVERY_TENANT) as session:
        row = session.get_one(JobRun, run.id)
        row.status, row.message, row.figures = status, message, dict(run.figures)
        row.finished_at = datetime.now(UTC)


def _message(error: BaseException) -> str:
    if isinstance(error, DaybookError):
        return str(error)
    if isinstance(error, Exception):
        return f"Daybook made a mistake ({type(error).__name__}): see its log."
    return "It was stopped."
