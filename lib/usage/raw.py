"""Raw events as files: what can be computed from another column is not kept, and computed when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from lib.usage.events import STORED, key_of_id
from lib.usage.lake import Lake
from lib.usage.sessions import LAKE_ORDER
from lib.usage.writing import Writing

FEW = 50_000
"""Up to how many values a file is filtered by, and not joined with."""

_PAGE_BYTES = 65_536
"""A late event asks for the few rows of its session: of the other columns only the pages that have them are unpacked.
Files are 3 % larger for it."""


def written(writing: Writing, name: str, events: pl.DataFrame) -> str:
    """Write events (STORED, in LAKE_ORDER); returns the file's name.

    The key of an event is null where its id tells it, and its stream where that is its session.
    """
    key, stream = pl.col("key"), pl.col("stream_id")
    return writing.frame(
        name,
        events.with_columns(
            key=pl.when((key == key_of_id(pl.col("event_id"))).fill_null(False)).then(None).otherwise(key),
            stream_id=pl.when(stream == pl.col("session_id")).then(None).otherwise(stream),
        ),
        page_bytes=_PAGE_BYTES,
    )


def scanned(lake: Lake, names: Sequence[str]) -> pl.LazyFrame:
    """The events (STORED) of files, in the order of the files."""
    if not names:
        return pl.LazyFrame(schema=STORED)
    whole = pl.scan_parquet([lake.path(name) for name in names]).with_columns(
        key=pl.coalesce("key", key_of_id(pl.col("event_id"))), stream_id=pl.coalesce("stream_id", "session_id")
    )
    return whole.select(list(STORED))


def in_order(
    lake: Lake, names: Sequence[str], columns: Iterable[str] | None = None, chosen: pl.Expr | None = None
) -> pl.DataFrame:
    """The events of a date in LAKE_ORDER, or only some columns of those chosen; of one file, they lie so already."""
    wanted, events = list(columns or STORED), scanned(lake, names)
    events = events if chosen is None else events.filter(chosen)
    if len(names) <= 1:
        return events.select(wanted).collect()
    whole = events.select(list(dict.fromkeys((*wanted, *LAKE_ORDER)))).collect()
    return whole.sort(LAKE_ORDER).select(wanted)


def of_streams(lake: Lake, names: Sequence[str], streams: pl.Series) -> pl.DataFrame:
    """The events of files that belong to some streams."""
    if not names or streams.is_empty():
        return pl.DataFrame(schema=STORED)
    if len(streams) <= FEW:
        # A predicate on columns as they lie is read first, and then the other columns of the rows that it meets.
        known = streams.implode()
        whole = pl.scan_parquet([lake.path(name) for name in names])
        rows = whole.filter(pl.col("stream_id").is_in(known) | pl.col("session_id").is_in(known)).collect()
        return _completed(rows).filter(pl.col("stream_id").is_in(known))
    return scanned(lake, names).join(streams.to_frame("stream_id").lazy(), on="stream_id", how="semi").collect()


def _completed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        key=pl.coalesce("key", key_of_id(pl.col("event_id"))), stream_id=pl.coalesce("stream_id", "session_id")
    ).select(list(STORED))
