"""The purge: what is kept for a while is then removed: ended sessions, attempts to sign in, operations,
raw rows of the lake, uploaded feedback logs."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.errors import Busy
from lib.jobs.event_retention import RemovedRows, remove_old_rows
from lib.jobs.feedback_logs import remove_expired_logs
from lib.jobs.operation_retention import remove_old_operations
from lib.logs.record import SCHEDULE, SYSTEM_TENANT, Act, record
from lib.settings import Settings
from lib.store import Store, attempts, runs, sessions
from lib.store.locks import job_lock
from lib.store.runs import job_run

KEEPS_SESSIONS = timedelta(days=30)
"""How long a session that expired or was revoked is kept."""

KEEPS_SIGN_INS = timedelta(days=400)
"""How long an attempt to sign in is kept: a year can be compared with the one before."""

KEEPS_RUNS, KEEPS_RUNS_OF_MOMENTS = timedelta(days=400), timedelta(days=7)
"""How long is kept how a job went; shorter for those that run every few seconds."""

REFRESH_TAKES = (1, 4, 15, 40)
"""Seconds to wait, and wait again, for a refresh to end: both write the lake."""


@dataclass(frozen=True)
class Purged:
    """How many rows went."""

    sessions: int
    sign_ins: int
    events: int = 0
    visits: int = 0
    operations: int = 0
    feedback_logs: int = 0


def purge(settings: Settings, store: Store, now: datetime | None = None) -> Purged:
    """Remove what is old enough, and record what went. Raises Busy while another purge runs."""
    now = now or datetime.now(UTC)
    with job_lock(store, "purge"), job_run(store, "purge") as run:
        with store.write(EVERY_TENANT) as session:
            ended = sessions.remove_ended(session, now - KEEPS_SESSIONS)
            runs.remove_old(session, now - KEEPS_RUNS, now - KEEPS_RUNS_OF_MOMENTS)
            tried = attempts.remove_old(session, now - KEEPS_SIGN_INS)
            _record(session, SYSTEM_TENANT, "account_session", ended, now - KEEPS_SESSIONS)
            for tenant_id, count in sorted(tried.items()):
                _record(session, tenant_id, "sign_in", count, now - KEEPS_SIGN_INS)
        feedback_logs = remove_expired_logs(settings, store, now)
        removed = _remove_old_rows(settings, store, now)
        operations = remove_old_operations(store, settings.lake, now)
        purged = Purged(ended, sum(tried.values()), removed.events, removed.visits, operations, feedback_logs)
        run.figures.update(asdict(purged))
    return purged


def _remove_old_rows(settings: Settings, store: Store, now: datetime) -> RemovedRows:
    for seconds in REFRESH_TAKES:
        try:
            return remove_old_rows(settings, store, now)
        except Busy:
            time.sleep(seconds)
    return remove_old_rows(settings, store, now)


def _record(session: Session, tenant_id: int, what: str, count: int, before: datetime) -> None:
    if count:
        old = {"count": count, "before": before.isoformat(timespec="seconds")}
        act = Act("retention", "purge", "deletion", object_type=what, object_name=what, old=old)
        record(session, tenant_id, SCHEDULE, act)
