"""Taking a batch into a tenant's files: only what it touches is counted again, and the rest stays the very same
files."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from lib.usage import raw
from lib.usage.arrivals import Split, rows_of_streams, rows_to_tell_again, split_of
from lib.usage.buckets import bucket_expr
from lib.usage.changes import Changes, changes_of
from lib.usage.events import STORED
from lib.usage.exclusions import Rule, matched
from lib.usage.lake import DayFiles, TenantFiles, VisitFiles
from lib.usage.neighbours import with_recency
from lib.usage.removed import apart_from_removed, belongs_to_removed
from lib.usage.sessions import LAKE_ORDER, ORDER, sessioned
from lib.usage.tables import PRESENCE, TABLES, stacked, without_small
from lib.usage.visits import stored
from lib.usage.writing import Writing

_COUNTED = ("added", "late", "duplicate", "excluded", "expired")
LEDGER = {"tenant_id": pl.Int64(), "t": pl.Int32(), **dict.fromkeys(_COUNTED, pl.Int64())}
"""What a publication did to a half hour. `excluded` is negative where a rule that was removed gave events back,
`expired` counts events that came after the raw events of their session had been removed."""


def add_events(
    writing: Writing, files: TenantFiles, batch: pl.DataFrame, closed_before: int
) -> tuple[TenantFiles, pl.DataFrame]:
    """A tenant's files with a batch of events in them, and the ledger's rows (LEDGER) of what that changed.

    `closed_before` is the number of the first bucket that was not yet closed at the last publication: what is added
    before it is late.
    """
    split, files = split_of(writing, files, "usage", batch)
    split, expired = apart_from_removed(writing, files, split)
    fresh = split.fresh.with_columns(matched(split.fresh, _rules(files.rules)))
    ledger = _ledger(writing.tenant_id, split, fresh, expired, closed_before)
    if fresh.is_empty():
        return files, ledger
    old, files = rows_to_tell_again(writing, files, fresh)
    return _recounted(writing, files, old, pl.concat([_bare(old), _bare(fresh)])), ledger


def exclude(
    writing: Writing, files: TenantFiles, rules: tuple[tuple[str, str], ...]
) -> tuple[TenantFiles, pl.DataFrame]:
    """A tenant's files with other exclusion rules on all history that has its raw events, and the ledger's rows of what
    that changed."""
    changed = [pl.DataFrame(schema={**STORED, "was_excluded": pl.Boolean()})]
    for names in files.raw.values():
        rows = raw.scanned(writing.lake, names).collect()
        rows = _judged(writing, files, rows, rules).with_columns(was_excluded=rows["is_excluded"])
        changed.append(rows.filter(pl.col("is_excluded") != pl.col("was_excluded")).select(changed[0].columns))
    differing = pl.concat(changed)
    excluded = pl.when("is_excluded").then(1).otherwise(-1).cast(pl.Int64)
    ledger = _ledger_rows(writing.tenant_id, [differing.select(t=bucket_expr(pl.col("at")), excluded=excluded)])
    files = replace(files, rules=rules)
    if differing.is_empty():
        return files, ledger
    streams = differing["stream_id"].unique()
    old = rows_of_streams(writing, files, dict.fromkeys(files.days, streams))
    return _recounted(writing, files, old, _judged(writing, files, old, rules)), ledger


def _judged(
    writing: Writing, files: TenantFiles, rows: pl.DataFrame, rules: tuple[tuple[str, str], ...]
) -> pl.DataFrame:
    """The rows as the rules have them; what belongs to a session that was removed since is not given back."""
    stays = belongs_to_removed(writing.lake, files, rows) & rows["is_excluded"]
    return rows.with_columns(matched(rows, _rules(rules))).with_columns(pl.col("is_excluded") | stays)


def _rules(rules: tuple[tuple[str, str], ...]) -> list[Rule]:
    return [Rule(kind, pattern) for kind, pattern in rules]


def _bare(events: pl.DataFrame) -> pl.DataFrame:
    return events.select(name for name in STORED if name != "session_id")


def _recounted(writing: Writing, files: TenantFiles, old: pl.DataFrame, new: pl.DataFrame) -> TenantFiles:
    """The files with the rows of some streams (`old`, with `old_day`) replaced by others of the same streams."""
    before = old.select("key", "old_day", old_session="session_id")
    whole = sessioned(new).join(before, on="key", how="left")
    moved = (pl.col("old_day") != pl.col("day")) | (pl.col("old_session") != pl.col("session_id"))
    placed = whole.filter(moved.fill_null(True))
    # Sessions without such a row are as they were.
    touched = pl.concat([placed["session_id"], placed["old_session"].drop_nulls()]).unique().implode()
    old = old.filter(pl.col("session_id").is_in(touched))
    whole = whole.filter(pl.col("session_id").is_in(touched))
    days, changed = {**files.days}, [pl.DataFrame(schema=PRESENCE.schema)]

    def placed_again(each: tuple[date, Changes]) -> tuple[str, DayFiles | None]:
        day, change = each
        came = placed.filter(pl.col("day") == day).select(list(STORED))
        gone = placed.filter(pl.col("old_day") == day)["key"]
        return day.isoformat(), _changed_day(writing, files.days.get(day.isoformat()), day, came, gone, change)

    with ThreadPoolExecutor(2) as pool:
        changes = list(changes_of(old.rename({"old_day": "day"}), whole))
        changed.extend(change["presence"] for _, change in changes)
        for day, names in pool.map(placed_again, changes):
            days.pop(day, None)
            if names is not None:
                days[day] = names
    recounted = replace(files, days=days)
    return with_recency(writing, files, recounted, PRESENCE.summed(changed))


def _changed_day(
    writing: Writing, known: DayFiles | None, day: date, came: pl.DataFrame, gone: pl.Series, change: Changes
) -> DayFiles | None:
    """A date's files with some rows taken out and others put in, and what that changed of its tables; None: nothing is
    left."""
    known = known or DayFiles((), {}, 0, 0, 0)
    names, rows = known.events or (), known.rows + came.height - len(gone)
    if rows == 0:
        return None
    if len(gone):
        names, came = _without(writing, names, gone, came)
    events = stacked_events(writing, f"events/{day}", names, came)
    tables = {
        table.name: stacked(
            writing,
            f"{table.name}/{day}",
            known.tables.get(table.name, ()),
            change[table.name],
            table.summed,
            table.row_group,
        )
        for table in TABLES
    }
    # What went may have been the first or the last: a reach that is too wide only makes one look there once more.
    instants = [*came["at"].dt.epoch("us"), *((known.first_us, known.last_us) if known.rows else ())]
    return DayFiles(events, tables, rows, min(instants), max(instants))


def _without(
    writing: Writing, names: Sequence[str], gone: pl.Series, came: pl.DataFrame
) -> tuple[tuple[str, ...], pl.DataFrame]:
    """The files that have none of the rows that go; the others' rows that stay are among those that come."""
    kept, parts = [], [came]
    for name in names:
        rows = raw.scanned(writing.lake, [name]).collect()
        stay = rows.filter(~pl.col("key").is_in(gone.implode()))
        if stay.height == rows.height:
            kept.append(name)
        else:
            parts.append(stay)
    return tuple(kept), pl.concat(parts).sort(LAKE_ORDER)


