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
    Scope(6, ("mini_program_id", "os")),
    Scope(7, ("application_id", "mini_program_id", "os")),
)
PAGE_SCOPES = (Scope(4, ("mini_program_id", "page")), Scope(5, ("application_id", "mini_program_id", "page")))

_PLACE = {
    "application_id": pl.Int32(),
    "mini_program_id": pl.Int32(),
    "page": pl.String(),
    "os": pl.String(),
}
RECENCY = {"scope": pl.UInt8(), **_PLACE, "t": pl.Int32(), "p": pl.Int32(), "n": pl.Int64()}
"""A row: so many (`n`) users were in a place in half hour `t` and before that last in half hour `p`. Unused places
are null."""


_SPAN = 1 << 24
"""More half hours than a lake can span (900 years): places and half hours share a number."""

_NO_CHAINS = pl.DataFrame(schema={**_PLACE, "t": pl.Int32(), "p": pl.Int32(), "n": pl.Int64()})


def with_users(presence: pl.DataFrame, per_application: bool) -> pl.DataFrame:
    """Presence with `user_id`: the visitor, or the visitor in an application where the tenant's applications number
    their own."""
    if not per_application:
        return presence.rename({"visitor_id": "user_id"})
    # Odd multiplier (2^64 / golden ratio): the applications' ids are spread over all bits before they meet the hash.
    spread = pl.col("application_id").cast(pl.UInt64) * pl.lit(0x9E3779B97F4A7C15, pl.UInt64)
    return presence.with_columns(user_id=pl.col("visitor_id").xor(spread)).drop("visitor_id")


def chained(presence: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """(by..., t, p, n) of a presence frame with `user_id`, once each, in the order of these columns."""
    whole = presence.filter(pl.col("page").is_not_null()) if "page" in by else presence
    if whole.is_empty():
        return _NO_CHAINS.select(*by, "t", "p", "n")
    places = whole.select(by).unique().sort(by) if by else pl.DataFrame({"place": [0]})
    first_t = int(whole["t"].min())  # type: ignore[arg-type]
    # Half hours count from 1 here, so that NEVER stays below them all.
    ordered = whole.select("user_id", spot=_numbered(whole, places, by) * _SPAN + (pl.col("t") - first_t + 1)).sort(
        "user_id", "spot"
    )
    spot, before = pl.col("spot"), pl.col("spot").shift(1)
    same_user = (pl.col("user_id") == pl.col("user_id").shift(1)).fill_null(False)
    same_place = same_user & (spot // _SPAN == before // _SPAN)
    steps = ordered.filter(~(same_user & (spot == before)).fill_null(False)).select(
        "spot", p=pl.when(same_place.fill_null(False)).then(before % _SPAN).otherwise(pl.lit(NEVER, pl.UInt64))
    )
    counted = steps.group_by("spot", "p").agg(n=pl.len().cast(pl.Int64)).sort("spot", "p")
    since_first = pl.lit(first_t - 1, pl.Int32)
    return counted.select(
        *(places[name].gather(counted["spot"] // _SPAN) for name in by),
        t=(pl.col("spot") % _SPAN).cast(pl.Int32) + since_first,
        p=pl.when(pl.col("p") == NEVER)
        .then(pl.lit(NEVER, pl.Int32))
        .otherwise(pl.col("p").cast(pl.Int32) + since_first),
        n="n",
    )


def _numbered(presence: pl.DataFrame, places: pl.DataFrame, by: Sequence[str]) -> pl.Series:
    """The number of each row's place, in the order of places."""
    if not by:
        return pl.repeat(0, presence.height, dtype=pl.UInt64, eager=True)
    if len(by) == 1:
        return _code(presence[by[0]], places[by[0]]).cast(pl.UInt64)
    numbers, rows = (
        pl.repeat(0, places.height, dtype=pl.UInt64, eager=True),
        pl.repeat(0, presence.height, dtype=pl.UInt64, eager=True),
    )
    for name in by:
        values = places[name].unique().sort()
        numbers = numbers * len(values) + _code(places[name], values)
        rows = rows * len(values) + _code(presence[name], values)
    return _code(rows, numbers).cast(pl.UInt64)


def _code(values: pl.Series, ordered: pl.Series) -> pl.Series:
    """Where each value stands among distinct ones in ascending order."""
    if values.dtype == pl.String:
        return values.cast(pl.Enum(ordered)).to_physical().cast(pl.UInt64)
    return ordered.to_physical().search_sorted(values.to_physical()).cast(pl.UInt64)


def recency(presence: pl.DataFrame, scopes: Sequence[Scope]) -> pl.DataFrame:
    """The rows of RECENCY of a presence frame with `user_id` in some scopes, once each, as `merged` orders them."""
    # Pages are compared many times over: as numbers, in the order of their names.
    numbered = presence.with_columns(
        presence[name].cast(pl.Enum(presence[name].drop_nulls().unique().sort())) for name in ("page", "os")
    )
    return pl.concat(_in_scope(numbered, scope) for scope in scopes)


def _in_scope(presence: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    chains = chained(presence, scope.by).with_columns(scope=pl.lit(scope.number, pl.UInt8))
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in _PLACE.items() if name not in scope.by]
    return chains.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in RECENCY.items())


def change(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """What to add to a recency table for the chains of some users to be `new` where they were `old`."""
    if old.is_empty():
        return new
    return merged([new, old.with_columns(-pl.col("n"))])


def merged(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Recency tables added up, in their one order, without what cancels out."""
    by = [name for name in RECENCY if name != "n"]
    return pl.concat(parts).group_by(by).agg(pl.col("n").sum()).filter(pl.col("n") != 0).sort(by)
