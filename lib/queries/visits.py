"""Visits as a viewer may see them (SPEC L1, L2): rows, and how many came when, from where and for what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.errors import BadInput, NotFound
from lib.queries.gate import ViewerQueries, needs
from lib.queries.remembering import remembered
from lib.queries.visit_filter import VisitFilter
from lib.queries.visit_rows import ROW, Mark, told, whole
from lib.queries.visit_scan import ORDER, SCANNED, Moment, moment
from lib.queries.visit_tops import TOPS, added, placed_among, top_of
from lib.store import Store
from lib.usage.buckets import Grain, bucket_expr, bucket_starts, start_of
from lib.words import Phrase

__all__ = ["VisitFilter", "VisitPage", "VisitQueries"]

_LEAST, _MOST = 1, 1000
_FAILED = 400
_COUNTS = ("visits", "visitors", "addresses", "errors", "bytes")


@dataclass(frozen=True)
class VisitPage:
    """Some visits, newest first (visit_rows.ROW, instants in the filter's zone).

    `newer` and `older` are ids to give as `after` and `before` for the neighbouring page; null at the ends.
    """

    rows: pl.DataFrame
    newer: str | None
    older: str | None


class VisitQueries(ViewerQueries):
    """The visits of one tenant, or of those that a system administrator asks for, those that the refresh has not filed
    yet included: a log is read as it stands."""

    def __init__(self, viewer: Viewer, store: Store, lake: Path) -> None:
        super().__init__(viewer, store)
        self._lake = lake

    @needs(Permission.VISIT_READ)
    def page(
        self, asked: VisitFilter, *, before: str | None = None, after: str | None = None, size: int = 50
    ) -> VisitPage:
        """The newest visits that match, those older than the row of the id `before`, or the next newer than `after`.

        Raises BadInput for what is no id.
        """
        size, now = min(max(size, _LEAST), _MOST), self._now(asked)
        found = _walked(now, asked, _mark(before), _mark(after), size + 1)
        more = found.height > size
        rows = found.head(size) if after is None else found.tail(size)
        shown = whole(rows, now.companies, asked.zone)
        newest, oldest = (shown["id"][0], shown["id"][-1]) if shown.height else (None, None)
        has_newer = more if after is not None else before is not None
        has_older = more if after is None else True
        return VisitPage(shown, newest if has_newer else None, oldest if has_older else None)

    @needs(Permission.VISIT_READ)
    def rows(self, asked: VisitFilter, limit: int | None = None) -> pl.DataFrame:
        """The visits themselves (visit_rows.TOLD), `at` in the zone, newest first."""
        now = self._now(asked)
        rows = _matching(now, asked).sort(*ORDER, descending=True)
        return told(rows if limit is None else rows.head(limit), now.companies, asked.zone)

    @needs(Permission.VISIT_READ)
    def frames(self, asked: VisitFilter, columns: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        """The visits as `rows` gives them and as they are now, a UTC date at a time: for more than fit into memory.

        `columns` are some of visit_rows.TOLD; none means all.
        """
        now = self._now(asked)
        for day in now.dates(*asked.utc_dates()):
            visits = _matching(now, asked, (day, day)).sort(*ORDER, descending=True)
            yield told(visits, now.companies, asked.zone, columns)

    @needs(Permission.VISIT_READ)
    def count(self, asked: VisitFilter) -> int:
        """How many visits are meant."""
        now = self._now(asked)
        filed = remembered((now.mark, "count", _untold(asked)), lambda: _count(now.filed(), asked))
        return filed + _count(now.waiting(), asked)

    @needs(Permission.VISIT_READ)
    def newer_count(self, asked: VisitFilter, visit_id: str) -> int:
        """How many of the visits that match are newer than one: its place in the list. Raises BadInput."""
        mark = Mark.of(visit_id)
        return int(_matching(self._now(asked), asked).filter(mark.is_before()).select(pl.len()).collect().item())

    @needs(Permission.VISIT_READ)
    def histogram(self, asked: VisitFilter, grain: Grain, *, filled: bool = False) -> pl.DataFrame:
        """`bucket`, `visits`, `visitors` (distinct address and user agent), `addresses`, `errors` (400 and above),
        `bytes`.

        Buckets without visits are left out, or nothing but zeros where `filled`.
        """
        now, starts = self._now(asked), bucket_starts(asked.whole_buckets(), grain)
        key = (now.mark, "histogram", asked, grain)
        found = remembered(key, lambda: _histogram(_matching(now.filed(), asked), starts))
        found = _with_waiting(found, now, asked, starts)
        if not filled:
            return found
        buckets = starts.select(pl.col("bucket").unique(maintain_order=True))
        return buckets.join(found, on="bucket", how="left").with_columns(pl.col(_COUNTS).fill_null(0))

    @needs(Permission.VISIT_READ)
    def top(self, asked: VisitFilter, column: str, limit: int = 10) -> pl.DataFrame:
        """`value`, `visits`, `errors` of the most frequent values of a column of TOPS, most first: `target` without
        its query, places and tenants by their codes and keys. What is null is left out. Raises BadInput."""
        if column not in TOPS:
            raise BadInput(what=Phrase("refused.filter"))
        now = self._now(asked)
        key = (now.mark, "top", _untold(asked), column)
        filed = remembered(key, lambda: top_of(_matching(now.filed(), asked), column, now.companies))
        late = now.waiting()
        if late.tenants:
            filed = added(filed, top_of(_matching(late, asked), column, now.companies))
        return filed.head(limit)

    @needs(Permission.VISIT_READ)
    def details(self, visit_id: str, tenants: tuple[str, ...] = ()) -> dict[str, object]:
        """One visit in full (visit_rows.ROW, instants in UTC), of the tenants as a filter names them.

        Raises NotFound where there is none that the viewer may see.
        """
        try:
            mark = Mark.of(visit_id)
        except BadInput as error:
            raise NotFound(kind="visit", key=visit_id[:60]) from error
        now = moment(self.viewer, self.store, self._lake, tenants)
        day = mark.at.date()
        rows = now.between(day, day).filter(mark.is_it()).collect()
        if rows.is_empty():
            raise NotFound(kind="visit", key=visit_id)
        return whole(rows.head(1), now.companies, "UTC").select(ROW).row(0, named=True)

    def _now(self, asked: VisitFilter) -> Moment:
        return moment(self.viewer, self.store, self._lake, asked.tenants)


def _matching(now: Moment, asked: VisitFilter, dates: tuple[date, date] | None = None) -> pl.LazyFrame:
    """The visits that match (SCANNED), of the UTC dates from first to last, in no order."""
    visits = now.between(*(dates or asked.utc_dates())).filter(asked.predicate())
    if asked.keyword:
        visits = visits.filter(asked.keyword_predicate(now.with_keyword(asked.keyword)))
    return placed_among(visits, asked.country, asked.region)


def _walked(now: Moment, asked: VisitFilter, before: Mark | None, after: Mark | None, count: int) -> pl.DataFrame:
    """The first `count` that match, newest first and older than a mark; or the next newer than one. A date at a time,
    until there are enough."""
    is_forward = after is not None
    first, last = asked.utc_dates()
    days = now.dates(max(first, after.at.date()) if after else first, min(last, before.at.date()) if before else last)
    found: list[pl.DataFrame] = []
    for day in reversed(days) if is_forward else days:
        visits = _matching(now, asked, (day, day))
        for mark, beyond in ((before, Mark.is_after), (after, Mark.is_before)):
            visits = visits if mark is None else visits.filter(beyond(mark))
        missing = count - sum(each.height for each in found)
        found.append(visits.sort(*ORDER, descending=not is_forward).head(missing).collect())
        if found[-1].height == missing:
            break
    rows = pl.concat([pl.DataFrame(schema=SCANNED), *found])
    return rows.reverse() if is_forward else rows


def _count(now: Moment, asked: VisitFilter) -> int:
    return int(_matching(now, asked).select(pl.len()).collect().item()) if now.tenants else 0


def _histogram(visits: pl.LazyFrame, starts: pl.DataFrame) -> pl.DataFrame:
    # Texts are told apart by 64 bits of each, three times faster: two of a million are taken for one with a chance of
    # one in 40 million.
    address, agent = pl.col("address").hash(1), pl.col("user_agent").hash(2)
    columns = {"t": bucket_expr(pl.col("at")), "a": address, "v": address ^ agent}
    return (
        visits.select("status", "size_bytes", **columns)
        .join(starts.select("t", "bucket").lazy(), on="t")
        .group_by("bucket")
        .agg(
            visits=pl.len().cast(pl.Int64),
            visitors=pl.col("v").n_unique().cast(pl.Int64),
            addresses=pl.col("a").n_unique().cast(pl.Int64),
            errors=(pl.col("status") >= _FAILED).sum().cast(pl.Int64),
            bytes=pl.col("size_bytes").sum(),
        )
        .sort("bucket")
        .collect()
    )


def _with_waiting(filed: pl.DataFrame, now: Moment, asked: VisitFilter, starts: pl.DataFrame) -> pl.DataFrame:
    """The counts of what is filed with those buckets counted again that something of what waits is in."""
    late = now.waiting()
    if not late.tenants:
        return filed
    halves = _matching(late, asked).select(t=bucket_expr(pl.col("at"))).unique().collect()
    touched = starts.join(halves, on="t").select("bucket").unique()
    if touched.is_empty():
        return filed
    again = starts.join(touched, on="bucket")
    numbers = again["t"].to_list()
    since, until = start_of(min(numbers)), start_of(max(numbers) + 1)
    narrower = replace(asked, since=max(asked.since, since), until=min(asked.until, until))
    counted = _histogram(_matching(now, narrower), again)
    return pl.concat([filed.join(touched, on="bucket", how="anti"), counted]).sort("bucket")


def _mark(visit_id: str | None) -> Mark | None:
    return None if visit_id is None else Mark.of(visit_id)


def _untold(asked: VisitFilter) -> VisitFilter:
    """The filter without what changes no count."""
    return replace(asked, zone="UTC")
