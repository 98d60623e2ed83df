"""What is published of a tenant, as frames that stay in memory until the next publication."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import polars as pl

from lib.usage.events import STORED
from lib.usage.kernel import COUNTS, PAGE_COUNTS
from lib.usage.lake import Lake, TenantFiles
from lib.usage.recency import NEVER, PAGE_SCOPES, RECENCY, Scope
from lib.usage.visits import VISIT

_PLACE = {"t": pl.Int32(), "application_id": pl.Int32(), "mini_program_id": pl.Int32(), "os": pl.String()}
_COUNTS = {**_PLACE, **dict.fromkeys(COUNTS, pl.Int64())}
_PAGES = {**_PLACE, "page": pl.String(), **dict.fromkeys(PAGE_COUNTS, pl.Int64())}
_PRESENCE = {**_PLACE, "page": pl.String(), "visitor_id": pl.UInt64()}


@dataclass(frozen=True)
class Published:
    """One tenant's tables of one publication. Small ones are read once and kept, those of pages and visitors are
    scanned."""

    lake: Lake
    publication: int
    as_of: datetime | None
    files: TenantFiles

    @cached_property
    def counts(self) -> pl.DataFrame:
        """The kernel's counts of every date, by `t`; the same half hour may stand in the files of two dates."""
        return self._scan([day.counts for day in self.files.days.values()], _COUNTS).collect().sort("t")

    def chains(self, scope: Scope) -> pl.DataFrame:
        """Recency in one scope, by `t`: its places, `t`, `p` and `n`; several rows of one key add up. Kept."""
        if scope not in self._chains:
            self._chains[scope] = self._of_scope(scope).collect().sort("t")
        return self._chains[scope]

    def first_presences(self, scope: Scope) -> pl.DataFrame:
        """The chains of the scope that begin: where and when users were seen first. Kept."""
        if scope not in self._first_presences:
            self._first_presences[scope] = self.chains(scope).filter(pl.col("p") == NEVER)
        return self._first_presences[scope]

    def page_chains(self, scope: Scope) -> pl.LazyFrame:
        """Recency in a scope of pages, scanned: it lies in the order of its places, so a filter reads few of its
        rows."""
        return self._of_scope(scope)

    @cached_property
    def _chains(self) -> dict[Scope, pl.DataFrame]:
        return {}

    @cached_property
    def _first_presences(self) -> dict[Scope, pl.DataFrame]:
        return {}

    def with_raw(self) -> Published:
        """What is published of the sessions that still have their raw events."""
        return self._of_days(has_raw=True)

    def without_raw(self) -> Published:
        """What is published of the sessions whose raw events were removed."""
        return self._of_days(has_raw=False)

    def _of_days(self, has_raw: bool) -> Published:
        days = {day: names for day, names in self.files.days.items() if (names.events is not None) is has_raw}
        return replace(self, files=replace(self.files, days=days))

    def _of_scope(self, scope: Scope) -> pl.LazyFrame:
        names = self.files.page_recency if scope in PAGE_SCOPES else self.files.recency
        rows = self._scan(list(names), RECENCY).filter(pl.col("scope") == scope.number)
        return rows.select(*scope.by, "t", "p", "n")

    def pages(self) -> pl.LazyFrame:
        """The kernel's page counts of every date."""
        return self._scan([day.pages for day in self.files.days.values()], _PAGES)

    def presence(self) -> pl.LazyFrame:
        """Who was where, by half hour."""
        return self._scan([day.presence for day in self.files.days.values()], _PRESENCE)

    def events(self) -> pl.LazyFrame:
        """The raw events, as far as they are kept."""
        return self._scan(list(self.files.raw.values()), STORED)

    def visits(self, first: str, last: str) -> pl.LazyFrame:
        """The visits of the UTC dates from first to last, both included."""
        named = [files.visits for day, files in self.files.visits.items() if first <= day <= last]
        return self._scan(named, VISIT)

    def _scan(self, names: list[str], schema: dict[str, pl.DataType]) -> pl.LazyFrame:
        if not names:
            return pl.LazyFrame(schema=schema)
        return pl.scan_parquet([self.lake.path(name) for name in names]).select(list(schema))


def between(rows: pl.DataFrame, first: int, end: int) -> pl.DataFrame:
    """The rows, in the order of `t`, of the half hours [first, end): a slice, without looking at the others."""
    start, stop = (rows["t"].search_sorted(bound, side="left") for bound in (first, end))
    return rows.slice(start, max(stop - start, 0))


_current: dict[tuple[Path, int], tuple[str, Published]] = {}
_lock = threading.Lock()


def published(lake: Lake, tenant_id: int) -> Published:
    """The tenant's tables of the current publication; the same object until there is a newer one."""
    version = lake.version()
    kept = _current.get((lake.folder, tenant_id))
    if kept is not None and kept[0] == version:
        return kept[1]
    with _lock:
        manifest = lake.manifest()
        files = manifest.tenants.get(tenant_id, TenantFiles())
        fresh = Published(lake, manifest.publication, manifest.as_of, files)
        if kept is not None and kept[1].files == files:
            # The refresh published, but nothing of this tenant: what was read of its files stays.
            for name in ("counts", "_chains", "_first_presences"):
                if name in kept[1].__dict__:
                    fresh.__dict__[name] = kept[1].__dict__[name]
        _current[lake.folder, tenant_id] = (str(manifest.publication), fresh)
        return fresh
