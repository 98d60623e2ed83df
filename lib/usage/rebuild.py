"""Counting everything again, in bounded memory: the tables a date at a time, the chains a slice of the visitors at a
time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from lib.usage import raw
from lib.usage.chaining import Cells, Chains, Layout, Numbering
from lib.usage.heaps import Heap
from lib.usage.kernel import tallied
from lib.usage.lake import DayFiles, Lake, TenantFiles
from lib.usage.last import Builder
from lib.usage.packing import starts_of
from lib.usage.recency import PAGE_SCOPES, SCOPES, Scope, user_of
from lib.usage.tables import PRESENCE, TABLES, TOTALS, height_of, tables_of
from lib.usage.writing import Writing

PLACES_ROWS = 200_000
"""About how many events are counted at a time."""

SLICE_ROWS = 800_000
"""About how many rows of presence are chained at a time."""

PART_ROWS = 600_000
"""About how many chains a file of recency is made of."""

_NEEDED = (
    "application_id",
    "mini_program_id",
    "session_id",
    "visitor_id",
    "kind",
    "page",
    "os",
    "at",
    "duration_ms",
    "is_excluded",
)


def rebuilt(writing: Writing, files: TenantFiles, per_application: bool) -> TenantFiles:
    """A tenant's files with everything counted again from the events in the lake; where those were removed, what was
    counted of them stays."""
    days = {**files.days}
    for day, names in files.raw.items():
        days[day] = _counted(writing, day, files.days[day], names)
    bare = replace(files, days=days, numbers_visitors_per_application=per_application)
    recency, last = _recency(writing, bare)
    return replace(bare, recency=recency, last=last)


def _counted(writing: Writing, day: str, files: DayFiles, names: Sequence[str]) -> DayFiles:
    parts = [tables_of(tallied(each)) for each in _events_of(writing.lake, names)]
    tables: dict[str, tuple[str, ...]] = {}
    for table in TABLES:
        # A place is in one part, but the totals are of several.
        rows = pl.concat([part.pop(table.name) for part in parts]).select(list(table.schema))
        ordered = table.summed([rows]) if table is TOTALS else rows.sort(list(table.by)[:2], maintain_order=True)
        if ordered.height:
            tables[table.name] = (writing.frame(f"{table.name}/{day}", ordered, table.row_group),)
    return replace(files, tables=tables)


def _events_of(lake: Lake, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The events of a date, in LAKE_ORDER, some places at a time."""
    if len(names) <= 1:
        yield from _places_of(raw.in_order(lake, names, _NEEDED))
        return
    # Several files are to be put in order, which takes more than to read them: some applications at a time.
    application, so_far = pl.col("application_id"), pl.col("len").cum_sum().shift(1, fill_value=0)
    heights = raw.scanned(lake, names).group_by(application).len().sort(application).collect()
    for _, some in heights.group_by(so_far // PLACES_ROWS, maintain_order=True):
        inside = application.is_between(some["application_id"].min(), some["application_id"].max())
        yield raw.in_order(lake, names, _NEEDED, inside)


def _places_of(events: pl.DataFrame) -> Iterator[pl.DataFrame]:
    runs = events.select(pl.struct("application_id", "mini_program_id").rle_id()).to_series().to_numpy()
    begin = 0
    for end in [*starts_of(runs)[1:], events.height]:
        if end - begin >= PLACES_ROWS or end == events.height:
            yield events.slice(begin, end - begin)
            begin = int(end)


def _recency(writing: Writing, files: TenantFiles) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    names = [name for day in files.days.values() for name in day.tables.get(PRESENCE.name, ())]
    places = [writing.lake.path(name) for name in names]
    if not names:
        return {}, ()
    whole = pl.scan_parquet(places)
    numbering = Numbering.of(
        whole.select(pl.col(name).unique()).collect(engine="streaming") for name in ("t", *_PLACES)
    )
    slices = -(-sum(height_of(writing.lake, name) for name in names) // SLICE_ROWS)
    user = user_of(files.numbers_visitors_per_application).alias("user_id")
    made: dict[str, list[str]] = {scope.key: [] for scope in (*SCOPES, *PAGE_SCOPES)}

    def keep(scope: Scope, cells: Cells, layout: Layout) -> None:
        name = f"recency/{scope.key}.{len(made[scope.key])}"
        made[scope.key].append(writing.frame(name, layout.frame(cells).select(list(scope.schema)), scope.row_group))

    with tempfile.TemporaryDirectory(prefix=".chains-", dir=writing.lake.folder) as folder:
        work = Path(folder)
        heaps = {scope: Heap(work / scope.key) for scope in (*SCOPES, *PAGE_SCOPES)}
        last = Builder(numbering, work / "last")
        for presence in _sliced(places, slices):
            last.add_presence(presence)
            chains = Chains(presence.with_columns(user), numbering)
            del presence
            for scope, heap in heaps.items():
                cells, layout = chains.cells(scope.by, scope.lies)
                if layout.known_places is None:
                    heap.add(cells, layout)
                else:  # its numbers are this slice's own
                    keep(scope, cells, layout)
                del cells
        for scope, heap in heaps.items():
            for cells in heap.added(PART_ROWS):
                keep(scope, cells, heap.layout)
        last.finish()
        run = writing.file("last", (work / "last").replace)
    return {scope: tuple(names) for scope, names in made.items()}, (run,)


_PLACES = ("application_id", "mini_program_id", "os", "page")


def _sliced(places: Sequence[Path], slices: int) -> Iterator[pl.DataFrame]:
    """Presence a slice of the visitors at a time, each visitor in one; what was taken back is left out."""
    whole = pl.scan_parquet(list(places))
    step = -(-(1 << 64) // slices)
    for number in range(slices):
        visitor, last = pl.col("visitor_id"), min((number + 1) * step, 1 << 64) - 1
        inside = (visitor >= pl.lit(number * step, pl.UInt64)) & (visitor <= pl.lit(last, pl.UInt64))
        rows = whole.filter(inside).select("visitor_id", *_PLACES, "t", "n").collect()
        if rows["n"].min() is not None and rows["n"].min() <= 0:  # type: ignore[operator]
            rows = PRESENCE.summed([rows])
            rows = rows.filter(pl.col("n") > 0)
        yield rows.drop("n")
