"""Raw events that the retention rule removed: what was counted of them stays, and nothing is added to it any more.

A session is removed whole, by the UTC date on which it began. Afterwards an event is `expired`, told in the ledger and
not counted, where it would change what can no longer be recounted: it is older than the first date that has its raw
events, or it belongs to a session that was removed. For that the streams of removed sessions stay known: those that
the client names for ever, the others while an event within 30 minutes of their end can still continue them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from lib.usage import raw
from lib.usage.arrivals import Split, with_seen
from lib.usage.events import INSTANT
from lib.usage.lake import Lake, TenantFiles
from lib.usage.seen import are_in, opened
from lib.usage.sessions import IDLE_US
from lib.usage.writing import Writing

REMOVED = "removed"
"""Under what name the streams of removed sessions that the client names stand among the seen keys."""

_ENDS = {"stream_id": pl.UInt64(), "end_at": INSTANT}


@dataclass(frozen=True)
class Removal:
    """What goes: the dates, first to last, and how many events."""

    dates: tuple[str, ...]
    event_count: int


def removable(files: TenantFiles, before: date) -> Removal:
    """What the rule removes of raw events: the sessions that began before a date."""
    days = tuple(sorted(day for day in files.raw if day < before.isoformat()))
    return Removal(days, sum(files.days[day].rows for day in days))


def without_raw(writing: Writing, files: TenantFiles, removal: Removal) -> TenantFiles:
    """A tenant's files without the raw events of some dates; everything that was counted of them is the same."""
    days = {**files.days, **{day: replace(files.days[day], events=None) for day in removal.dates}}
    after = replace(files, days=days)
    reach = _start_of(after.raw_since) - pl.duration(microseconds=IDLE_US)
    ends, named = [_ends(writing.lake, files)], [pl.Series("stream_id", [], pl.UInt64())]
    for names in (files.raw[day] for day in removal.dates):
        rows = raw.scanned(writing.lake, names).filter(~pl.col("is_excluded"))
        of_names = rows.filter(pl.col("session").is_not_null())
        named.append(of_names.select(pl.col("stream_id").unique()).collect().to_series())
        unnamed = rows.filter(pl.col("session").is_null(), pl.col("at") >= reach)
        ends.append(unnamed.group_by("stream_id").agg(end_at=pl.col("at").max()).collect())
    whole = pl.concat(ends).group_by("stream_id").agg(pl.col("end_at").max())
    whole = whole.filter(pl.col("end_at") >= reach).sort("stream_id")
    if len(streams := pl.concat(named)):
        after = with_seen(writing, after, REMOVED, streams.to_numpy())
    return replace(after, removed_ends=writing.frame("removed_ends", whole))


def apart_from_removed(writing: Writing, files: TenantFiles, split: Split) -> tuple[Split, pl.DataFrame]:
    """What is new in a batch without what is expired, and that."""
    is_expired = belongs_to_removed(writing.lake, files, split.fresh)
    return replace(split, fresh=split.fresh.filter(~is_expired)), split.fresh.filter(is_expired)


def belongs_to_removed(lake: Lake, files: TenantFiles, events: pl.DataFrame) -> pl.Series:
    """For each event, whether counting it would change what can no longer be recounted."""
    if files.raw_since is None:
        return pl.repeat(False, events.height, dtype=pl.Boolean, eager=True)
    runs = [opened(lake.path(run)) for run in files.seen.get(REMOVED, ())]
    is_removed = pl.Series(are_in(events["stream_id"].to_numpy(), runs), dtype=pl.Boolean)
    asked = events.select("stream_id", "at", "session", is_removed=is_removed)
    asked = asked.join(_ends(lake, files), on="stream_id", how="left", maintain_order="left")
    at, is_named = pl.col("at"), pl.col("session").is_not_null()
    continues = at < pl.col("end_at") + pl.duration(microseconds=IDLE_US)
    is_old = at < _start_of(files.raw_since)
    return asked.select(is_old | pl.when(is_named).then("is_removed").otherwise(continues.fill_null(False))).to_series()


def _ends(lake: Lake, files: TenantFiles) -> pl.DataFrame:
    """When the removed sessions ended that an event can still continue: `stream_id`, `end_at`."""
    if files.removed_ends is None:
        return pl.DataFrame(schema=_ENDS)
    return pl.read_parquet(lake.path(files.removed_ends))


def _start_of(day: str | None) -> pl.Expr:
    return pl.lit(date.fromisoformat(day or "1970-01-01")).cast(INSTANT)
