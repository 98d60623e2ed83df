"""The operation log as a viewer may see it: pages of rows, exact counts, one record in full (SPEC O4 to O7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import orjson
import polars as pl
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.errors import NotFound
from lib.logs.changes import FieldChange, changes
from lib.logs.sidecar import Snapshot, Tally, Wanted
from lib.queries.gate import ViewerQueries, needs
from lib.queries.operation_filter import OperationFilter
from lib.queries.operation_rows import BODY, rows_between, rows_of, tenant_keys
from lib.queries.operation_scope import wanted_by
from lib.queries.tenancy import narrowed_to, scope_of
from lib.store import Store
from lib.store.time_ids import LAST_INSTANT
from lib.usage.buckets import EPOCH, Grain, bucket_starts

FACETS = (
    "product",
    "module",
    "submodule",
    "action",
    "operator",
    "operation_class",
    "channel",
    "result",
    "project",
    "application",
)
"""The columns whose words are counted."""

_LEAST, _MOST = 1, 1000
_AT_ONCE = 10_000


@dataclass(frozen=True)
class OperationPage:
    """Some operations, newest first (operation_rows.ROW, instants in the filter's zone).

    `newer` and `older` are ids to give as `after` and `before` for the neighbouring page; null at the ends.
    """

    rows: pl.DataFrame
    newer: int | None
    older: int | None


@dataclass(frozen=True)
class OperationCounts:
    """How many operations match; `histogram` has `bucket`, `operations`, `failures`, empty buckets included;
    `facets` has `value`, `operations` for each column of FACETS and for `tenant`, most first."""

    total: int
    histogram: pl.DataFrame
    facets: Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class OperationDetails:
    """One operation: every column and what only the record says, its values compared, and the record as JSON text."""

    fields: Mapping[str, object]
    changes: tuple[FieldChange, ...]
    raw: str


class OperationQueries(ViewerQueries):
    """The operations of one tenant, or of those that a system administrator asks for; exact at any moment."""

    def __init__(self, viewer: Viewer, store: Store, lake: Path) -> None:
        super().__init__(viewer, store)
        self._lake = lake

    @needs(Permission.OPERATION_LOG_READ)
    def page(
        self,
        asked: OperationFilter,
        *,
        before: int | None = None,
        after: int | None = None,
        size: int = 50,
        columns: Sequence[str] = (),
    ) -> OperationPage:
        """The newest operations that match, those older than the id `before`, or the next newer than `after`; in the
        columns that `rows` can have."""
        size = min(max(size, _LEAST), _MOST)
        with self._scoped(asked) as (session, wanted):
            part = _narrowed(wanted, before, after)
            found = self._found(session, part, size + 1, columns, asked.zone, newest=after is None)
        more = found.height > size
        rows = found.head(size) if after is None else found.tail(size)
        newest, oldest = (rows["id"][0], rows["id"][-1]) if rows.height else (None, None)
        has_newer = more if after is not None else before is not None
        has_older = more if after is None else True
        return OperationPage(rows, newest if has_newer else None, oldest if has_older else None)

    @needs(Permission.OPERATION_LOG_READ)
    def counts(self, asked: OperationFilter, grain: Grain = Grain.DAY) -> OperationCounts:
        """How many match, when, and with which words: exact."""
        with self._scoped(asked) as (session, wanted):
            tally = Snapshot.of(session, self._lake, wanted).tally(wanted, FACETS)
            keys = tenant_keys(session)
        facets = {name: _facet(tally.by_word.get(name, Counter())) for name in FACETS}
        by_tenant = Counter({keys.get(tenant_id, ""): count for tenant_id, count in tally.by_tenant.items()})
        return OperationCounts(
            tally.total, _histogram(asked, grain, tally), MappingProxyType({**facets, "tenant": _facet(by_tenant)})
        )

    @needs(Permission.OPERATION_LOG_READ)
    def total(self, asked: OperationFilter) -> int:
        """How many operations match."""
        return self._count(asked)

    @needs(Permission.OPERATION_LOG_READ)
    def newer_count(self, asked: OperationFilter, operation_id: int) -> int:
        """How many of the operations that match are newer than one: its place in the list."""
        with self._scoped(asked) as (session, wanted):
            part = replace(wanted, first_id=max(wanted.first_id, operation_id + 1))
            return Snapshot.of(session, self._lake, part).tally(part, ()).total

    @needs(Permission.OPERATION_LOG_READ)
    def details(self, operation_id: int, tenant: str | None = None) -> OperationDetails:
        """One operation in full. Raises NotFound where there is none that the viewer may see."""
        every = OperationFilter(EPOCH, LAST_INSTANT, tenants=() if tenant is None else (tenant,))
        with self._scoped(every) as (session, wanted):
            part = replace(wanted, first_id=operation_id, until_id=operation_id + 1)
            places = self._places(session, part, 1, newest=True)
            rows, body = rows_of(session, places, ()), rows_of(session, places, (BODY,))
        if rows.is_empty():
            raise NotFound(kind="operation", key=operation_id)
        told = orjson.loads(body[BODY][0])
        fields = {
            **rows.row(0, named=True),
            **{name: told[name] for name in ("user_agent", "event_id") if name in told},
        }
        raw = orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()
        return OperationDetails(MappingProxyType(fields), changes(told.get("old"), told.get("new")), raw)

    @needs(Permission.OPERATION_LOG_READ)
    def neighbours(self, asked: OperationFilter, operation_id: int) -> tuple[int | None, int | None]:
        """The next newer and the next older operation that match; null at the ends."""
        with self._scoped(asked) as (session, wanted):
            newer = self._places(session, _narrowed(wanted, None, operation_id), 1, newest=False)
            older = self._places(session, _narrowed(wanted, operation_id, None), 1, newest=True)
        return (newer[0][1] if newer else None), (older[0][1] if older else None)

    @needs(Permission.OPERATION_LOG_READ)
    def rows(self, asked: OperationFilter, columns: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        """All that match, newest first, some thousands a frame, as they were at one moment.

        `columns` are some of operation_rows.ROW, or BODY; none means all of ROW. `id` comes first in any case.
        """
        return self._rows(asked, columns)

    def _rows(self, asked: OperationFilter, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        with self._scoped(asked) as (session, wanted):
            if (tenant_id := _alone(wanted)) is not None:
                yield from _walked(session, wanted, tenant_id, columns, asked.zone)
            else:
                for places in Snapshot.of(session, self._lake, wanted).every(wanted):
                    for some in places.iter_slices(_AT_ONCE):
                        yield rows_of(session, some.rows(), columns, asked.zone)

    def _count(self, asked: OperationFilter) -> int:
        with self._scoped(asked) as (session, wanted):
            return Snapshot.of(session, self._lake, wanted).tally(wanted, ()).total

    def _found(
        self, session: Session, wanted: Wanted, count: int, columns: Sequence[str], zone: str, *, newest: bool
    ) -> pl.DataFrame:
        """The last operations that match, or the first; newest first."""
        if (tenant_id := _alone(wanted)) is not None:
            ids = wanted.first_id, wanted.until_id
            return rows_between(session, tenant_id, ids, columns, count, newest=newest, zone=zone)
        return rows_of(session, self._places(session, wanted, count, newest=newest), columns, zone)

    def _places(self, session: Session, wanted: Wanted, count: int, *, newest: bool) -> list[tuple[int, int]]:
        """(tenant id, id) of the last operations that match, newest first; or of the first, oldest first."""
        if (tenant_id := _alone(wanted)) is not None:
            between = wanted.first_id, wanted.until_id
            ids = rows_between(session, tenant_id, between, ("id",), count, newest=newest)["id"].to_list()
            return [(tenant_id, number) for number in (ids if newest else reversed(ids))]
        snapshot = Snapshot.of(session, self._lake, wanted)
        return snapshot.newest(wanted, count) if newest else snapshot.oldest(wanted, count)

    @contextmanager
    def _scoped(self, asked: OperationFilter) -> Iterator[tuple[Session, Wanted]]:
        """A transaction of the tenants asked for, and the filter within what the viewer may see."""
        asked = replace(asked, tenants=narrowed_to(self.viewer, asked.tenants))
        with self.store.read(scope_of(self.viewer, asked.tenants)) as session:
            yield session, wanted_by(session, self.viewer, asked)


def _narrowed(wanted: Wanted, before: int | None, after: int | None) -> Wanted:
    first = wanted.first_id if after is None else max(wanted.first_id, after + 1)
    until = wanted.until_id if before is None else min(wanted.until_id, before)
    return replace(wanted, first_id=first, until_id=max(until, first))


def _walked(
    session: Session, wanted: Wanted, tenant_id: int, columns: Sequence[str], zone: str
) -> Iterator[pl.DataFrame]:
    until = wanted.until_id
    while True:
        ids = wanted.first_id, until
        frame = rows_between(session, tenant_id, ids, columns, _AT_ONCE, newest=True, zone=zone)
        if frame.is_empty():
            return
        yield frame
        until = frame["id"][-1]


def _alone(wanted: Wanted) -> int | None:
    """The tenant whose rows are simply a range of the table's key; null where the sidecar has to tell which match."""
    if not wanted.is_period_alone or wanted.tenant_ids is None or len(wanted.tenant_ids) != 1:
        return None
    return next(iter(wanted.tenant_ids))


def _facet(counted: Mapping[str, int]) -> pl.DataFrame:
    frame = pl.DataFrame(
        {"value": list(counted), "operations": list(counted.values())}, {"value": pl.String, "operations": pl.Int64}
    )
    return frame.sort(["operations", "value"], descending=[True, False])


def _histogram(asked: OperationFilter, grain: Grain, tally: Tally) -> pl.DataFrame:
    halves = bucket_starts(asked.whole_buckets(), grain).select("t", "bucket")
    for name, counted in (("operations", tally.by_half_hour), ("failures", tally.failures)):
        found = pl.DataFrame({"t": list(counted), name: list(counted.values())}, {"t": pl.Int32, name: pl.Int64})
        halves = halves.join(found, on="t", how="left")
    return halves.group_by("bucket", maintain_order=True).agg(pl.col("operations", "failures").sum()).sort("bucket")
