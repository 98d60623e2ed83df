"""Where something happened as one 64-bit number: grouping and sorting by it is several times faster than by five
columns.

A key holds, from high bits to low, the place (application and mini program, numbered in the order of the file), the
half
hour since the file's first, the page and the operating system (numbered in alphabetical order). The widths fit the
file,
and the order of keys is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_KEY = pl.UInt64()


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
        places = rows.group_by("place").agg(pl.col("application_id", "mini_program_id").first()).sort("place")
        # A first entry that no text equals stands for "no page".
        pages = pl.concat([pl.Series("page", [None], dtype=pl.String), rows["page"].drop_nulls().unique().sort()])
        systems = rows["os"].unique().sort()
        ends = rows.select(first=pl.min_horizontal(pl.col("t").min(), pl.col("start_t").min()), last=pl.col("t").max())
        first, last = ends.row(0)
        widths = [int(count).bit_length() for count in (last - first, len(pages), len(systems))]
        return cls(places, first, pages, systems, *widths)

    @property
    def fits(self) -> bool:
        """Whether a key has room for all."""
        place_bits = self.places.height.bit_length()
        return place_bits + self.t_bits + self.page_bits + self.system_bits <= 64

    def numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with `page_code` and `os_code`, which `key` packs."""
        pages = pl.Enum(self.pages.drop_nulls())
        code = pl.col("page").cast(pages).to_physical().cast(_KEY) + 1
        system = pl.col("os").cast(pl.Enum(self.systems)).to_physical().cast(_KEY)
        return rows.with_columns(page_code=code.fill_null(0), os_code=system)

    def key(self, t: str = "t", system: str = "os_code", page: str | None = "page_code") -> pl.Expr:
        """The key of a row's place, half hour and system, and of its page (None: of no page)."""
        key = pl.col("place").cast(_KEY)
        key = key * (1 << self.t_bits) + (pl.col(t) - self.first_t).cast(_KEY)
        key = key * (1 << self.page_bits) + (pl.col(page) if page else pl.lit(0, _KEY))
        return (key * (1 << self.system_bits) + pl.col(system)).alias("key")

    def unpacked(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with `t`, `application_id`, `mini_program_id`, `os` and `page` in place of `key`."""
        rest = rows["key"]
        system, rest = rest % (1 << self.system_bits), rest // (1 << self.system_bits)
        page, rest = rest % (1 << self.page_bits), rest // (1 << self.page_bits)
        t, place = rest % (1 << self.t_bits), rest // (1 << self.t_bits)
        return pl.DataFrame(
            {
                "t": t.cast(pl.Int32) + self.first_t,
                "application_id": self.places["application_id"].gather(place),
                "mini_program_id": self.places["mini_program_id"].gather(place),
                "os": self.systems.gather(system),
                "page": self.pages.gather(page),
            }
        ).hstack(rows.drop("key"))
