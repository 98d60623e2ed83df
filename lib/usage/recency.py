"""Exact users of any range, without visitors: how long ago each presence's visitor was there before.

For each scope, a presence (half hour t, user) has p, the user's previous half hour there, NEVER for none. Grouped to
(scope, t, p, n) it adds up:

    users in [a, b)     = sum of n where a <= t < b and p < a
    new users in [a, b) = sum of n where a <= t < b and p = NEVER

because a user's first presence in the range, and no other, has its predecessor before the range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

NEVER = 0


@dataclass(frozen=True)
class Scope:
    """A set of places whose users are kept counted: the columns that tell one place of it from another."""

    number: int
    by: tuple[str, ...]


SCOPES = (
    Scope(0, ()),
    Scope(1, ("application_id",)),
    Scope(2, ("mini_program_id",)),
    Scope(3, ("application_id", "mini_program_id")),
)
PAGE_SCOPES = (Scope(4, ("mini_program_id", "page")), Scope(5, ("application_id", "mini_program_id", "page")))

_PLACE = {"application_id": pl.Int32(), "mini_program_id": pl.Int32(), "page": pl.String()}
RECENCY = {"scope": pl.UInt8(), **_PLACE, "t": pl.Int32(), "p": pl.Int32(), "n": pl.Int64()}
"""A row: so many (`n`) users were in a place in half hour `t` and before that last in half hour `p`. Unused places
are null."""


def with_users(presence: pl.DataFrame, per_application: bool) -> pl.DataFrame:
    """Presence with `user_id`: the visitor, or the visitor in an application where the tenant's applications number
    their own."""
    if not per_application:
        return presence.rename({"visitor_id": "user_id"})
    # Odd multiplier (2^64 / golden ratio): the applications' ids are spread over all bits before they meet the hash.
    spread = pl.col("application_id").cast(pl.UInt64) * pl.lit(0x9E3779B97F4A7C15, pl.UInt64)
    return presence.with_columns(user_id=pl.col("visitor_id").xor(spread)).drop("visitor_id")


def chained(presence: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """(by..., t, p, n) of a presence frame with `user_id`."""
    whole = presence.filter(pl.col("page").is_not_null()) if "page" in by else presence
    ordered = whole.select(*by, "user_id", "t").unique().sort(*by, "user_id", "t")
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in (*by, "user_id"))
    previous = pl.when(same).then(pl.col("t").shift(1)).otherwise(pl.lit(NEVER, pl.Int32))
    return ordered.select(*by, "t", p=previous).group_by(*by, "t", "p").agg(n=pl.len().cast(pl.Int64))


def recency(presence: pl.DataFrame, scopes: Sequence[Scope]) -> pl.DataFrame:
    """The rows of RECENCY of a presence frame with `user_id`, in every scope."""
    return pl.concat(_in_scope(presence, scope) for scope in scopes)


def _in_scope(presence: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    chains = chained(presence, scope.by).with_columns(scope=pl.lit(scope.number, pl.UInt8))
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in _PLACE.items() if name not in scope.by]
    return chains.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in RECENCY.items())


def exchanged(table: pl.DataFrame, old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """A recency table with the chains of some users taken out (`old`) and put in (`new`), in its one order."""
    by = [name for name in RECENCY if name != "n"]
    change = pl.concat([new, old.with_columns(-pl.col("n"))])
    return pl.concat([table, change]).group_by(by).agg(pl.col("n").sum()).filter(pl.col("n") != 0).sort(by)
