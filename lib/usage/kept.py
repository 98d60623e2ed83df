"""Recency in memory: the chains of few large places, so that users are told by looking up and not by adding up.

Half hours lie in blocks, and the rows of a block in a place in the order of when their users were there before: how
many of them were not there since an instant is a bisection and a difference of running sums. Only in a block that a
range cuts each row is looked at. Half hours count from 1, so that a user who was never there before has 0 and is below
every start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from lib.usage.packing import Numbers, bisected, positions, starts_of
from lib.usage.recency import BLOCK, NEVER


@dataclass(frozen=True)
class Kept:
    """A file of recency in one scope, whose places are told by one column (`by`) or none.

    A group is a block and a place; its rows are those from one of `bounds` to the next. Of each row `past` is how many
    half hours it is past the begin of its block, `before` the half hour before, counted from `first_t` as 1, and
    `so_far` how many users are in the rows ahead of it.
    """

    by: str | None
    first_t: int
    blocks: Numbers
    places: Numbers
    bounds: Numbers
    past: Numbers
    before: Numbers
    so_far: Numbers

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Kept:
        """The rows of a file, in the order of the block, the place and `p`."""
        by = next((name for name in rows.columns if name not in ("t", "p", "n")), None)
        t, p = rows["t"].to_numpy(), rows["p"].to_numpy()
        is_never, blocks = p == NEVER, t // BLOCK
        first = int(min(t.min(), p.min(where=~is_never, initial=t.min())))
        places = rows[by].to_numpy() if by else np.zeros_like(t)
        starts = np.union1d(starts_of(blocks), starts_of(places))
        before = p - (first - 1)
        before[is_never] = 0
        so_far = np.concatenate([[0], np.cumsum(rows["n"].to_numpy())])
        return cls(
            by,
            first,
            blocks[starts],
            places[starts],
            np.append(starts, rows.height),
            (t - blocks * BLOCK).astype(np.uint8),
            before.astype(np.min_scalar_type(int(before.max()))),
            so_far.astype(np.int32 if np.abs(so_far).max() < 1 << 31 else np.int64),
        )

    def follows(self, other: Kept) -> bool:
        """Whether all of it is of the blocks from the other's last one on."""
        return bool(other.blocks[-1] <= self.blocks[0])

    @classmethod
    def joined(cls, parts: Sequence[Kept]) -> Kept:
        """Files of one scope, of which each follows the one before."""
        if len(parts) == 1:
            return parts[0]
        first = min(part.first_t for part in parts)
        rows = np.cumsum([0, *(len(part.before) for part in parts)])
        users = np.cumsum([0, *(int(part.so_far[-1]) for part in parts)])
        last = max(int(part.before.max()) + part.first_t - first for part in parts)
        most = max(int(np.abs(part.so_far).max()) for part in parts) + int(np.abs(users).max())
        # Each part goes to its place at once: parts of millions of rows are not made larger first.
        before = np.empty(rows[-1], np.min_scalar_type(last))
        so_far = np.empty(rows[-1] + 1, np.int32 if most < 1 << 31 else np.int64)
        for n, part in enumerate(parts):
            place = slice(rows[n], rows[n + 1])
            np.add(part.before, part.first_t - first, out=before[place], dtype=before.dtype, casting="unsafe")
            before[place][part.before == 0] = 0
            np.add(part.so_far[:-1], users[n], out=so_far[place], casting="unsafe")
        so_far[-1] = users[-1]
        return cls(
            parts[0].by,
            first,
            np.concatenate([part.blocks for part in parts]),
            np.concatenate([part.places for part in parts]),
            np.concatenate([*(part.bounds[:-1] + rows[n] for n, part in enumerate(parts)), rows[-1:]]),
            np.concatenate([part.past for part in parts]),
            before,
            so_far,
        )

    @property
    def size_bytes(self) -> int:
        """What it takes of memory."""
        return sum(each.nbytes for each in vars(self).values() if isinstance(each, np.ndarray))

    def number(self, t: Numbers) -> Numbers:
        """Half hours as `before` has them; 1 where they are before them all."""
        numbers: Numbers = np.maximum(t - (self.first_t - 1), 1)
        return numbers

    def chosen(self, first: int, end: int, chosen: pl.Expr) -> Numbers:
        """The groups of the blocks that the half hours [first, end) are in, of the places that are chosen."""
        low, high = np.searchsorted(self.blocks, [first // BLOCK, -(-end // BLOCK)])
        groups = np.arange(low, high)
        if self.by is None:
            return groups
        known = pl.DataFrame({self.by: np.unique(self.places)}).filter(chosen).to_series().to_numpy()
        return groups[np.isin(self.places[low:high], known)]

    def below(self, groups: Numbers, limits: Numbers) -> Numbers:
        """Where the rows of each group end whose `before` is below the group's limit."""
        return bisected(self.before.__getitem__, self.bounds[groups], self.bounds[groups + 1], limits)

    def users(self, first: Numbers, end: Numbers) -> Numbers:
        """How many users the rows [first, end) have."""
        users: Numbers = self.so_far[end].astype(np.int64) - self.so_far[first]
        return users

    @cached_property
    def firsts(self) -> pl.DataFrame:
        """How many users (`n`) were in a place for the first time in half hour `t`."""
        every = np.arange(len(self.blocks))
        begins, ends = self.bounds[:-1], self.below(every, np.ones_like(every))
        rows, groups = positions(begins, ends), np.repeat(every, ends - begins)
        columns = {self.by: self.places[groups]} if self.by else {}
        t = self.blocks[groups] * BLOCK + self.past[rows]
        return pl.DataFrame({**columns, "t": t, "n": self.users(rows, rows + 1)}).filter(pl.col("n") != 0)


@dataclass(frozen=True)
class _Spans:
    """The buckets of a trend in their order: [`first`, `end`), and from where on users are looked for, `start`."""

    bucket: pl.Series
    first: Numbers
    end: Numbers
    start: Numbers

    @classmethod
    def of(cls, buckets: pl.DataFrame) -> _Spans:
        ordered = buckets.sort("t")
        t, start = ordered["t"].to_numpy(), ordered["start"].to_numpy()
        first, last = starts_of(start), np.append(starts_of(start)[1:], len(t)) - 1
        return cls(ordered["bucket"].gather(first), t[first], t[last] + 1, start[first])

    def at(self, t: Numbers) -> Numbers:
        """In which bucket a half hour may lie."""
        return np.maximum(np.searchsorted(self.first, t, side="right") - 1, 0)


def counted_by_bucket(parts: Sequence[Kept], buckets: pl.DataFrame, by: Sequence[str], chosen: pl.Expr) -> pl.DataFrame:
    """`active_users` and `new_users` of each bucket of a trend (lib.usage.buckets.bucket_starts) with users.

    `by` are no columns or that of the scope.
    """
    spans = _Spans.of(buckets)
    found: list[_Counted] = [(np.zeros(0, np.int64),) * 4]
    for part in parts:
        groups = part.chosen(int(spans.first[0]), int(spans.end[-1]), chosen)
        begin = part.blocks[groups] * BLOCK
        at = spans.at(begin)
        is_whole = (spans.first[at] <= begin) & (begin + BLOCK <= spans.end[at])
        found += [_of_whole(part, spans, groups[is_whole]), _of_cut(part, spans, groups[~is_whole])]
    at, places, active, new = (np.concatenate(each) for each in zip(*found, strict=True))
    keys, rows = np.unique(at << 32 | (places if by else 0), return_inverse=True)
    sums = [np.zeros(len(keys), np.int64) for _ in range(2)]
    for total, each in zip(sums, (active, new), strict=True):
        np.add.at(total, rows, each)
    columns = {name: pl.Series(keys & 0xFFFFFFFF, dtype=pl.Int32) for name in by}
    return pl.DataFrame(
        {"bucket": spans.bucket.gather(keys >> 32), **columns, "active_users": sums[0], "new_users": sums[1]}
    )


_Counted = tuple[Numbers, Numbers, Numbers, Numbers]
"""Buckets (their numbers), places, active users and new users."""


def _of_whole(part: Kept, spans: _Spans, groups: Numbers) -> _Counted:
    """Of blocks that lie in a bucket."""
    at, begins = spans.at(part.blocks[groups] * BLOCK), part.bounds[groups]
    active = part.users(begins, part.below(groups, part.number(spans.start[at])))
    return at, part.places[groups], active, part.users(begins, part.below(groups, np.ones_like(groups)))


def _of_cut(part: Kept, spans: _Spans, groups: Numbers) -> _Counted:
    """Of blocks that lie in several buckets or in none."""
    begins, ends = part.bounds[groups], part.bounds[groups + 1]
    rows, groups = positions(begins, ends), np.repeat(groups, ends - begins)
    t = part.blocks[groups] * BLOCK + part.past[rows]
    at, before = spans.at(t), part.before[rows]
    is_active = (spans.first[at] <= t) & (t < spans.end[at]) & (before < part.number(spans.start[at]))
    rows, groups, at = rows[is_active], groups[is_active], at[is_active]
    n = part.users(rows, rows + 1)
    return at, part.places[groups], n, np.where(before[is_active] == 0, n, 0)
