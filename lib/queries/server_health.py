"""The system's health now, from the logs, the database and the disk (SPEC V5)."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.logs.files import health
from lib.logs.files.health import Tally
from lib.queries.gate import ViewerQueries, needs
from lib.settings import Settings
from lib.store import Store
from lib.store.runs import FAILED
from lib.store.tables import JobRun, SignIn

LITTLE_SPACE = 0.1
"""The share of a disk that is little to have left."""

EXPECTED_JOBS = {"refresh": timedelta(minutes=45), "purge": timedelta(hours=26)}
"""How long ago at most the jobs that the schedule runs began last."""


@dataclass(frozen=True)
class Disk:
    """What a folder's disk has, and what of it is free."""

    free_bytes: int
    size_bytes: int

    @property
    def is_little(self) -> bool:
        """Whether somebody should see to it."""
        return self.free_bytes < LITTLE_SPACE * self.size_bytes


@dataclass(frozen=True)
class LateJob:
    """A job that should have run, or whose last run failed; `started_at` is null where it never ran."""

    job: str
    started_at: datetime | None
    has_failed: bool


@dataclass(frozen=True)
class Health:
    """How the system is, over the time since `since`: `tally` has errors and warnings by half hour and type."""

    since: datetime
    until: datetime
    tally: Tally
    failed_sign_ins: int
    failing_requests: int
    disks: tuple[Disk, ...]
    late_jobs: tuple[LateJob, ...]


class ServerHealth(ViewerQueries):
    """What a system administrator sees first when something is wrong."""

    def __init__(self, viewer: Viewer, store: Store, settings: Settings) -> None:
        super().__init__(viewer, store)
        self._settings = settings

    @needs(Permission.SERVER_LOG_READ)
    def now(self, hours: int = 24) -> Health:
        """The last hours, from a whole half hour on."""
        until = datetime.now(UTC)
        since = (until - timedelta(hours=hours)).replace(minute=until.minute // 30 * 30, second=0, microsecond=0)
        tally = health.tally(self._settings.log_dir, since, until)
        access = tally.counts.filter(log_type="access_log", level="ERROR")
        return Health(
            since,
            until,
            tally,
            self._failed_sign_ins(since),
            int(access["entries"].sum()),
            self._disks(),
            self._late_jobs(until),
        )

    def _failed_sign_ins(self, since: datetime) -> int:
        with self.store.read(EVERY_TENANT) as session:
            failed = select(func.count()).where(
                SignIn.occurred_at >= since, SignIn.source == "", SignIn.result.in_(("failure", "locked"))
            )
            return session.scalars(failed).one()

    def _disks(self) -> tuple[Disk, ...]:
        folders = (self._settings.home, self._settings.log_dir)
        usages = {folder.stat().st_dev: shutil.disk_usage(folder) for folder in folders}
        return tuple(Disk(usage.free, usage.total) for usage in usages.values())

    def _late_jobs(self, now: datetime) -> tuple[LateJob, ...]:
        newest = select(func.max(JobRun.id)).group_by(JobRun.job)
        with self.store.read(EVERY_TENANT) as session:
            last = {run.job: run for run in session.scalars(select(JobRun).where(JobRun.id.in_(newest)))}
        late = []
        for job in sorted({*EXPECTED_JOBS, *last}):
            run = last.get(job)
            has_failed = run is not None and run.status == FAILED
            longest = EXPECTED_JOBS.get(job)
            is_late = longest is not None and (run is None or now - run.started_at > longest)
            if is_late or has_failed:
                late.append(LateJob(job, run.started_at if run else None, has_failed))
        return tuple(late)
