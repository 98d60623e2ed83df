"""The chains of many users at once, as numbers: who was where, and when there before, in two sorts of 64 bits each.

Places, half hours and users are numbered, so that a presence is one number with the user highest and the half hour
lowest: sorted, what was before in the same place is the neighbour. A second number, of the place, the half hour and the
one before, is sorted to count how many users have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import polars as pl

from lib.usage.packing import NAME, Numbers, starts_of

PLACES = ("mini_program_id", "application_id", "os", "page")
NEVER = 0
BLOCK = 8
"""How many half hours lie together in the tables that are kept in memory: what is asked for between two instants is
whole blocks, of each a look-up, and what is left at the ends."""

_BLOCK_BITS = np.uint64(3)
_TYPE = {"mini_program_id": pl.Int32(), "application_id": pl.Int32(), "os": pl.String(), "page": pl.String()}


@dataclass(frozen=True)
class Numbering:
    """The values of each column of a place in ascending order, and the half hours from the first to the last.

    A page that is null has the number 0 and others count from 1; so do half hours, which leaves 0 for NEVER.
    """

    values: Mapping[str, pl.Series]
    first_t: int
    last_t: int

    @classmethod
    def of(cls, presences: Iterable[pl.DataFrame]) -> Numbering:
        """The numbering of all that some frames of presence have; each may have some of the columns."""
        values: dict[str, list[pl.Series]] = {name: [pl.Series(name, [], _TYPE[name])] for name in PLACES}
        ends: list[int] = []
        for each in presences:
            if "t" in each.columns:
                ends.extend(each["t"].drop_nulls().unique().to_list())
            for name in set(PLACES) & set(each.columns):
                values[name].append(each[name].unique().cast(_TYPE[name]))
        ordered = {name: pl.concat(parts).drop_nulls().unique().sort() for name, parts in values.items()}
        return cls(ordered, min(ends, default=0), max(ends, default=0))

    def bits(self, name: str) -> int:
        """How many bits the numbers of a column take; `t` is the half hours'."""
        if name == "t":
            return (self.last_t - self.first_t + 1).bit_length()
        return len(self.values[name]).bit_length()

    def codes(self, name: str, column: pl.Series) -> Numbers:
        """The number of each value."""
        if name == "t":
            return (column.to_numpy() - np.int32(self.first_t - 1)).astype(np.uint64)
        values = self.values[name]
        if column.dtype in (pl.Categorical, pl.String):
            names = column.cast(NAME)
            physical = names.to_physical().fill_null(0).to_numpy()
            known = values.cast(NAME).to_physical().to_numpy()
            ranks = np.zeros(max(int(physical.max(initial=0)), int(known.max(initial=0))) + 1, np.uint64)
            ranks[known] = np.arange(1, len(known) + 1, dtype=np.uint64)
            codes = ranks[physical]
            return np.where(names.is_null().to_numpy(), np.uint64(0), codes) if names.null_count() else codes
        return np.searchsorted(values.to_numpy(), column.to_numpy()).astype(np.uint64) + np.uint64(1)

    def column(self, name: str, codes: Numbers) -> pl.Series:
        """The values of numbers."""
        values = self.values[name]
        if values.dtype == pl.String:
            values = values.cast(NAME)
        return values.gather(codes.astype(np.uint32) - np.uint32(1)).alias(name)


class Order(Enum):
    """What the rows of a table of recency are in the order of: the place, and then `t` or `p` first; or the blocks of
    half hours, and in each of the place and `p`."""

    T_P = ("t", "p")
    P_T = ("p", "t")
    BLOCKS = ("p", "t", BLOCK)


@dataclass(frozen=True)
class Cells:
    """How many users were in a place in half hour `t` and before that last in half hour `p`.

    A cell's key is the place, `t` and `p`, or the place, `p` and `t`; of a table that lies in the order of time, the
    block of `t`, the place, `p`, and which half hour of the block it is.
    """

    keys: Numbers
    n: Numbers


class Chains:
    """Presence of some users, numbered: all that these users have, wherever it lies."""

    def __init__(self, presence: pl.DataFrame, numbering: Numbering) -> None:
        """`presence` is `t`, some of PLACES and `user_id`; a user's rows lie in runs, repetitions are allowed."""
        self._numbering = numbering
        user = presence["user_id"].to_numpy()
        runs = starts_of(user)
        ranks = pl.Series(user[runs]).rank("dense").cast(pl.UInt32).to_numpy()
        self._names = [name for name in PLACES if name in presence.columns]
        codes = {name: numbering.codes(name, presence[name]).astype(np.uint32) for name in (*self._names, "t")}
        codes["user"] = np.repeat(ranks, np.diff(runs, append=len(user)))
        self._bits = {name: numbering.bits(name) for name in (*PLACES, "t")}
        self._bits["user"] = int(ranks.max(initial=0)).bit_length()
        self._paged = codes
        if "page" in codes and not (is_paged := codes["page"] > 0).all():
            self._paged = {name: each[is_paged] for name, each in codes.items()}
        self._whole = self._without_pages(codes)

    def _without_pages(self, codes: dict[str, Numbers]) -> dict[str, Numbers]:
        by = ("user", *(name for name in self._names if name != "page"), "t")
        if "page" not in codes or sum(self._bits[name] for name in by) > 64:
            return codes
        keys = _sorted(self._packed(codes, by))
        keys = keys[starts_of(keys)]
        return {name: each.astype(np.uint32) for name, each in _parted(keys, by, self._bits).items()}

    def _packed(self, codes: dict[str, Numbers], by: Sequence[str]) -> Numbers:
        keys = np.zeros(len(codes["t"]), np.uint64)
        for name in by:
            keys <<= np.uint64(self._bits[name])
            keys |= codes[name]
        return keys

    def cells(self, by: Sequence[str], order: Order) -> tuple[Cells, Layout]:
        """The chains of the places told apart by some columns, counted; and how their keys are to be read."""
        codes = self._paged if "page" in by else self._whole
        layout = Layout(tuple(by), order, self._numbering)
        places, place_bits = self._packed(codes, by), layout.place_bits
        if place_bits + self._bits["t"] + self._bits["user"] > 64 or place_bits + 2 * self._bits["t"] > 63:
            known, places = np.unique(places, return_inverse=True)
            layout = Layout(tuple(by), order, self._numbering, known)
            place_bits, places = layout.place_bits, places.astype(np.uint64)
        t_bits = np.uint64(self._bits["t"])
        keys = codes["user"].astype(np.uint64)
        keys <<= np.uint64(place_bits)
        keys |= places
        del places
        keys <<= t_bits
        keys |= codes["t"]
        return _counted(_stepped(_distinct(keys), layout)), layout


