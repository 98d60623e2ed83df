"""Where something happened as one 64-bit number: grouping and sorting by it is several times faster than by five
columns.

A key holds, from high bits to low, the place (mini program and application, numbered in their order), the half hour
since the file's first, the operating system and the page (numbered in alphabetical order). The widths fit
the file, and the order of keys is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[Any]
_KEY = pl.UInt64()

NAME = pl.Categorical()
"""How tables keep names that repeat: each once, and numbers that point at them."""


def starts_of(ordered: Numbers) -> Numbers:
    """Where a new value begins among values that lie in runs."""
    if not len(ordered):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))


def bisected(values: Callable[[Numbers], Numbers], low: Numbers, high: Numbers, bounds: Numbers) -> Numbers:
    """In each range [low, high) of ascending values, where the first that is not below its bound lies."""
    low, high = low.copy(), high.copy()
    open_ones = np.flatnonzero(low < high)
    while len(open_ones):
        middle = (low[open_ones] + high[open_ones]) // 2
        is_below = values(middle) < bounds[open_ones]
        low[open_ones[is_below]] = middle[is_below] + 1
        high[open_ones[~is_below]] = middle[~is_below]
        open_ones = open_ones[low[open_ones] < high[open_ones]]
    return low


def positions(first: Numbers, end: Numbers) -> Numbers:
    """The numbers of each range [first, end), one after another."""
    lengths = end - first
    return np.repeat(end - np.cumsum(lengths), lengths) + np.arange(lengths.sum())


@dataclass(frozen=True)
class Packing:
    """How the places, half hours, pages and operating systems of one file are numbered."""

    places: pl.DataFrame
    first_t: int
    pages: pl.Series
    systems: pl.Series
    t_bits: int
    page_bits: int
    system_bits: int

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Packing:
        """The packing of rows with `place`, `application_id`, `mini_program_id`, `t`, `start_t`, `page` and `os`."""
        places = rows.group_by("place").agg(pl.col("application_id", "mini_program_id").first())
        places = places.sort("mini_program_id", "application_id")
        # A first entry that no text equals stands for "no page".
        pages = pl.concat([pl.Series("page", [None], dtype=pl.String), rows["page"].drop_nulls().unique().sort()])
        systems = rows["os"].unique().sort()
        ends = rows.select(first=pl.min_horizontal(pl.col("t").min(), pl.col("start_t").min()), last=pl.col("t").max())
        first, last = ends.row(0)
        widths = [int(count).bit_length() for count in (last - first, len(pages), len(systems))]
        return cls(places, first, pages, systems, *widths)

    @property
    def bits(self) -> int:
        """How many bits a key takes."""
        return self.places.height.bit_length() + self.t_bits + self.page_bits + self.system_bits

    @property
    def fits(self) -> bool:
        """Whether 64 bits have room for a key, and two bits more."""
        return self.bits <= 62

    @property
    def page_count(self) -> int:
        """By what a key is divided for that of its place, whatever the page."""
        return 1 << self.page_bits

    def numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with `page_code` and `os_code`, which `key` packs."""
        pages = pl.Enum(self.pages.drop_nulls())
        code = pl.col("page").cast(pages).to_physical().cast(_KEY) + 1
        system = pl.col("os").cast(pl.Enum(self.systems)).to_physical().cast(_KEY)
        ranks = self.places["place"].arg_sort()
        numbered = rows.with_columns(page_code=code.fill_null(0), os_code=system, place=ranks.gather(rows["place"]))
        return numbered.drop("page", "os")

    def key(self, t: str = "t", system: str = "os_code", page: str | None = "page_code") -> pl.Expr:
        """The key of a row's place, half hour and system, and of its page (None: of no page)."""
        key = pl.col("place").cast(_KEY)
        key = key * (1 << self.t_bits) + (pl.col(t) - self.first_t).cast(_KEY)
        key = key * (1 << self.system_bits) + pl.col(system)
        return (key * (1 << self.page_bits) + (pl.col(page) if page else pl.lit(0, _KEY))).alias("key")

    def unpacked(self, keys: Numbers, columns: dict[str, Numbers]) -> pl.DataFrame:
        """The columns with `t`, `application_id`, `mini_program_id`, `os` and `page` of the keys before them."""
        page, rest = keys % (1 << self.page_bits), keys >> self.page_bits
        system, rest = rest % (1 << self.system_bits), rest >> self.system_bits
        t, place = rest % (1 << self.t_bits), (rest >> self.t_bits).astype(np.int64)
        return pl.DataFrame(
            {
                "t": t.astype(np.int32) + np.int32(self.first_t),
                "application_id": self.places["application_id"].to_numpy()[place],
                "mini_program_id": self.places["mini_program_id"].to_numpy()[place],
                "os": self.systems.cast(NAME).gather(system),
                "page": self.pages.cast(NAME).gather(page),
                **columns,
            }
        )
