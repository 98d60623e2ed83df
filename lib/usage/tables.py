"""The tables of one date, as files that add up: what the kernel counted, and later what changed of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from lib.usage.kernel import COUNTS, PAGE_COUNTS, Tally
from lib.usage.lake import Lake
from lib.usage.packing import NAME
from lib.usage.writing import Writing

LARGEST_ROWS = 1_000_000
"""Files are merged up to this size: the rows of a larger one are not written again for a few new ones."""

_FOOTER_BYTES, _ROW_BYTES = 16_384, 1_024
"""More than a small file takes beside its rows, and than a row takes: a larger file need not be asked for its rows."""

_PLACE = {"mini_program_id": pl.Int32(), "application_id": pl.Int32(), "t": pl.Int32(), "os": NAME}


@dataclass(frozen=True)
class Table:
    """A table: the columns that tell its rows apart, in whose order they lie, and those that add up.

    Files are read in groups of `row_group` rows, of which a filter on the first columns leaves few.
    """

    name: str
    by: Mapping[str, pl.DataType]
    sums: Mapping[str, pl.DataType]
    row_group: int = 131_072

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Its columns."""
        return {**self.by, **self.sums}

    def summed(self, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Parts added up, in the table's order, without what cancels out."""
        whole = pl.concat([pl.DataFrame(schema=self.schema), *(part.select(list(self.schema)) for part in parts)])
        rows = whole.group_by(*self.by).agg(pl.col(*self.sums).sum())
        return rows.filter(pl.any_horizontal(pl.col(*self.sums) != 0)).sort(*self.by).select(list(self.schema))


_INTEGERS = dict.fromkeys(COUNTS, pl.Int64())
COUNTED = Table("counts", _PLACE, _INTEGERS, 16_384)
TOTALS = Table("totals", {"mini_program_id": pl.Int32(), "application_id": pl.Int32(), "t": pl.Int32()}, _INTEGERS)
"""The counts of each mini program (whose application is 0) and of each application (whose mini program is 0)."""
PAGES = Table("pages", {**_PLACE, "page": NAME}, dict.fromkeys(PAGE_COUNTS, pl.Int64()), 32_768)
PRESENCE = Table("presence", {"visitor_id": pl.UInt64(), **_PLACE, "page": NAME}, {"n": pl.Int32()}, 16_384)
TABLES = (COUNTED, TOTALS, PAGES, PRESENCE)


def tables_of(tally: Tally) -> dict[str, pl.DataFrame]:
    """What the tables have of a tally."""
    totals = totals_of(tally.counts).select(list(TOTALS.schema)).sort(*TOTALS.by)
    return {"counts": tally.counts, "totals": totals, "pages": tally.pages, "presence": tally.presence}


def totals_of(counts: pl.DataFrame, *by: str) -> pl.DataFrame:
    """The counts of each mini program and of each application, in no order; apart by further columns."""
    columns = [*by, *TOTALS.schema]
    of_each = [
        counts.group_by(*by, kept, "t").agg(pl.col(COUNTS).sum()).with_columns(pl.lit(0, pl.Int32).alias(other))
        for kept, other in (("mini_program_id", "application_id"), ("application_id", "mini_program_id"))
    ]
    return pl.concat(each.select(columns) for each in of_each)


def stacked(
    writing: Writing,
    name: str,
    names: Sequence[str],
    rows: pl.DataFrame,
    merged: Callable[[list[pl.DataFrame]], pl.DataFrame],
    row_group: int = 131_072,
) -> tuple[str, ...]:
    """The files of a table with more rows: the small ones at the end are merged, so that there are few."""
    if rows.is_empty():
        return tuple(names)
    stay, small = without_small(writing.lake, names, rows.height)
    parts = [rows, *(pl.read_parquet(writing.lake.path(each)) for each in small)]
    whole = rows if len(parts) == 1 else merged(parts)
    return (*stay, writing.frame(name, whole, row_group)) if whole.height else stay


def without_small(lake: Lake, names: Sequence[str], height: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files that stay when so many rows are added, and those at the end that are merged with them."""
    stay = len(names)
    while stay and (last := _height_below(lake, names[stay - 1], 2 * height)) is not None:
        if last + height > LARGEST_ROWS:
            break
        stay, height = stay - 1, height + last
    return tuple(names[:stay]), tuple(names[stay:])


def _height_below(lake: Lake, name: str, limit: int) -> int | None:
    """How many rows a file has where it is less than a limit."""
    if lake.path(name).stat().st_size > _FOOTER_BYTES + limit * _ROW_BYTES:
        return None
    height = height_of(lake, name)
    return height if height < limit else None


def height_of(lake: Lake, name: str) -> int:
    """How many rows a file has, without reading them."""
    return int(pl.scan_parquet(lake.path(name)).select(pl.len()).collect().item())
