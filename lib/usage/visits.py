"""The visit: one request of a web server's access log."""

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
"""A visit, in the inbox and in the lake: `target` is what the request line asked for, query included; `-` is null."""


def key_of_line(line: pl.Expr, position: pl.Expr) -> pl.Expr:
    """The key of a visit: what its line says and where in its file it stands."""
    return hash_of(pl.lit("visit"), position, line)
