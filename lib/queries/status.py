"""How the counting stands: for the one who keeps Daybook running, and for whoever doubts a figure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from sqlalchemy import or_, select

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT, TenantScope, Viewer
from lib.queries.gate import ViewerQueries, needs
from lib.store import Store, inbox, ledger
from lib.store.runs import FAILED, OF_MOMENTS
from lib.store.tables import JobRun
from lib.usage.events import INSTANT
from lib.usage.lake import Lake

_RUN = {
    "job": pl.String(),
    "started_at": INSTANT,
    "finished_at": INSTANT,
    "status": pl.String(),
    "figures": pl.String(),
    "message": pl.String(),
}
_LEDGER = {
    "bucket_at": INSTANT,
    "rows_added": pl.Int64(),
    "rows_late": pl.Int64(),
    "rows_duplicate": pl.Int64(),
    "rows_excluded": pl.Int64(),
    "rows_expired": pl.Int64(),
    "recorded_at": INSTANT,
    "publication": pl.Int64(),
}


@dataclass(frozen=True)
class Freshness:
    """What is published, and what waits. `as_of` ends the last closed bucket that is counted."""

    as_of: datetime | None
    publication: int
    published_at: datetime | None
    waiting_batches: int
    waiting_rows: int


class StatusQueries(ViewerQueries):
    """The state of the refresh, seen from the viewer's tenant."""

    def __init__(self, viewer: Viewer, store: Store, lake: Path) -> None:
        super().__init__(viewer, store)
        self._lake = Lake(lake)

    @needs(Permission.STATUS_READ)
    def freshness(self) -> Freshness:
        """How new the figures are, and how much of the tenant's is not in them yet.

        What waits is the whole tenant's, so it is 0 for a viewer who holds only some applications (SPEC A5).
        """
        manifest = self._lake.manifest()
        batches = rows = 0
        if self.viewer.applications.every:
            with self.store.read(self.viewer.tenant_id) as session:
                batches, rows = inbox.waiting(session, self.viewer.tenant_id, manifest.applied)
        return Freshness(manifest.as_of, manifest.publication, manifest.published_at, batches, rows)

    @needs(Permission.STATUS_READ)
    def runs(self, limit: int = 50) -> pl.DataFrame:
        """The newest runs of jobs: the tenant's and, for system administrators, everybody's. `figures` is JSON text."""
        # What a job that serves every tenant counted or complained of would tell one tenant about another.
        system = self.viewer.account_type is AccountType.SYSTEM
        scope: TenantScope = EVERY_TENANT if system else self.viewer.tenant_id
        # Jobs that run every few seconds are told of where they failed: they would hide all others.
        asked = select(JobRun).where(or_(JobRun.job.not_in(OF_MOMENTS), JobRun.status == FAILED))
        if not system:
            asked = asked.where(or_(JobRun.tenant_id == self.viewer.tenant_id, JobRun.tenant_id.is_(None)))
        with self.store.read(scope) as session:
            runs = list(session.scalars(asked.order_by(JobRun.id.desc()).limit(limit)))
        rows = [
            (run.job, run.started_at, run.finished_at, run.status, json.dumps(run.figures), run.message)
            if system or (run.tenant_id is not None and self.viewer.applications.every)
            else (run.job, run.started_at, run.finished_at, run.status, "{}", "")
            for run in runs
        ]
        return pl.DataFrame(rows, schema=_RUN, orient="row")

    @needs(Permission.STATUS_READ)
    def ledger(self, limit: int = 200) -> pl.DataFrame:
        """The tenant's newest ledger rows: what each publication did to each half hour.

        They count all applications together, so a viewer who holds only some sees none (SPEC A5).
        """
        rows = []
        if self.viewer.applications.every:
            with self.store.read(self.viewer.tenant_id) as session:
                rows = ledger.newest(session, self.viewer.tenant_id, limit)
        return pl.DataFrame(
            [tuple(getattr(row, name) for name in _LEDGER) for row in rows], schema=_LEDGER, orient="row"
        )
