"""The visit: one request, of a web server's access log, sent in by a service, or of Daybook itself."""

from __future__ import annotations

import polars as pl

from lib.usage.events import INSTANT, hash_of

VISIT = {
    "key": pl.UInt64(),
    "at": INSTANT,
    "seq": pl.UInt32(),
    "address": pl.String(),
    "account": pl.String(),
    "method": pl.String(),
    "target": pl.String(),
    "protocol": pl.String(),
    "status": pl.Int16(),
    "size_bytes": pl.Int64(),
    "referrer": pl.String(),
    "user_agent": pl.String(),
}
"""A visit as a line of an access log tells it: `target` is what the request line asked for, query included; `-` is
null."""

STORED = {**VISIT, "duration_ms": pl.Int32()}
"""A visit in the inbox and in the lake, where what only some sources tell may be missing: it is null then."""

NEWEST_FIRST = ("at", "seq", "key")
"""The order of visits, descending: nothing else is equal."""


def key_of_line(line: pl.Expr, position: pl.Expr) -> pl.Expr:
    """The key of a visit: what its line says and where in its file it stands."""
    return hash_of(pl.lit("visit"), position, line)


def stored(visits: pl.DataFrame) -> pl.DataFrame:
    """Visits of the inbox or of an older file as STORED."""
    missing = [pl.lit(None, kind).alias(name) for name, kind in STORED.items() if name not in visits.columns]
    return visits.with_columns(missing).select(list(STORED))
