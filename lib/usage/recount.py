"""Taking a batch into a tenant's files: only what it touches is counted again, and the rest stays the very same
files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from lib.usage.arrivals import Split, rows_of_streams, rows_to_tell_again, split_of
from lib.usage.buckets import bucket_expr
from lib.usage.events import STORED
from lib.usage.exclusions import Rule, matched
from lib.usage.kernel import tallied
from lib.usage.lake import DayFiles, TenantFiles, VisitFiles
from lib.usage.recency import PAGE_SCOPES, SCOPES, Scope, change, merged, recency, with_users
from lib.usage.removed import apart_from_removed, belongs_to_removed
from lib.usage.sessions import LAKE_ORDER, ORDER, sessioned
from lib.usage.writing import Writing

_COUNTED = ("added", "late", "duplicate", "excluded", "expired")
LEDGER = {"tenant_id": pl.Int64(), "t": pl.Int32(), **dict.fromkeys(_COUNTED, pl.Int64())}
"""What a publication did to a half hour. `excluded` is negative where a rule that was removed gave events back,
`expired` counts events that came after the raw events of their session had been removed."""


COMPACT_SHARE = 8
"""A recency table is written whole again when its changes have more than one in so many of its rows."""


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
    for name in files.raw.values():
        rows = pl.read_parquet(writing.lake.path(name))
        rows = _judged(writing, files, rows, rules).with_columns(was_excluded=rows["is_excluded"])
        changed.append(rows.filter(pl.col("is_excluded") != pl.col("was_excluded")).select(changed[0].columns))
    differing = pl.concat(changed)
    excluded = pl.when("is_excluded").then(1).otherwise(-1).cast(pl.Int64)
    ledger = _ledger_rows(writing.tenant_id, [differing.select(t=bucket_expr(pl.col("at")), excluded=excluded)])
    files = replace(files, rules=rules)
    if differing.is_empty():
        return files, ledger
    old = rows_of_streams(writing, files, differing.select("stream_id").unique(), files.days)
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
    whole = sessioned(new)
    touched = _touched(old, whole)
    days = {**files.days}
    for day in sorted(touched["day"].unique().to_list()):
        _replace_day(writing, days, day, old, whole)
    recounted = replace(files, days=days)
    return _with_recency(writing, files, recounted, touched.select("visitor_id").unique())


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


def _touched(old: pl.DataFrame, whole: pl.DataFrame) -> pl.DataFrame:
    """Where a row came, left or changed its session: `day` and `visitor_id` of each."""
    placed = whole.select("key", "visitor_id", "day", "session_id")
    came = placed.join(old.select("key"), on="key", how="anti").select("day", "visitor_id")
    before = old.select("key", old_day="old_day", old_session="session_id")
    moved = placed.join(before, on="key").filter(
        (pl.col("day") != pl.col("old_day")) | (pl.col("session_id") != pl.col("old_session"))
    )
    left = moved.select(day="old_day", visitor_id="visitor_id")
    return pl.concat([came, moved.select("day", "visitor_id"), left]).unique()


def _replace_day(
    writing: Writing, days: dict[str, DayFiles], day: date, old: pl.DataFrame, whole: pl.DataFrame
) -> None:
    """Write a date's files anew: what stands there of other streams, and what now belongs there of these."""
    parts = [whole.filter(pl.col("day") == day).select(list(STORED))]
    standing = days.pop(day.isoformat(), None)
    if standing is not None and standing.events is not None:
        gone = old.filter(pl.col("old_day") == day).select("key")
        parts.append(pl.read_parquet(writing.lake.path(standing.events)).join(gone, on="key", how="anti"))
    events = pl.concat(parts).sort(LAKE_ORDER)
    if not events.is_empty():
        days[day.isoformat()] = write_day(writing, day.isoformat(), events)


def write_day(writing: Writing, day: str, events: pl.DataFrame, name: str | None = None) -> DayFiles:
    """Count the events of a date, in LAKE_ORDER, and write them (unless they stand in `name`) and what was counted."""
    tally = tallied(events)
    ends = events.select(first=pl.col("at").dt.epoch("us").min(), last=pl.col("at").dt.epoch("us").max()).row(0)
    return DayFiles(
        events=name or writing.frame(f"events/{day}", events),
        counts=writing.frame(f"counts/{day}", tally.counts),
        pages=writing.frame(f"pages/{day}", tally.pages),
        presence=writing.frame(f"presence/{day}", tally.presence),
        rows=events.height,
        first_us=ends[0],
        last_us=ends[1],
    )


