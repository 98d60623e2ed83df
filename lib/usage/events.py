"""The usage event: its columns, its kinds, and the 64-bit keys that stand beside its readable strings."""

from __future__ import annotations

from enum import StrEnum

import polars as pl
import polars_hash  # noqa: F401 (it adds the namespace `nchash` to expressions)


class Kind(StrEnum):
    """What happened. Only page views, opens and shares are counted; the others end a stay, or stand in a session."""

    PAGE_VIEW = "page_view"
    OPEN = "open"
    SHARE = "share"
    PAGE_LEAVE = "page_leave"
    CLOSE = "close"
    CUSTOM = "custom"


KIND = pl.Enum([kind.value for kind in Kind])
INSTANT = pl.Datetime("us", "UTC")

READABLE = {
    "application_id": pl.Int32(),
    "mini_program_id": pl.Int32(),
    "application": pl.String(),
    "mini_program": pl.String(),
    "at": INSTANT,
    "seq": pl.UInt32(),
    "kind": KIND,
    "name": pl.String(),
    "page": pl.String(),
    "visitor": pl.String(),
    "session": pl.String(),
    "duration_ms": pl.Int64(),
    "os": pl.String(),
    "version": pl.String(),
    "device": pl.String(),
    "address": pl.String(),
    "user_agent": pl.String(),
    "event_id": pl.String(),
}
"""What a source knows of an event.

`application` and `mini_program` are keys, `seq` the event's place in its file (0 where it came alone), which orders
events of
one instant; `name` is a custom event's; `session` is null where the client sends none; `event_id` is the client's
own, or null.
"""

EVENT = {"key": pl.UInt64(), **READABLE, "visitor_id": pl.UInt64(), "stream_id": pl.UInt64()}
"""An event in the inbox.

`key` tells a repetition (unique in the tenant), `visitor_id` is the visitor's hash, and `stream_id` that of the
session, or of
the visitor in a mini program and application where there is none: the stream that 30 minutes of silence cut into
sessions.
"""

STORED = {**EVENT, "session_id": pl.UInt64(), "is_excluded": pl.Boolean()}
"""An event in the lake, where the refresh has told the sessions of a stream apart; an excluded one is in none (0)."""


def hash_of(*parts: pl.Expr) -> pl.Expr:
    """A 64-bit hash of some columns, the same on every machine and version (XXH3), so that it can be kept."""
    text = pl.concat_str([part.cast(pl.String).fill_null("\x00") for part in parts], separator="\x1f")
    return text.nchash.xxh3_64()  # type: ignore[attr-defined, no-any-return]


def key_of_id(event_id: pl.Expr) -> pl.Expr:
    """The key of an event that brings its own id."""
    return hash_of(pl.lit("id"), event_id)


def key_of_line(line: pl.Expr, position: pl.Expr, application: pl.Expr, mini_program: pl.Expr) -> pl.Expr:
    """The key of an event without an id: what its line says, where in its file it stands, and what it is imported
    as."""
    return hash_of(pl.lit("line"), application, mini_program, position, line)


_ID_KEY = key_of_id(pl.col("event_id")).alias("key")
_HASHES = (
    hash_of(pl.col("visitor")).alias("visitor_id"),
    hash_of(pl.col("application"), pl.col("mini_program"), pl.col("visitor"), pl.col("session")).alias("stream_id"),
)


def keyed(events: pl.DataFrame) -> pl.DataFrame:
    """Events with `key` and the READABLE columns, completed to EVENT: missing columns null, keys added."""
    missing = [_nulls(name, dtype, events.height) for name, dtype in READABLE.items() if name not in events.columns]
    whole = events.hstack(missing) if missing else events
    return _ordered(whole.hstack(whole.select(_HASHES)))


def identified(events: pl.DataFrame) -> pl.DataFrame:
    """Events with all READABLE columns that bring their own ids, completed to EVENT."""
    return _ordered(events.hstack(events.select(_ID_KEY, *_HASHES)))


def _nulls(name: str, dtype: pl.DataType, count: int) -> pl.Series:
    return pl.Series(name, [], dtype).extend_constant(None, count)


def _ordered(whole: pl.DataFrame) -> pl.DataFrame:
    # Column by column: a plan of two dozen expressions takes longer than all the work on a small batch.
    found = (whole[name] for name in EVENT)
    return pl.DataFrame(
        [each if each.dtype == dtype else each.cast(dtype) for each, dtype in zip(found, EVENT.values(), strict=True)]
    )
