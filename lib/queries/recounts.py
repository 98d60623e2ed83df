"""Which points of a trend are not what they were when they were first published (SPEC T5)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lib.access.permissions import Permission
from lib.queries.gate import ViewerQueries, needs
from lib.queries.remembering import remembered
from lib.store import ledger
from lib.usage.buckets import Grain, Period, bucket_expr, bucket_starts
from lib.usage.events import INSTANT

_RECOUNT = {"at": INSTANT, "rows_late": pl.Int64(), "rows_excluded": pl.Int64(), "recorded_at": INSTANT}


class RecountQueries(ViewerQueries):
    """The bucket ledger beside a trend. It counts the whole tenant, so only who holds every application sees it."""

    @needs(Permission.USAGE_READ)
    def on_trend(self, period: Period, grain: Grain) -> pl.DataFrame:
        """`bucket` (in the period's zone), `rows_late`, `rows_excluded` and `recorded_at` (the last time) of each
        bucket of a trend in which a half hour changed after its first publication; in order."""
        if not self.viewer.applications.every:
            return _by_bucket([], period, grain)
        tenant_id = self.viewer.tenant_id
        with self.store.read(tenant_id) as session:
            key = ("recounts", self.store.url, tenant_id, ledger.mark(session, tenant_id), period, grain)
            return remembered(
                key, lambda: _by_bucket(ledger.recounted(session, tenant_id, period.since, period.until), period, grain)
            )


def _by_bucket(rows: Sequence[tuple[object, ...]], period: Period, grain: Grain) -> pl.DataFrame:
    halves = pl.DataFrame(rows, schema=_RECOUNT, orient="row").with_columns(t=bucket_expr(pl.col("at")))
    # What a rule took out and gave back is what it was.
    halves = halves.filter((pl.col("rows_late") > 0) | (pl.col("rows_excluded") != 0))
    buckets = bucket_starts(period, grain).select("t", "bucket")
    return (
        halves.join(buckets, on="t")
        .group_by("bucket")
        .agg(
            pl.col("rows_late", "rows_excluded").sum(),
            pl.col("recorded_at").max().dt.convert_time_zone(period.zone),
        )
        .sort("bucket")
    )
