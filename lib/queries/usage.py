"""Usage as a viewer may see it: figures of any period, filter and zone, each exact."""

from __future__ import annotations

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
from lib.queries.usage_figures import Places, figures_of
from lib.store import Store
from lib.usage.buckets import EPOCH, Grain, Period, bucket_of, start_of
from lib.usage.lake import Lake
from lib.usage.published import Published, published
from lib.usage.recency import with_users
from lib.usage.retention import Cohort, retained

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


class UsageQueries(ViewerQueries):
    """The usage of one tenant. Frames have the keys of METRICS as columns; a figure that is nothing over nothing is
    null."""

    def __init__(self, viewer: Viewer, store: Store, lake: Path) -> None:
        super().__init__(viewer, store)
        self._lake = Lake(lake)
        self._known: tuple[Viewer, Names] | None = None

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
        mark, names = self._mark(), self._names()

        def ranked() -> pl.DataFrame:
            rows = self._grouped(asked, Grain.PERIOD, (_COLUMN[dimension],), filled=False)
            named = _named(rows.lazy().drop("bucket"), dimension, names)
            return named.sort(["opens", "key"], descending=[True, False]).collect()

        return remembered(("ranking", mark, self._places(asked), asked.period, dimension, names), ranked)

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
        rows = self._grouped(asked, grain, (_COLUMN[dimension],), filled=False).lazy()
        return _named(rows, dimension, self._names()).sort("bucket", "key").collect()

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

    def _places(self, asked: UsageFilter | None) -> Places:
        scope = self.viewer.applications
        seen = None if scope.every else tuple(sorted(scope.ids))
        if asked is None:
            return Places(seen, None, None, None)
        program = None
        if asked.application is not None or asked.mini_program is not None:
            names = self._names()
            seen = seen if asked.application is None else (names.application_id(asked.application),)
            program = None if asked.mini_program is None else names.mini_program_id(asked.mini_program)
        return Places(seen, program, asked.os, asked.page)

    def _names(self) -> Names:
        """Read once for each reading of the viewer, and always where nobody renews the viewer."""
        viewer, known = self.viewer, self._known
        if known is None or known[0] is not viewer or self._entry is None:
            with self.store.read(viewer.tenant_id) as session:
                known = self._known = viewer, names_of(session, viewer.tenant_id, viewer.applications)
        return known[1]

    def _grouped(self, asked: UsageFilter, grain: Grain, by: tuple[str, ...], *, filled: bool) -> pl.DataFrame:
        """`bucket`, `by` and the metrics; pages are counted by PAGE_COUNTS, everything else by COUNTS."""
        mark, places, period = self._mark(), self._places(asked), asked.period
        return remembered(
            ("usage", mark, places, period, grain, by, filled),
            lambda: figures_of(self._tables(), mark, places, period, grain, by, filled=filled),
        )


def _named(rows: pl.LazyFrame, dimension: Dimension, names: Names) -> pl.LazyFrame:
    """With `key` and `name` in place of the dimension's column."""
    column = _COLUMN[dimension]
    if dimension in {"page", "os"}:
        return rows.rename({column: "key"}).with_columns(name=pl.col("key"))
    table = names.applications if dimension == "application" else names.mini_programs
    return rows.join(table.lazy().rename({"id": column}), on=column, how="left").drop(column)