def _distinct(keys: Numbers) -> Numbers:
    ordered = _sorted(keys)
    return ordered[starts_of(ordered)]


def _stepped(keys: Numbers, layout: Layout) -> Numbers:
    """The cell that each presence is in, from the numbers of user, place and half hour in their order."""
    t_bits, place_bits = np.uint64(layout.numbering.bits("t")), np.uint64(layout.place_bits)
    spots, t = keys >> t_bits, keys & _mask(t_bits)
    before = np.zeros_like(t)
    before[1:] = np.where(spots[1:] == spots[:-1], t[:-1], np.uint64(NEVER))
    place = spots & _mask(place_bits)
    if layout.order is Order.BLOCKS:
        t += layout.into_block
        cells = (t >> _BLOCK_BITS) << place_bits
        cells |= place
        cells <<= t_bits
        cells |= before
        cells <<= _BLOCK_BITS
        cells |= t & _mask(_BLOCK_BITS)
        return cells
    high, low = (t, before) if layout.order is Order.T_P else (before, t)
    cells = place << t_bits
    cells |= high
    cells <<= t_bits
    cells |= low
    return cells


def _counted(cells: Numbers) -> Cells:
    ordered = _sorted(cells)
    starts = starts_of(ordered)
    return Cells(ordered[starts], np.diff(starts, append=len(ordered)))


def added(parts: Sequence[Cells]) -> Cells:
    """The cells of parts of the users, added up."""
    whole = pl.DataFrame(
        {"key": np.concatenate([each.keys for each in parts]), "n": np.concatenate([each.n for each in parts])}
    ).sort("key")
    keys, n = whole["key"].to_numpy(), whole["n"].to_numpy()
    starts = starts_of(keys)
    return Cells(keys[starts], np.add.reduceat(n, starts) if len(starts) else n)


@dataclass(frozen=True)
class Layout:
    """How the keys of cells are read."""

    by: tuple[str, ...]
    order: Order
    numbering: Numbering
    known_places: Numbers | None = None

    @property
    def place_bits(self) -> int:
        """How many bits of a key its place takes."""
        if self.known_places is not None:
            return len(self.known_places).bit_length()
        return sum(self.numbering.bits(name) for name in self.by)

    @property
    def into_block(self) -> np.uint64:
        """How far the half hour before the first, which has the number 0, is from the begin of its block."""
        return np.uint64((self.numbering.first_t - 1) % BLOCK)

    def frame(self, cells: Cells) -> pl.DataFrame:
        """The cells as `by`, `t`, `p` (NEVER for none) and `n`, in their order."""
        t_bits, place_bits = np.uint64(self.numbering.bits("t")), np.uint64(self.place_bits)
        if self.order is Order.BLOCKS:
            low, rest = cells.keys & _mask(_BLOCK_BITS), cells.keys >> _BLOCK_BITS
            before, rest = rest & _mask(t_bits), rest >> t_bits
            place, block = rest & _mask(place_bits), rest >> place_bits
            t = (block << _BLOCK_BITS) + low - self.into_block
        else:
            low, rest = cells.keys & _mask(t_bits), cells.keys >> t_bits
            high, place = rest & _mask(t_bits), rest >> t_bits
            t, before = (high, low) if self.order is Order.T_P else (low, high)
        if self.known_places is not None:
            place = self.known_places[place]
        codes = _parted(place, self.by, {name: self.numbering.bits(name) for name in self.by})
        since_first = np.int32(self.numbering.first_t - 1)
        p = np.where(before == NEVER, np.int32(NEVER), before.astype(np.int32) + since_first)
        return pl.DataFrame(
            {
                **{name: self.numbering.column(name, codes[name]) for name in self.by},
                "t": t.astype(np.int32) + since_first,
                "p": p,
                "n": cells.n.astype(np.int64),
            }
        )


def _mask(bits: np.uint64) -> np.uint64:
    return np.uint64((1 << int(bits)) - 1)


def _parted(keys: Numbers, by: Sequence[str], bits: Mapping[str, int]) -> dict[str, Numbers]:
    parts = {}
    for name in reversed(by):
        parts[name] = keys & _mask(np.uint64(bits[name]))
        keys = keys >> np.uint64(bits[name])
    return parts


def _sorted(keys: Numbers) -> Numbers:
    return pl.Series(keys).sort().to_numpy()
