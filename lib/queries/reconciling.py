"""What came in, what became of it, and whether the figures are what a recount says (SPEC T5, T6)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import sqlalchemy as sa
from sqlalchemy import func, select

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.errors import BadInput
from lib.queries.gate import ViewerQueries, needs
from lib.queries.names import names_of
from lib.store import Store
from lib.store.locks import job_lock
from lib.store.tables import BucketLedger, IngestKey, IntakeTally, MiniProgram, UtcDateTime
from lib.usage.buckets import BUCKET_US, Period
from lib.usage.events import INSTANT
from lib.usage.lake import Lake
from lib.usage.published import published
from lib.usage.verify import CHECKS, DIFFERENCE, begin, differences
from lib.words import Phrase

ACCEPTED = "accepted"
"""The outcome of events that were taken in; any other is why they were refused."""

MOST_DIFFERENCES = 1_000

_SENT = {
    "prefix": pl.String(),
    "mini_program": pl.String(),
    "library": pl.String(),
    "outcome": pl.String(),
    "event_count": pl.Int64(),
    "last_at": INSTANT,
}

Progress = Callable[[int, int], object]
"""Told how many parts of how many are done."""


@dataclass(frozen=True)
class Ledgered:
    """What publications did in a period, over all half hours that they touched."""

    added: int
    late: int
    repeated: int
    excluded: int
    expired: int


@dataclass(frozen=True)
class Recounted:
    """How many figures a recount compared, how many differ, and up to MOST_DIFFERENCES of those: `check`, `bucket_at`,
    `application` and `mini_program` (names), `page`, `figure`, `published`, `recounted`; null where a figure is of
    several places."""

    compared: int
    differing: int
    differences: pl.DataFrame


class Reconciling(ViewerQueries):
    """The way of the tenant's events from the sender to the figure."""

    def __init__(self, viewer: Viewer, store: Store, lake: Path) -> None:
        super().__init__(viewer, store)
        self._lake = Lake(lake)

    @needs(Permission.STATUS_READ)
    def ledgered(self, period: Period) -> Ledgered:
        """The sums of the bucket ledger's rows that were recorded in the period.

        They count all applications together, so they are 0 for a viewer who holds only some (SPEC A5).
        """
        if not self.viewer.applications.every:
            return Ledgered(0, 0, 0, 0, 0)
        counts = (
            BucketLedger.rows_added,
            BucketLedger.rows_late,
            BucketLedger.rows_duplicate,
            BucketLedger.rows_excluded,
            BucketLedger.rows_expired,
        )
        asked = select(*(func.coalesce(func.sum(count), 0) for count in counts)).where(
            BucketLedger.tenant_id == self.viewer.tenant_id,
            BucketLedger.recorded_at >= period.since,
            BucketLedger.recorded_at < period.until,
        )
        with self.store.read(self.viewer.tenant_id) as session:
            return Ledgered(*map(int, session.execute(asked).one()))

    @needs(Permission.STATUS_READ)
    def senders(self, period: Period) -> pl.DataFrame:
        """What each ingest key sent with each client library, by outcome: `prefix`, `mini_program` (name), `library`,
        `outcome` (accepted, or why not), `event_count`, `last_at` (the half hour of the last); by key and library, what
        was taken in first.

        A viewer with listed applications sees the keys of those.
        """
        scope = self.viewer.applications
        asked = (
            select(
                IngestKey.prefix,
                MiniProgram.name,
                IntakeTally.library,
                IntakeTally.reason,
                func.sum(IntakeTally.event_count),
                func.max(IntakeTally.bucket_at, type_=UtcDateTime),
            )
            .join(IngestKey, IntakeTally.ingest_key_id == IngestKey.id)
            .join(MiniProgram, IngestKey.mini_program_id == MiniProgram.id)
            .where(IntakeTally.tenant_id == self.viewer.tenant_id)
            .where(IntakeTally.bucket_at >= period.since, IntakeTally.bucket_at < period.until)
            .where(sa.true() if scope.every else IngestKey.application_id.in_(scope.ids))
            .group_by(IngestKey.id, IngestKey.prefix, MiniProgram.name, IntakeTally.library, IntakeTally.reason)
            .order_by(IngestKey.id, IntakeTally.library, IntakeTally.reason)
        )
        with self.store.read(self.viewer.tenant_id) as session:
            rows = [
                (prefix, program, library, reason or ACCEPTED, int(count), last_at)
                for prefix, program, library, reason, count, last_at in session.execute(asked)
            ]
        return pl.DataFrame(rows, schema=_SENT, orient="row")

    @needs(Permission.STATUS_READ)
    def raw_since(self) -> str | None:
        """The UTC date from which sessions can be recounted, as ISO 8601: the raw events of those that began before
        were removed. None: all can."""
        return published(self._lake, self.viewer.tenant_id).files.raw_since

    @needs(Permission.STATUS_READ)
    def recount(self, period: Period, progress: Progress) -> Recounted:
        """Count the tenant's raw events of the period again, with another engine, and compare.

        Raises Busy while another recount runs, and BadInput for who does not hold every application, or where nothing
        of the period can be recounted any more.
        """
        if not self.viewer.applications.every:
            raise BadInput(what=Phrase("administration_error.every_application_needed"))
        found, compared = [pl.DataFrame(schema=DIFFERENCE)], 0
        since = self.raw_since()
        if since is not None and period.until <= datetime.fromisoformat(since).replace(tzinfo=UTC):
            raise BadInput(what=Phrase("keeping.nothing_recountable", date=since))
        with job_lock(self.store, "recount"):
            progress(0, len(CHECKS) + 1)
            recounting = begin(published(self._lake, self.viewer.tenant_id), period.first, period.end)
            with closing(recounting.db):
                for done, check in enumerate(CHECKS, 1):
                    progress(done, len(CHECKS) + 1)
                    count, rows = differences(recounting, check)
                    compared += count
                    found.append(rows)
        differing = pl.concat(found)
        return Recounted(compared, differing.height, self._named(differing.head(MOST_DIFFERENCES)))

    def _named(self, rows: pl.DataFrame) -> pl.DataFrame:
        with self.store.read(self.viewer.tenant_id) as session:
            names = names_of(session, self.viewer.tenant_id, self.viewer.applications)
        for noun, table in (("application", names.applications), ("mini_program", names.mini_programs)):
            named = table.select(pl.col("id").alias(f"{noun}_id"), pl.col("name").alias(noun))
            rows = rows.join(named, on=f"{noun}_id", how="left", maintain_order="left")
        at = pl.from_epoch(pl.col("t").cast(pl.Int64) * BUCKET_US, time_unit="us").dt.replace_time_zone("UTC")
        return rows.select(
            "check", at.alias("bucket_at"), "application", "mini_program", "page", "figure", "published", "recounted"
        )