def _with_recency(writing: Writing, before: TenantFiles, after: TenantFiles, visitors: pl.DataFrame) -> TenantFiles:
    """The files with the chains of some visitors taken out as they were and put in as they are."""
    stayed = {day for day, names in after.days.items() if before.days.get(day) == names}
    same = _presence_of(writing, [names for day, names in after.days.items() if day in stayed], visitors)
    gone, came = (
        _presence_of(writing, [names for day, names in files.days.items() if day not in stayed], visitors)
        for files in (before, after)
    )
    around = _around(same, pl.concat([gone["t"], came["t"]]))
    per_application = after.numbers_visitors_per_application
    old, new = (with_users(pl.concat([around, rows]), per_application) for rows in (gone, came))

    def renewed(name: str, paths: tuple[str, ...], scopes: tuple[Scope, ...]) -> tuple[str, ...]:
        rows = change(recency(old, scopes), recency(new, scopes))
        if rows.is_empty():
            return paths
        # Changes stand beside the table and add up with it, until there are many.
        sizes = [pl.scan_parquet(writing.lake.path(path)).select(pl.len()).collect().item() for path in paths]
        if paths and (sum(sizes[1:]) + rows.height) * COMPACT_SHARE <= sizes[0]:
            return (*paths, writing.frame(name, rows))
        whole = [pl.read_parquet(writing.lake.path(path)) for path in paths]
        return (writing.frame(name, merged([*whole, rows]) if whole else rows),)

    return replace(
        after,
        recency=renewed("recency", before.recency, SCOPES),
        page_recency=renewed("page_recency", before.page_recency, PAGE_SCOPES),
    )


def _around(same: pl.DataFrame, changed: pl.Series) -> pl.DataFrame:
    """Of a presence that stays, what chains to where others changed: that time, and of each place the nearest half
    hours
    before and after it. What else these leave out or join is the same in the old chains and the new, and cancels out.
    """
    if changed.is_empty():
        return same.clear()
    t, first, last = pl.col("t"), changed.min(), changed.max()
    place = [name for name in same.columns if name != "t"]
    before = same.filter(t < first).group_by(place).agg(t.max()).select(same.columns)
    after = same.filter(t > last).group_by(place).agg(t.min()).select(same.columns)
    return pl.concat([same.filter(t.is_between(first, last)), before, after])


def _presence_of(writing: Writing, days: Iterable[DayFiles], visitors: pl.DataFrame | None) -> pl.DataFrame:
    parts = [tallied(pl.DataFrame(schema=STORED)).presence]
    for day in days:
        if visitors is None:
            parts.append(pl.read_parquet(writing.lake.path(day.presence)))
        else:
            parts.append(writing.only(day.presence, "visitor_id", visitors["visitor_id"]))
    return pl.concat(parts)


def rebuilt(writing: Writing, files: TenantFiles, per_application: bool) -> TenantFiles:
    """A tenant's files with everything counted again from the events in the lake; where those were removed, what was
    counted of them stays."""
    counted = {
        day: write_day(writing, day, pl.read_parquet(writing.lake.path(name)), name) for day, name in files.raw.items()
    }
    days = {day: counted.get(day, names) for day, names in files.days.items()}
    bare = replace(files, days=days, numbers_visitors_per_application=per_application, recency=(), page_recency=())
    presence = with_users(_presence_of(writing, bare.days.values(), None), per_application)

    def built(name: str, scopes: tuple[Scope, ...]) -> tuple[str, ...]:
        return (writing.frame(name, recency(presence, scopes)),)

    return replace(bare, recency=built("recency", SCOPES), page_recency=built("page_recency", PAGE_SCOPES))


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
        parts = [pl.read_parquet(writing.lake.path(standing.visits))] if standing else []
        whole = pl.concat([*parts, rows]).sort(*ORDER)
        visits[key] = VisitFiles(writing.frame(f"visits/{key}", whole), whole.height)
    return replace(files, visits=visits)
