"""Whether two publications have the same tables, however they lie in files: a sum for each column of each table.

What a file adds to a row of another is summed by both: each count times a hash of its row's key, modulo 2⁶⁴. So no row
is held longer than its file is read.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from lib.usage.lake import Lake
from lib.usage.last import SCHEMA, Run, contents
from lib.usage.recency import NEVER, PAGE_SCOPES, SCOPES
from lib.usage.tables import TABLES

_PART = 2_000_000
_WHOLE = 1 << 64


def table_sums(lake: Lake, tenant_id: int) -> dict[str, dict[str, int]]:
    """The sums of every table of a tenant, by its name and the column's."""
    files = lake.manifest().tenants[tenant_id]
    sums = {}
    for table in TABLES:
        names = [name for day in files.days.values() for name in day.tables.get(table.name, ())]
        sums[table.name] = _summed(lake, names, [*table.by], [*table.sums])
    for scope in (*SCOPES, *PAGE_SCOPES):
        sums[f"recency {scope.key}"] = _summed(lake, files.recency[scope.key], [*scope.by, "t", "p"], ["n"])
    return {**sums, "last": {"t": _last(lake, files.last)}}


def _summed(lake: Lake, names: Iterable[str], by: list[str], columns: list[str]) -> dict[str, int]:
    sums = dict.fromkeys(columns, 0)
    for name in names:
        rows = pl.read_parquet(lake.path(name))
        key = _hashed(rows, by)
        for column in columns:
            sums[column] += int((key * rows[column].cast(pl.Int64).to_numpy().view(np.uint64)).sum())
    return {name: total % _WHOLE for name, total in sums.items()}


def _last(lake: Lake, names: tuple[str, ...]) -> int:
    """The hashes of the rows that count, added up: of a run those that no later one has otherwise."""
    first, later = Run.opened(lake.path(names[0])), contents(lake, names[1:], gone=True)
    by, total = [name for name in SCHEMA if name != "t"], 0
    for begin in range(0, len(first.visitors), part := max(1, _PART * len(first.visitors) // max(1, len(first.rows)))):
        rows = first.whole(begin, begin + part)
        total += int(_hashed(rows.join(later, on=by, how="anti", nulls_equal=True), [*SCHEMA]).sum())
    return (total + int(_hashed(later.filter(pl.col("t") != NEVER), [*SCHEMA]).sum())) % _WHOLE


def _hashed(rows: pl.DataFrame, by: list[str]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return rows.select(by).with_columns(pl.col(pl.Categorical).cast(pl.String)).hash_rows(7).to_numpy()
