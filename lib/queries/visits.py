"""Visits as a viewer may see them: the rows of access logs, and how many came when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.errors import BadInput
from lib.queries.gate import ViewerQueries, needs
from lib.store import Store, inbox
from lib.usage.buckets import BUCKET, EPOCH, Grain, Period, bucket_expr, bucket_starts
from lib.usage.intake import unpacked
from lib.usage.lake import Lake
from lib.usage.published import published
from lib.usage.visits import VISIT
from lib.words import Phrase


@dataclass(frozen=True)
class VisitFilter:
    """Visits in [since, until), told in a zone; `status` is "4xx", "5xx" or a code, `keyword` part of address,
    target or agent."""

    since: datetime
    until: datetime
    zone: str = "UTC"
    address: str | None = None
    status: str | None = None
    keyword: str | None = None

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise BadInput(what=Phrase("refused.wrong_order"))
        if self.status is not None and not re.fullmatch(r"[1-5](xx|\d\d)", self.status):
            raise BadInput(what=Phrase("refused.status", status=self.status[:20]))

    def whole_buckets(self) -> Period:
        """The half hours that the range touches."""
        return Period(
            self.since - (self.since - EPOCH) % BUCKET, self.until + (-(self.until - EPOCH)) % BUCKET, self.zone
        )

    def predicate(self) -> pl.Expr:
        """Which visits are meant."""
        parts = [pl.col("at").is_between(self.since, self.until, closed="left")]
        if self.address is not None:
            parts.append(pl.col("address") == self.address)
        if self.status is not None:
            code = pl.col("status").cast(pl.String)
            parts.append(code.str.head(1) == self.status[0] if self.status.endswith("xx") else code == self.status)
        if self.keyword:
            text = pl.concat_str("address", "target", "user_agent", "account", separator=" ", ignore_nulls=True)
            parts.append(text.str.to_lowercase().str.contains(self.keyword.lower(), literal=True))
        return pl.all_horizontal(parts)


class VisitQueries(ViewerQueries):
    """The visits of one tenant, those that the refresh has not filed yet included: a log is read as it stands."""

    def __init__(self, viewer: Viewer, store: Store, lake: Path) -> None:
        super().__init__(viewer, store)
        self._lake = Lake(lake)

    @needs(Permission.VISIT_READ)
    def rows(self, asked: VisitFilter, limit: int | None = None) -> pl.DataFrame:
        """The visits themselves (VISIT without `key` and `seq`), `at` in the zone, newest first."""
        rows = self._visits(asked).sort("at", "seq", "key", descending=True)
        rows = rows if limit is None else rows.head(limit)
        return rows.drop("key", "seq").with_columns(pl.col("at").dt.convert_time_zone(asked.zone)).collect()

    @needs(Permission.VISIT_READ)
    def histogram(self, asked: VisitFilter, grain: Grain) -> pl.DataFrame:
        """`bucket`, `visits`, `visitors` (distinct address and user agent), `addresses`, `errors` (400 and above),
        `bytes`.

        Buckets without visits are left out.
        """
        buckets = bucket_starts(asked.whole_buckets(), grain)
        visits = self._visits(asked).with_columns(t=bucket_expr(pl.col("at")))
        inside = visits.join(buckets.select("t", "bucket").lazy(), on="t")
        return (
            inside.group_by("bucket")
            .agg(
                visits=pl.len().cast(pl.Int64),
                visitors=pl.struct("address", "user_agent").n_unique().cast(pl.Int64),
                addresses=pl.col("address").n_unique().cast(pl.Int64),
                errors=(pl.col("status") >= 400).sum().cast(pl.Int64),
                bytes=pl.col("size_bytes").sum(),
            )
            .sort("bucket")
            .collect()
        )

    def _visits(self, asked: VisitFilter) -> pl.LazyFrame:
        tenant_id = self.viewer.tenant_id
        if not self.viewer.applications.every:  # a visit belongs to no application, so to none that is held
            return pl.LazyFrame(schema=VISIT)
        # The inbox before the lake: a batch that moves in between is then in both, and counted once by its keys.
        manifest = self._lake.manifest()
        with self.store.read(tenant_id) as session:
            payloads = inbox.payloads_of(session, tenant_id, "visit", manifest.applied)
        first = asked.since.astimezone(UTC).date()
        last = (asked.until.astimezone(UTC) - timedelta(microseconds=1)).date()
        filed = published(self._lake, tenant_id).visits(first.isoformat(), last.isoformat())
        waiting = [unpacked(payload).lazy().select(list(VISIT)) for payload in payloads]
        whole = pl.concat([filed, *waiting]).filter(asked.predicate())
        return whole.unique("key", keep="first", maintain_order=True) if waiting else whole
