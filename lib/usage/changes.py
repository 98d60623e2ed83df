"""What to add to the tables of some dates whose sessions are otherwise now: one run of the kernel for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from lib.usage.kernel import Tally, tallied
from lib.usage.sessions import LAKE_ORDER, ORDER
from lib.usage.tables import COUNTED, PAGES, PRESENCE, TOTALS, Table, totals_of

Changes = dict[str, pl.DataFrame]
"""By the name of a table, what to add to it."""

AT_ONCE_ROWS = 200_000
"""About how many rows are counted at a time."""

_COUNTED_OF = (
    *("application_id", "mini_program_id", "session_id", "visitor_id"),
    *("kind", "page", "os", "duration_ms", "is_excluded"),
)


def changes_of(old: pl.DataFrame, new: pl.DataFrame) -> Iterator[tuple[date, Changes]]:
    """Date by date, what to add to its tables for some whole sessions to be `new` where they were `old`, both with
    `day`, in any order."""
    sides = [
        rows.select("day", *_COUNTED_OF, *ORDER, sign=pl.lit(sign, pl.Int64)) for rows, sign in ((old, -1), (new, 1))
    ]
    whole = pl.concat(sides)
    heights = whole.group_by("day").len().sort("day")
    for _, some in heights.group_by(pl.col("len").cum_sum() // AT_ONCE_ROWS, maintain_order=True):
        yield from _changes_of(whole.filter(pl.col("day").is_in(some["day"].implode())), some["day"])


def _changes_of(whole: pl.DataFrame, days: pl.Series) -> Iterator[tuple[date, Changes]]:
    # The kernel counts places apart, and no session over two: so each date, as it was and as it is, has applications
    # and sessions of its own, which are numbers.
    own = ("day", "sign", "application_id")
    numbers = whole.select(own).unique().sort(own)
    whole = whole.join(numbers.with_row_index("number"), on=own)
    whole = whole.with_columns(application_id="number").sort(LAKE_ORDER)
    tally = tallied(whole.with_columns(session_id=pl.struct("number", "session_id").rle_id()))
    by_table = {table.name: _added(table, rows, numbers) for table, rows in _tables(tally)}
    by_table[TOTALS.name] = _in_order(TOTALS, totals_of(by_table[COUNTED.name], "day"))
    parts = {name: rows.partition_by("day", as_dict=True, include_key=False) for name, rows in by_table.items()}
    for day in days:
        nothing = {name: rows.drop("day").clear() for name, rows in by_table.items()}
        yield day, {name: parts[name].get((day,), nothing[name]) for name in by_table}


def _tables(tally: Tally) -> tuple[tuple[Table, pl.DataFrame], ...]:
    return (COUNTED, tally.counts), (PAGES, tally.pages), (PRESENCE, tally.presence)


def _added(table: Table, rows: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """What the kernel counted, with the dates and applications that its numbers stand for, added up over the sides."""
    number, sign = rows["application_id"], numbers["sign"].gather(rows["application_id"])
    told = rows.with_columns(
        numbers["day"].gather(number),
        numbers["application_id"].gather(number),
        *((rows[name] * sign).cast(dtype) for name, dtype in table.sums.items()),
    )
    return _in_order(table, told.group_by("day", *table.by).agg(pl.col(*table.sums).sum()))


def _in_order(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    changed = rows.filter(pl.any_horizontal(pl.col(*table.sums) != 0))
    return changed.sort("day", *table.by).select("day", *table.schema)
