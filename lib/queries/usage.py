"""Usage as a viewer may see it: figures of any period, filter and zone, each exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import polars as pl

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.queries.gate import ViewerQueries, needs
from lib.queries.names import Names, names_of
from lib.queries.remembering import remembered
from lib.store import Store
from lib.usage.buckets import EPOCH, Grain, Period, bucket_of, bucket_starts, start_of
from lib.usage.kept import counted_by_bucket
from lib.usage.kernel import COUNTS, PAGE_COUNTS
from lib.usage.lake import Lake
from lib.usage.metrics import METRICS, PAGE_METRICS, Metric
from lib.usage.published import Published, between, published
from lib.usage.recency import NEVER, PAGE_SCOPES, SCOPES, Scope, chained, with_users
from lib.usage.retention import Cohort, retained
from lib.usage.users import cumulative_by_bucket, users_by_bucket

Dimension = Literal["application", "mini_program", "page", "os"]

_COLUMN = {"application": "application_id", "mini_program": "mini_program_id", "page": "page", "os": "os"}


@dataclass(frozen=True)
class UsageFilter:
    """What is asked for: keys of one mini program, application and operating system, or None for all that the viewer
    sees."""

    period: Period
    mini_program: str | None = None
    application: str | None = None
    os: str | None = None
    page: str | None = None

    def during(self, period: Period) -> UsageFilter:
        """The same of another period."""
        return replace(self, period=period)


@dataclass(frozen=True)
class _Places:
    """A filter as the tables know it; None is no restriction, an empty tuple is nothing."""

    applications: tuple[int, ...] | None
    mini_program: int | None
    os: str | None
    page: str | None

    def predicate(self) -> pl.Expr:
        """Which rows of a table with the columns of a place belong to it."""
        parts = [pl.lit(True)]
        if self.applications is not None:
            parts.append(pl.col("application_id").is_in(self.applications))
        if self.mini_program is not None:
            parts.append(pl.col("mini_program_id") == self.mini_program)
        if self.os is not None:
            parts.append(pl.col("os") == self.os)
        if self.page is not None:
            parts.append(pl.col("page") == self.page)
        return pl.all_horizontal(parts)

    def scope(self, by: Sequence[str]) -> Scope | None:
        """The recency scope whose places tell this filter and `by` apart, if one is kept."""
        many = self.applications is not None and len(self.applications) != 1 and "application_id" not in by
        if many:
            return None
        needed = {*by} | ({"os"} if self.os is not None else set())
        needed |= {"application_id"} if self.applications is not None else set()
        needed |= {"mini_program_id"} if self.mini_program is not None else set()
        needed |= {"page"} if self.page is not None else set()
        return next((scope for scope in (*SCOPES, *PAGE_SCOPES) if {*scope.by} == needed), None)


class UsageQueries(ViewerQueries):
    """The usage of one tenant. Frames have the keys of METRICS as columns; a figure that is nothing over nothing is
    null."""

    def __init__(self, viewer: Viewer, store: Store, lake: Path) -> None:
        super().__init__(viewer, store)
        self._lake = Lake(lake)

    @needs(Permission.USAGE_READ)
    def as_of(self) -> datetime | None:
        """The end (UTC) of the last closed bucket that is counted; None before the first refresh."""
        return self._tables().as_of

    @needs(Permission.USAGE_READ)
    def span(self) -> tuple[datetime, datetime] | None:
        """The start of the first and the end of the last half hour (UTC) with usage that the viewer sees; None
        without any."""
        applications = self._places(None).applications
        totals = self._tables().totals.filter(pl.col("mini_program_id") == 0)
        if applications is not None:
            totals = totals.filter(pl.col("application_id").is_in(applications))
        if totals.is_empty():
            return None
        first, last = totals.select(first=pl.col("t").min(), last=pl.col("t").max()).row(0)
        return start_of(first), start_of(last + 1)

    @needs(Permission.USAGE_READ)
    def totals(self, asked: UsageFilter) -> dict[str, float | int | None]:
        """Every metric of METRICS over the whole period, by key."""
        figures = self._grouped(asked, Grain.PERIOD, (), filled=True).row(0, named=True)
        return {name: value for name, value in figures.items() if name != "bucket"}

    @needs(Permission.USAGE_READ)
    def trend(self, asked: UsageFilter, grain: Grain, *, filled: bool = True) -> pl.DataFrame:
        """`bucket` (Datetime in the period's zone) and METRICS, in order.

        Filled, every bucket that has begun by `as_of` is there, with zeros; else only those with events.
        """
        return self._grouped(asked, grain, (), filled=filled)

    @needs(Permission.USAGE_READ)
    def ranking(self, asked: UsageFilter, dimension: Dimension) -> pl.DataFrame:
        """`key`, `name` and METRICS of each application, mini program or operating system, most opens first."""
        rows = self._grouped(asked, Grain.PERIOD, (_COLUMN[dimension],), filled=False)
        named = self._named(rows.lazy().drop("bucket"), dimension)
        return named.sort(["opens", "key"], descending=[True, False]).collect()

    @needs(Permission.USAGE_READ)
    def pages(self, asked: UsageFilter, search: str = "") -> pl.DataFrame:
        """`page` and PAGE_METRICS of each page whose path contains the search, most views first."""
        rows = self._grouped(asked, Grain.PERIOD, ("page",), filled=False)
        if search:
            rows = rows.filter(pl.col("page").str.to_lowercase().str.contains(search.lower(), literal=True))
        return rows.drop("bucket").sort(["page_views", "page"], descending=[True, False])

    @needs(Permission.USAGE_READ)
    def page_trend(self, asked: UsageFilter, page: str, grain: Grain) -> pl.DataFrame:
        """`bucket` and PAGE_METRICS of one page, every bucket that has begun."""
        return self._grouped(replace(asked, page=page), grain, ("page",), filled=True).drop("page")

    @needs(Permission.USAGE_READ)
    def breakdown(self, asked: UsageFilter, grain: Grain, dimension: Dimension) -> pl.DataFrame:
        """`bucket`, `key`, `name` and the metrics of each place that has events in a bucket, in order."""
        rows = self._named(self._grouped(asked, grain, (_COLUMN[dimension],), filled=False).lazy(), dimension)
        return rows.sort("bucket", "key").collect()

    @needs(Permission.USAGE_READ)
    def retention(self, asked: UsageFilter, of: Cohort) -> pl.DataFrame:
        """Of the users new (or active) on each local day of the period, the share that came back so many days later.

        `day` (Date in the zone), `users`, and `day_1` to `day_7`, `day_14` and `day_30` (0 to 1, null while that day
        is not
        over), in order; days without users are left out. New is in the scope shown.
        """
        tables, places = self._tables(), self._places(asked)
        closed = bucket_of(tables.as_of) if tables.as_of else 0
        presence = tables.presence().filter(pl.col("t") < closed, places.predicate()).collect()
        users = with_users(presence, tables.files.numbers_visitors_per_application).select("user_id", "t").unique()
        return retained(users, asked.period, closed, of)

    @needs(Permission.USAGE_READ)
    def operating_systems(self, mini_program: str | None = None) -> list[str]:
        """The operating systems that were ever seen."""
        places = self._places(UsageFilter(Period(EPOCH, start_of(1)), mini_program))

        def seen() -> tuple[str, ...]:
            names = self._tables().counts().filter(places.predicate()).select(pl.col("os").unique()).collect()
            return tuple(sorted(name for name in names["os"] if name))

        return list(remembered(("systems", self._mark(), places), seen))

    def _tables(self) -> Published:
        return published(self._lake, self.viewer.tenant_id)

    def _mark(self) -> tuple[object, ...]:
        """What answers are kept under; it is asked for before the tables are: newer answers may be kept as of an older
        version, never older ones as of a newer."""
        return self._lake.folder, self._lake.version(), self.viewer.tenant_id

    def _places(self, asked: UsageFilter | None) -> _Places:
        scope = self.viewer.applications
        seen = None if scope.every else tuple(sorted(scope.ids))
        if asked is None:
            return _Places(seen, None, None, None)
        program = None
        if asked.application is not None or asked.mini_program is not None:
            names = self._names()
            seen = seen if asked.application is None else (names.application_id(asked.application),)
            program = None if asked.mini_program is None else names.mini_program_id(asked.mini_program)
        return _Places(seen, program, asked.os, asked.page)

    def _names(self) -> Names:
        with self.store.read(self.viewer.tenant_id) as session:
            return names_of(session, self.viewer.tenant_id, self.viewer.applications)

    def _grouped(self, asked: UsageFilter, grain: Grain, by: tuple[str, ...], *, filled: bool) -> pl.DataFrame:
        """`bucket`, `by` and the metrics; pages are counted by PAGE_COUNTS, everything else by COUNTS."""
        mark, places, period = self._mark(), self._places(asked), asked.period
        return remembered(
            ("usage", mark, places, period, grain, by, filled),
            lambda: _figures(self._tables(), places, period, grain, by, filled=filled),
        )

    def _named(self, rows: pl.LazyFrame, dimension: Dimension) -> pl.LazyFrame:
        column = _COLUMN[dimension]
        if dimension in {"page", "os"}:
            return rows.rename({column: "key"}).with_columns(name=pl.col("key"))
        names = self._names()
        table = names.applications if dimension == "application" else names.mini_programs
        known = table.lazy().rename({"id": column})
        return rows.join(known, on=column, how="left").drop(column)


def _figures(
    tables: Published, places: _Places, period: Period, grain: Grain, by: tuple[str, ...], *, filled: bool
) -> pl.DataFrame:
    closed = bucket_of(tables.as_of) if tables.as_of else 0
    buckets = bucket_starts(period, grain)
    if grain is not Grain.PERIOD:
        buckets = buckets.filter(pl.col("t") < closed)
    paged = "page" in by
    until = max(period.first, min(period.end, closed))
    inside = buckets.filter(pl.col("t") < until)
    added = _added(tables, places, period.first, until, by).join(inside.lazy().select("t", "bucket"), on="t")
    rows = added.group_by("bucket", *by).agg(pl.col(PAGE_COUNTS if paged else COUNTS).sum())
    # What was taken back leaves nothing.
    rows = rows.filter(pl.any_horizontal(pl.exclude("bucket", *by) != 0))
    users, firsts = _users(tables, places, inside, until, by)
    active = users.lazy().filter(pl.col("active_users") > 0)
    rows = rows.join(active, on=["bucket", *by], how="full", coalesce=True, nulls_equal=True)
    if filled:
        rows = buckets.lazy().select("bucket").unique().join(rows, on="bucket", how="left")
    if not paged:
        cumulative = cumulative_by_bucket(firsts, buckets, by).lazy()
        rows = rows.join(cumulative, on=["bucket", *by], how="left", nulls_equal=True)
    rows = rows.with_columns(pl.exclude("bucket", *by).fill_null(0))
    rows = rows.with_columns(pl.col(pl.Categorical).cast(pl.String))
    return _measured(rows, PAGE_METRICS if paged else METRICS, by).sort("bucket", *by).collect()


def _users(
    tables: Published, places: _Places, buckets: pl.DataFrame, until: int, by: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A filter's users of each bucket by the columns, and where they were seen first (`by`, t, n) before `until`."""
    scope, chosen = places.scope(by), places.predicate()
    if scope is not None and scope.is_kept:
        parts = tables.kept(scope)
        seen = tables.firsts(scope).filter(pl.col("t") < until, chosen)
        if buckets.is_empty():
            return users_by_bucket(pl.DataFrame(schema=scope.schema), buckets, by), seen
        return counted_by_bucket(parts, buckets, by, chosen), seen
    first = buckets["t"].min() if buckets.height else until
    if scope is None:
        presence = tables.presence().filter(pl.col("t") < until, chosen).collect()
        chains = chained(with_users(presence, tables.files.numbers_visitors_per_application), by)
    elif "page" in scope.by:  # cumulative users are not counted for pages
        chains = tables.chains(scope).filter(pl.col("t").is_between(first, until, closed="left"), chosen).collect()
    else:
        needed = (pl.col("t") < until) & ((pl.col("t") >= first) | (pl.col("p") == NEVER))
        chains = tables.chains(scope).filter(needed, chosen).collect()
    return users_by_bucket(chains, buckets, by), chains.filter(pl.col("p") == NEVER)


def _added(tables: Published, places: _Places, first: int, until: int, by: tuple[str, ...]) -> pl.LazyFrame:
    inside = pl.col("t").is_between(first, until, closed="left")
    if "page" in by:
        return tables.pages(range(first, until)).filter(inside, places.predicate())
    asked = {*by} | {
        column
        for column, value in (
            ("application_id", places.applications),
            ("mini_program_id", places.mini_program),
            ("os", places.os),
        )
        if value is not None
    }
    if asked <= {"application_id"} or asked <= {"mini_program_id"}:
        # Of the two tables of totals, the one of mini programs or that of applications.
        other = "application_id" if "mini_program_id" in asked else "mini_program_id"
        return between(tables.totals, first, until).lazy().filter(pl.col(other) == 0, places.predicate())
    return tables.counts(range(first, until)).filter(inside, places.predicate())


def _measured(rows: pl.LazyFrame, metrics: tuple[Metric, ...], by: Sequence[str]) -> pl.LazyFrame:
    """The metrics, from summed counts in microseconds and counted users."""
    known = rows.collect_schema().names()
    seconds = [
        (pl.col(name) / 1_000_000).alias(name.replace("_us", "_seconds"))
        for name in ("stay_us", "session_us")
        if name in known
    ]
    more = [name for name in ("stay_seconds", "new_users") if name not in {metric.key for metric in metrics}]
    return rows.with_columns(seconds).select("bucket", *by, *(metric.expression() for metric in metrics), *more)
