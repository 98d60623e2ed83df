"""Telling the sessions of a stream apart (SPEC, section 2)."""

from __future__ import annotations

import polars as pl

from lib.usage.events import STORED, hash_of

IDLE_US = 1_800_000_000
"""Microseconds without an event that end a session where the client sends no session id: 30 minutes."""

ORDER = ("at", "seq", "key")
"""What orders the events of a session: the instant, the place in the file, and for want of both the key."""

LAKE_ORDER = ("application_id", "mini_program_id", "session_id", *ORDER)


def sessioned(events: pl.DataFrame) -> pl.DataFrame:
    """Whole streams of events with `session_id`, and `day`: the UTC date on which the session began.

    Excluded events (`is_excluded`) are in no session, and part none: they lie on their own date under the number 0.
    A session that the client names is its stream. Another's id comes from its stream and the instant of its first
    event, so
    it is the same in whatever order the events came.
    """
    bare = events.select(name for name in STORED if name != "session_id")
    excluded = bare.filter("is_excluded").with_columns(session_id=pl.lit(0, pl.UInt64), day=pl.col("at").dt.date())
    return pl.concat([_told_apart(bare.filter(~pl.col("is_excluded"))), excluded], how="diagonal")


def _told_apart(events: pl.DataFrame) -> pl.DataFrame:
    ordered = events.sort("stream_id", *ORDER)
    same_stream = pl.col("stream_id") == pl.col("stream_id").shift(1)
    idle = pl.col("session").is_null() & ((pl.col("at") - pl.col("at").shift(1)).dt.total_microseconds() >= IDLE_US)
    starts = ~(same_stream & ~idle).fill_null(False)
    session_id = pl.when(pl.col("session").is_null()).then(hash_of(pl.col("stream_id"), pl.col("at").dt.epoch("us")))
    return (
        ordered.with_columns(starts=starts)
        .with_columns(
            session_id=pl.when("starts").then(session_id.otherwise(pl.col("stream_id"))).forward_fill(),
            day=pl.when("starts").then(pl.col("at").dt.date()).forward_fill(),
        )
        .drop("starts")
    )
