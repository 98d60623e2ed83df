"""What comes with a batch: which of its rows are new, and which rows of the lake it can bring into other sessions."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from lib.usage import raw
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


def rows_of_streams(writing: Writing, files: TenantFiles, streams: Mapping[str, pl.Series]) -> pl.DataFrame:
    """What the lake has on some dates of the streams asked for there, with `old_day`: the date of a row's file."""

    def of_day(day: str) -> pl.DataFrame:
        rows = raw.of_streams(writing.lake, files.raw[day], streams[day])
        return rows.with_columns(old_day=pl.lit(date.fromisoformat(day)))

    asked = [day for day in files.raw if day in streams and len(streams[day])]
    with ThreadPoolExecutor(2) as pool:
        return pl.concat([pl.DataFrame(schema={**STORED, "old_day": pl.Date()}), *pool.map(of_day, asked)])


def rows_to_tell_again(writing: Writing, files: TenantFiles, fresh: pl.DataFrame) -> tuple[pl.DataFrame, TenantFiles]:
    """What the lake has of the streams of fresh events, as far as their sessions can be others now.

    A session lies on one date. One that the client does not name can change only where an event comes within reach of
    the date's events; one that it names is looked for elsewhere too, if its stream was seen before.
    """
    named = fresh.filter(pl.col("session").is_not_null())["stream_id"].unique()
    runs = files.seen.get("stream", ())
    is_known = pl.Series(are_in(named.to_numpy(), [opened(writing.lake.path(run)) for run in runs]), dtype=pl.Boolean)
    is_new = pl.col("stream_id").is_in(named.filter(~is_known).implode())
    asked = fresh.filter(~is_new).select("stream_id", "is_excluded", us=pl.col("at").dt.epoch("us"))
    first_us, last_us = asked["us"].min(), asked["us"].max()
    near = {
        day: asked.filter(_is_near(names))["stream_id"].unique()
        for day, names in files.days.items()
        if asked.height and names.first_us - IDLE_US <= last_us and first_us <= names.last_us + IDLE_US  # type: ignore[operator]
    }
    old = rows_of_streams(writing, files, near)
    # An excluded row may lie on another date than the session of its stream.
    missing = asked.filter(~pl.col("is_excluded"), pl.col("stream_id").is_in(named.implode()))["stream_id"].unique()
    missing = _but(missing, old)
    for day in sorted(files.days, reverse=True):
        if missing.is_empty():
            break
        elsewhere = missing.filter(~missing.is_in(near[day].implode())) if day in near else missing
        found = rows_of_streams(writing, files, {day: elsewhere})
        old = pl.concat([old, found])
        missing = _but(missing, found)
    new = named.filter(~is_known).to_numpy()
    return old, files if not len(new) else with_seen(writing, files, "stream", new)


def _but(streams: pl.Series, found: pl.DataFrame) -> pl.Series:
    return streams.filter(~streams.is_in(found.filter(~pl.col("is_excluded"))["stream_id"].unique().implode()))


def _is_near(names: DayFiles) -> pl.Expr:
    return pl.col("us").is_between(names.first_us - IDLE_US, names.last_us + IDLE_US)
