"""What comes with a batch: which of its rows are new, and which rows of the lake it can bring into other sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from lib.usage.events import STORED
from lib.usage.lake import DayFiles, RecordKind, TenantFiles
from lib.usage.seen import Keys, are_in, merged, opened
from lib.usage.sessions import IDLE_US
from lib.usage.writing import Writing


@dataclass(frozen=True)
class Split:
    """The rows of a batch: those never seen, and those seen before."""

    fresh: pl.DataFrame
    repeated: pl.DataFrame


def split_of(writing: Writing, files: TenantFiles, kind: RecordKind, batch: pl.DataFrame) -> tuple[Split, TenantFiles]:
    """A batch parted, and the files with its new keys among those seen."""
    runs = files.seen.get(kind, ())
    seen = pl.Series(
        are_in(batch["key"].to_numpy(), [opened(writing.lake.path(run)) for run in runs]), dtype=pl.Boolean
    )
    is_fresh = batch["key"].is_first_distinct() & ~seen
    split = Split(batch.filter(is_fresh), batch.filter(~is_fresh))
    if split.fresh.is_empty():
        return split, files
    return split, with_seen(writing, files, kind, split.fresh["key"].to_numpy())


def with_seen(writing: Writing, files: TenantFiles, kind: str, keys: Keys) -> TenantFiles:
    """The files with more keys of a kind among those seen."""
    runs = files.seen.get(kind, ())
    stay, run = merged(runs, keys, lambda name: opened(writing.lake.path(name)))
    return replace(files, seen={**files.seen, kind: (*stay, writing.keys(kind, run))})


def rows_of_streams(writing: Writing, files: TenantFiles, streams: pl.DataFrame, days: Iterable[str]) -> pl.DataFrame:
    """What the lake has of some streams on some dates, with `old_day`: the date of the file that a row is in."""
    parts = [pl.DataFrame(schema={**STORED, "old_day": pl.Date()})]
    raw = files.raw
    for day, name in ((day, raw[day]) for day in days if day in raw):
        rows = writing.only(name, "stream_id", streams["stream_id"])
        if not rows.is_empty():
            parts.append(rows.with_columns(old_day=pl.lit(date.fromisoformat(day))))
    return pl.concat(parts)


def rows_to_tell_again(writing: Writing, files: TenantFiles, fresh: pl.DataFrame) -> tuple[pl.DataFrame, TenantFiles]:
    """What the lake has of the streams of fresh events, as far as their sessions can be others now.

    A session lies in one file. One that the client does not name can change only where an event comes within reach
    of the
    file's events; one that it names is looked for elsewhere too, if its stream was seen before.
    """
    instants = fresh["at"].dt.epoch("us")
    near = [day for day, names in files.days.items() if _is_near(instants, names)]
    old = rows_of_streams(writing, files, fresh.select("stream_id").unique(), near)
    named = fresh.filter(pl.col("session").is_not_null())["stream_id"].unique()
    runs = files.seen.get("stream", ())
    is_known = pl.Series(are_in(named.to_numpy(), [opened(writing.lake.path(run)) for run in runs]), dtype=pl.Boolean)
    missing = named.filter(is_known & ~named.is_in(old["stream_id"].unique().implode()))
    for day in sorted(set(files.days) - set(near), reverse=True):
        if missing.is_empty():
            break
        found = rows_of_streams(writing, files, missing.to_frame(), [day])
        old = pl.concat([old, found])
        missing = missing.filter(~missing.is_in(found["stream_id"].unique().implode()))
    new = named.filter(~is_known).to_numpy()
    return old, files if not len(new) else with_seen(writing, files, "stream", new)


def _is_near(instants: pl.Series, names: DayFiles) -> bool:
    return bool(instants.is_between(names.first_us - IDLE_US, names.last_us + IDLE_US).any())
