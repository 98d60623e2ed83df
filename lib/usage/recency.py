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

from lib.usage.chaining import BLOCK, NEVER, Chains, Numbering, Order
from lib.usage.packing import NAME

__all__ = ["BLOCK", "NEVER", "PAGE_SCOPES", "SCOPES", "Scope", "chained", "merged", "user_of", "with_users"]


@dataclass(frozen=True)
class Scope:
    """A set of places whose users are kept counted: the columns that tell one place of it from another.

    Its table lies in blocks of time where it is kept in memory. Else it is asked for one place: of pages, whose places
    are large, in the order of time, which leaves out what lies before and after; or in that of `p`, which is smaller.
    """

    number: int
    by: tuple[str, ...]
    lies: Order = Order.P_T
    row_group: int = 262_144

    @property
    def is_kept(self) -> bool:
        """Whether it is kept in memory."""
        return self.lies is Order.BLOCKS

    @property
    def key(self) -> str:
        """Its name among a tenant's files."""
        return str(self.number)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """A row: so many (`n`) users were in a place in half hour `t` and before that last in half hour `p`."""
        return {**{name: _PLACE[name] for name in self.by}, "t": pl.Int32(), "p": pl.Int32(), "n": pl.Int64()}

    @property
    def order(self) -> tuple[pl.Expr, ...]:
        """What its table is in the order of."""
        first, second, *_ = self.lies.value
        places = (pl.col(name) for name in self.by)
        return (*((pl.col("t") // BLOCK,) if self.is_kept else ()), *places, pl.col(first), pl.col(second))


SCOPES = (
    Scope(0, (), Order.BLOCKS),
    Scope(1, ("application_id",), Order.BLOCKS),
    Scope(2, ("mini_program_id",), Order.BLOCKS),
    Scope(3, ("mini_program_id", "application_id")),
    Scope(6, ("mini_program_id", "os")),
    Scope(7, ("mini_program_id", "application_id", "os")),
)
PAGE_SCOPES = (
    Scope(4, ("mini_program_id", "page"), Order.T_P, 131_072),
    Scope(5, ("mini_program_id", "application_id", "page"), Order.T_P, 131_072),
)

_PLACE = {"application_id": pl.Int32(), "mini_program_id": pl.Int32(), "page": NAME, "os": NAME}


def user_of(per_application: bool) -> pl.Expr:
    """The user of a presence: the visitor, or the visitor in an application where the tenant's applications number
    their own."""
    if not per_application:
        return pl.col("visitor_id")
    # Odd multiplier (2^64 / golden ratio): the applications' ids are spread over all bits before they meet the hash.
    spread = pl.col("application_id").cast(pl.UInt64) * pl.lit(0x9E3779B97F4A7C15, pl.UInt64)
    return pl.col("visitor_id").xor(spread)


def with_users(presence: pl.DataFrame, per_application: bool) -> pl.DataFrame:
    """Presence with `user_id` in place of the visitor."""
    return presence.with_columns(user_id=user_of(per_application)).drop("visitor_id")


def chained(presence: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """(by..., t, p, n) of a presence frame with `user_id`, which may repeat itself, in the order of these columns."""
    rows = presence.select("user_id", *by, "t").sort("user_id")
    rows = rows.filter(pl.col("page").is_not_null()) if "page" in by else rows
    numbering = Numbering.of([rows])
    cells, layout = Chains(rows, numbering).cells(by, Order.T_P)
    return layout.frame(cells)


def merged(parts: Sequence[pl.DataFrame], scope: Scope) -> pl.DataFrame:
    """Recency tables of a scope added up, in its order, without what cancels out."""
    whole = pl.concat([pl.DataFrame(schema=scope.schema), *(part.select(list(scope.schema)) for part in parts)])
    by = [name for name in scope.schema if name != "n"]
    return whole.group_by(by).agg(pl.col("n").sum()).filter(pl.col("n") != 0).sort(*scope.order)
