"""What a filter's figures are: counts that add up, users that are told from chains, and the metrics made of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import polars as pl

from lib.queries.remembering import remembered
from lib.usage.buckets import Grain, Period, bucket_of, bucket_starts
from lib.usage.kept import counted_by_bucket
from lib.usage.kernel import COUNTS, PAGE_COUNTS
from lib.usage.metrics import METRIC_BY_KEY, METRICS, PAGE_METRICS, Metric
from lib.usage.published import Published, between
from lib.usage.recency import NEVER, PAGE_SCOPES, SCOPES, Scope, chained, with_users
from lib.usage.users import cumulative_by_bucket, users_by_bucket


@dataclass(frozen=True)
class Places:
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


def figures_of(
    tables: Published,
    mark: Hashable,
    places: Places,
    period: Period,
    grain: Grain,
    by: tuple[str, ...],
    *,
    filled: bool,
) -> pl.DataFrame:
    """`bucket`, `by` and the metrics of each bucket of a trend, in order: of pages PAGE_METRICS, else METRICS.

    Filled, every bucket that has begun is there; else those in which something was. `mark` changes with the tables.
    """
    closed = bucket_of(tables.as_of) if tables.as_of else 0
    buckets = bucket_starts(period, grain)
    if grain is not Grain.PERIOD:
        buckets = buckets.filter(pl.col("t") < closed)
    paged = "page" in by
    until = max(period.first, min(period.end, closed))
    inside = buckets.filter(pl.col("t") < until)
    rows = _summed(tables, places, inside, until, by).lazy()
    users, firsts = _users(tables, mark, places, inside, until, by)
    active = users.lazy().filter(pl.col("active_users") > 0).with_columns(pl.col(pl.Categorical).cast(pl.String))
    rows = rows.join(active, on=["bucket", *by], how="full", coalesce=True, nulls_equal=True)
    if filled:
        rows = buckets.lazy().select("bucket").unique().join(rows, on="bucket", how="left")
    if not paged:
        cumulative = (
            cumulative_by_bucket(firsts, buckets, by).lazy().with_columns(pl.col(pl.Categorical).cast(pl.String))
        )
        rows = rows.join(cumulative, on=["bucket", *by], how="left", nulls_equal=True)
    rows = rows.with_columns(pl.exclude("bucket", *by).fill_null(0))
    return _measured(rows, PAGE_METRICS if paged else METRICS, by).sort("bucket", *by).collect()


def _summed(tables: Published, places: Places, buckets: pl.DataFrame, until: int, by: tuple[str, ...]) -> pl.DataFrame:
    """What adds up in each bucket by the columns; what was taken back leaves nothing."""
    first = _first(buckets, until)
    added, sums = _added(tables, places, first, until, by), pl.col(PAGE_COUNTS if "page" in by else COUNTS).sum()
    if _is_one(buckets):
        rows = added.group_by(by).agg(sums) if by else added.select(sums)
        rows = rows.join(buckets.lazy().select(pl.col("bucket").first()), how="cross")
    else:
        rows = added.join(buckets.lazy().select("t", "bucket"), on="t").group_by("bucket", *by).agg(sums)
    rows = rows.filter(pl.any_horizontal(pl.exclude("bucket", *by) != 0))
    return rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).collect()


def _users(
    tables: Published, mark: Hashable, places: Places, buckets: pl.DataFrame, until: int, by: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A filter's users of each bucket by the columns, and where they were seen first (`by`, t, n) before `until`."""
    scope, chosen = places.scope(by), places.predicate()
    if scope is None:
        presence = tables.presence().filter(pl.col("t") < until, chosen).collect()
        chains = chained(with_users(presence, tables.files.numbers_visitors_per_application), by)
        return users_by_bucket(chains, buckets, by), chains.filter(pl.col("p") == NEVER)
    if scope.is_kept:
        seen = tables.firsts(scope).filter(pl.col("t") < until, chosen)
        if buckets.is_empty():
            return users_by_bucket(pl.DataFrame(schema=scope.schema), buckets, by), seen
        return counted_by_bucket(tables.kept(scope), buckets, by, chosen), seen
    users = _scanned_users(tables.chains(scope).filter(chosen), buckets, until, by)
    if "page" in scope.by:  # cumulative users are not counted for pages
        return users, pl.DataFrame(schema=scope.schema)

    def firsts() -> pl.DataFrame:
        new = tables.chains(scope).filter(pl.col("p") == NEVER, chosen)
        return new.group_by(*by, "t").agg(pl.col("n").sum()).collect()

    seen = remembered(("firsts", mark, places, by), firsts)
    return users, seen.filter(pl.col("t") < until)


def _scanned_users(chains: pl.LazyFrame, buckets: pl.DataFrame, until: int, by: tuple[str, ...]) -> pl.DataFrame:
    """`active_users` and `new_users`, of chains of which only those are read that may count."""
    if buckets.is_empty():
        return users_by_bucket(chains.head(0).collect(), buckets, by)
    latest, p, n = buckets["start"].max(), pl.col("p"), pl.col("n")
    inside = pl.col("t").is_between(_first(buckets, until), until, closed="left")
    counting = chains.filter(inside, (p < latest) | (p == NEVER))
    if not _is_one(buckets):
        return users_by_bucket(counting.collect(), buckets, by)
    users = (n.sum().alias("active_users"), n.filter(p == NEVER).sum().alias("new_users"))
    rows = counting.group_by(by).agg(users) if by else counting.select(users)
    return rows.join(buckets.lazy().select(pl.col("bucket").first()), how="cross").collect()


def _first(buckets: pl.DataFrame, until: int) -> int:
    return int(buckets["t"].min()) if buckets.height else until  # type: ignore[arg-type]


def _is_one(buckets: pl.DataFrame) -> bool:
    """Whether all half hours are of one bucket, so that none has to be looked up."""
    return buckets.height > 0 and buckets["start"].min() == buckets["start"].max()


def _added(tables: Published, places: Places, first: int, until: int, by: tuple[str, ...]) -> pl.LazyFrame:
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
    shown = [*metrics, *(METRIC_BY_KEY[key] for key in ("stay_seconds", "new_users"))]
    return rows.with_columns(seconds).select("bucket", *by, *(metric.expression() for metric in dict.fromkeys(shown)))