def stacked_events(writing: Writing, name: str, names: Sequence[str], came: pl.DataFrame) -> tuple[str, ...]:
    """A date's files of events with more rows; the small ones at the end are merged."""
    if came.is_empty():
        return tuple(names)
    stay, small = without_small(writing.lake, names, came.height)
    whole = pl.concat([came, raw.scanned(writing.lake, small).collect()]) if small else came
    return (*stay, raw.written(writing, name, whole.sort(LAKE_ORDER)))


def _ledger(
    tenant_id: int, split: Split, fresh: pl.DataFrame, expired: pl.DataFrame, closed_before: int
) -> pl.DataFrame:
    t, one = bucket_expr(pl.col("at")), pl.lit(1, pl.Int64)
    late, excluded = (t < closed_before).cast(pl.Int64), pl.col("is_excluded").cast(pl.Int64)
    return _ledger_rows(
        tenant_id,
        [
            fresh.select(t=t, added=one, late=late, excluded=excluded),
            split.repeated.select(t=t, duplicate=one),
            expired.select(t=t, expired=one),
        ],
    )


def _ledger_rows(tenant_id: int, parts: list[pl.DataFrame]) -> pl.DataFrame:
    empty = pl.DataFrame(schema=LEDGER).drop("tenant_id")
    summed = pl.concat([empty, *parts], how="diagonal").group_by("t").agg(pl.col(_COUNTED).sum()).sort("t")
    return summed.select(pl.lit(tenant_id, pl.Int64).alias("tenant_id"), "t", *_COUNTED)


def ledgered(place: Path) -> pl.DataFrame:
    """The ledger's rows of a publication; what an older version of Daybook did not count is 0."""
    rows = pl.read_parquet(place)
    missing = [pl.lit(0, pl.Int64).alias(name) for name in _COUNTED if name not in rows.columns]
    return rows.with_columns(missing).select(list(LEDGER))


def add_visits(writing: Writing, files: TenantFiles, batch: pl.DataFrame) -> TenantFiles:
    """A tenant's files with a batch of visits in them."""
    split, files = split_of(writing, files, "visit", batch)
    visits = {**files.visits}
    for (day,), rows in split.fresh.group_by(pl.col("at").dt.date(), maintain_order=True):
        key = str(day)
        standing = visits.get(key)
        parts = [stored(pl.read_parquet(writing.lake.path(standing.visits)))] if standing else []
        whole = pl.concat([*parts, rows]).sort(*ORDER)
        visits[key] = VisitFiles(writing.frame(f"visits/{key}", whole), whole.height)
    return replace(files, visits=visits)
