"""What is published of a tenant, as frames that stay in memory until the next publication."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import takewhile
from pathlib import Path

import polars as pl

from lib.usage import raw
from lib.usage.buckets import BUCKET_US
from lib.usage.kept import Kept
from lib.usage.lake import FORMAT, Lake, TenantFiles
from lib.usage.recency import SCOPES, Scope
from lib.usage.tables import COUNTED, PAGES, PRESENCE, TOTALS, Table
from lib.usage.visits import STORED

_LASTING = 100_000
"""From how many rows on a file is joined to the one before."""


@dataclass(frozen=True)
class Published:
    """One tenant's tables of one publication. Small ones are read once and kept, those of pages and visitors are
    scanned. `os` and `page` are categorical."""

    lake: Lake
    publication: int
    as_of: datetime | None
    files: TenantFiles
    _parts: dict[tuple[str, ...], Kept] = field(default_factory=dict, repr=False, compare=False)

    def counts(self, halves: range | None = None) -> pl.LazyFrame:
        """The kernel's counts of every place; a half hour may stand in several files, of which its counts are the sum.

        They lie in the order of mini programs and applications, so a filter reads few of its rows; with `halves` only
        dates that have some of these half hours are read.
        """
        return self._table(COUNTED, halves)

    @cached_property
    def totals(self) -> pl.DataFrame:
        """The counts of each mini program (`application_id` 0) and of each application (`mini_program_id` 0), by
        `t`."""
        return self._table(TOTALS).collect().sort("t")

    def kept(self, scope: Scope) -> list[Kept]:
        """Recency in a scope that is kept: its files add up."""
        names, found = self.files.recency.get(scope.key, ()), []
        while names:
            known = next((key for key in self._parts if names[: len(key)] == key), None)
            if known is None:
                self._read(names)
                continue
            found.append(self._parts[known])
            names = names[len(known) :]
        return found

    def _read(self, names: Sequence[str]) -> None:
        """Read the first files, up to one that is known, and join those that follow one another in time."""
        starts = {key[0] for key in self._parts}
        new = tuple(takewhile(lambda name: name not in starts, names))
        with ThreadPoolExecutor(2) as pool:
            parts = list(pool.map(lambda name: Kept.of(pl.read_parquet(self.lake.path(name))), new))
        begin = 0
        for end in range(1, len(parts) + 1):
            # Small files are soon merged with others, and what they were joined to would be read again.
            if end == len(parts) or len(parts[end].before) < _LASTING or not parts[end].follows(parts[end - 1]):
                self._parts[new[begin:end]] = Kept.joined(parts[begin:end])
                begin = end

    def firsts(self, scope: Scope) -> pl.DataFrame:
        """How many users (`n`) were for the first time in a place of a scope that is kept, and when (`t`)."""
        schema = {name: dtype for name, dtype in scope.schema.items() if name != "p"}
        parts = [
            part.firsts.select(pl.col(name).cast(dtype) for name, dtype in schema.items()) for part in self.kept(scope)
        ]
        return pl.concat([pl.DataFrame(schema=schema), *parts])

    def chains(self, scope: Scope) -> pl.LazyFrame:
        """Recency in one scope, scanned: its places, `t`, `p` and `n`; several rows of one key add up."""
        return self._scan(self.files.recency.get(scope.key, ()), scope.schema)

    def with_raw(self) -> Published:
        """What is published of the sessions that still have their raw events."""
        return self._of_days(has_raw=True)

    def without_raw(self) -> Published:
        """What is published of the sessions whose raw events were removed."""
        return self._of_days(has_raw=False)

    def _of_days(self, has_raw: bool) -> Published:
        days = {day: names for day, names in self.files.days.items() if (names.events is not None) is has_raw}
        return replace(self, files=replace(self.files, days=days))

    def pages(self, halves: range | None = None) -> pl.LazyFrame:
        """The kernel's page counts, as `counts`."""
        return self._table(PAGES, halves)

    def presence(self) -> pl.LazyFrame:
        """Who was where, by half hour, with `n`, for how many views or opens; a row may be there more than once."""
        rows = self._table(PRESENCE)
        if all(len(day.tables.get(PRESENCE.name, ())) <= 1 for day in self.files.days.values()):
            return rows
        # A date's later files may take back what is in its first.
        whole = rows.group_by(*PRESENCE.by).agg(pl.col("n").sum())
        return whole.filter(pl.col("n") > 0)

    def events(self, day: str | None = None) -> pl.LazyFrame:
        """The raw events, as far as they are kept; with a UTC date, those of sessions that began on it."""
        kept = self.files.raw
        return raw.scanned(self.lake, [name for key in (kept if day is None else (day,)) for name in kept[key]])

    def visits(self, first: str, last: str) -> pl.LazyFrame:
        """The visits of the UTC dates from first to last, both included."""
        named = [files.visits for day, files in self.files.visits.items() if first <= day <= last]
        if not named:
            return pl.LazyFrame(schema=STORED)
        places = [self.lake.path(name) for name in named]
        # Files of an earlier version lack the newer columns.
        return pl.scan_parquet(places, schema=STORED, missing_columns="insert", extra_columns="ignore")

    def _table(self, table: Table, halves: range | None = None) -> pl.LazyFrame:
        days = list(self.files.days.values())
        if halves is not None:
            reach = ((day, day.first_us // BUCKET_US, day.last_us // BUCKET_US) for day in days)
            days = [day for day, first, last in reach if first < halves.stop and halves.start <= last]
        names = [name for day in days for name in day.tables.get(table.name, ())]
        return self._scan(names, table.schema)

    def _scan(self, names: Sequence[str], schema: Mapping[str, pl.DataType]) -> pl.LazyFrame:
        if not names:
            return pl.LazyFrame(schema=dict(schema))
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
        # Tables of another version of Daybook: nothing is counted until the refresh has made them again.
        as_of = manifest.as_of if manifest.format == FORMAT else None
        fresh = Published(lake, manifest.publication, as_of, files)
        if kept is not None:
            # What was read of files that are still current stays.
            current = {name for names in files.recency.values() for name in names}
            fresh._parts.update({key: part for key, part in kept[1]._parts.items() if current.issuperset(key)})
            if kept[1].files.days == files.days and "totals" in kept[1].__dict__:
                fresh.__dict__["totals"] = kept[1].totals
        _current[lake.folder, tenant_id] = (str(manifest.publication), fresh)
        return fresh


def read_ahead(lake: Lake, most_bytes: int = 64 << 20) -> None:
    """Read what stays in memory, so that whoever comes first after a start need not wait: of tenants whose files of it
    have `most_bytes` in all, the smallest first. Raises Unavailable."""
    sizes = {
        tenant_id: sum(lake.path(name).stat().st_size for name in _kept_names(files))
        for tenant_id, files in lake.manifest().tenants.items()
    }
    for tenant_id, size in sorted(sizes.items(), key=lambda each: each[1]):
        most_bytes -= size
        if most_bytes < 0:
            break
        tables = published(lake, tenant_id)
        for scope in SCOPES:
            if scope.is_kept:
                tables.firsts(scope)
        len(tables.totals)


def _kept_names(files: TenantFiles) -> list[str]:
    kept = [name for scope in SCOPES if scope.is_kept for name in files.recency.get(scope.key, ())]
    return kept + [name for day in files.days.values() for name in day.tables.get(TOTALS.name, ())]
