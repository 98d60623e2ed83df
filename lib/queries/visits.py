"""Visits as a viewer may see them: the rows of access logs, and how many came when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
from lib.usage.published import Published, published
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

    def utc_dates(self) -> tuple[date, date]:
        """The first and the last UTC date that the range touches."""
        return self.since.astimezone(UTC).date(), (self.until.astimezone(UTC) - timedelta(microseconds=1)).date()

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
        rows = self._visits(asked).sort(*_NEWEST_FIRST, descending=True)
        return _told(rows if limit is None else rows.head(limit), asked.zone).collect()

    @needs(Permission.VISIT_READ)
    def frames(self, asked: VisitFilter) -> Iterator[pl.DataFrame]:
        """The visits as `rows` gives them and as they are now, a UTC date at a time: for more than fit into memory."""
        now = self._now(asked)
        for day in now.dates():
            visits = now.between(day, day).sort(*_NEWEST_FIRST, descending=True)
            yield _told(visits, asked.zone).collect()

    @needs(Permission.VISIT_READ)
    def count(self, asked: VisitFilter) -> int:
        """How many visits are meant."""
        return int(self._visits(asked).select(pl.len()).collect().item())

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
        return self._now(asked).between(*asked.utc_dates())

    def _now(self, asked: VisitFilter) -> _Moment:
        tenant_id = self.viewer.tenant_id
        if not self.viewer.applications.every:  # a visit belongs to no application, so to none that is held
            return _Moment(None, [], asked)
        # The inbox before the lake: a batch that moves in between is then in both, and counted once by its keys.
        manifest = self._lake.manifest()
        with self.store.read(tenant_id) as session:
            payloads = inbox.payloads_of(session, tenant_id, "visit", manifest.applied)
        waiting = [unpacked(payload).lazy().select(list(VISIT)) for payload in payloads]
        return _Moment(published(self._lake, tenant_id), waiting, asked)


@dataclass(frozen=True)
class _Moment:
    """The visits of one moment: what was published then, and what waited."""

    filed: Published | None
    waiting: list[pl.LazyFrame]
    asked: VisitFilter

    def between(self, first: date, last: date) -> pl.LazyFrame:
        """Those that are asked for, of the UTC dates from first to last."""
        if self.filed is None:
            return pl.LazyFrame(schema=VISIT)
        filed = self.filed.visits(first.isoformat(), last.isoformat())
        waiting = [each.filter(pl.col("at").dt.date().is_between(first, last)) for each in self.waiting]
        whole = pl.concat([filed, *waiting]).filter(self.asked.predicate())
        return whole.unique("key", keep="first", maintain_order=True) if waiting else whole

    def dates(self) -> list[date]:
        """The UTC dates that may have some, newest first."""
        filed = [] if self.filed is None else [date.fromisoformat(day) for day in self.filed.files.visits]
        dates = [pl.col("at").dt.date().unique()]
        waiting = [day for each in self.waiting for day in each.select(dates).collect().to_series()]
        first, last = self.asked.utc_dates()
        return sorted({day for day in (*filed, *waiting) if first <= day <= last}, reverse=True)


def _told(rows: pl.LazyFrame, zone: str) -> pl.LazyFrame:
    """The rows as they are shown."""
    return rows.drop("key", "seq").with_columns(pl.col("at").dt.convert_time_zone(zone))


_NEWEST_FIRST = ("at", "seq", "key")
