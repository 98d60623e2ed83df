"""When each visitor was last in each place: a refresh asks a few ranges of a file instead of all history.

A row is a visitor, a place and the last half hour of presence there. Places are told apart by all that presence knows
of them; a row of the mini program WHOLE is of an application, whatever the mini program. Files are runs: a later one
says what is otherwise now, and small ones are merged. In a run the rows of a visitor lie together in the order of the
places, so that those of a mini program are a range, found by bisection where the file lies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from lib.usage.chaining import NEVER, PLACES, Numbering
from lib.usage.lake import Lake
from lib.usage.packing import NAME, Numbers, bisected, positions, starts_of
from lib.usage.seen import let_go
from lib.usage.tables import LARGEST_ROWS
from lib.usage.writing import Writing

WHOLE = 0
"""The mini program of rows that are of an application as a whole."""

SCHEMA = {
    "visitor_id": pl.UInt64(),
    "mini_program_id": pl.Int32(),
    "application_id": pl.Int32(),
    "os": NAME,
    "page": NAME,
    "t": pl.Int32(),
}
"""A row; `t` is NEVER where the visitor is no longer there. `os` and `page` are null in rows of WHOLE."""

_PART = 512
"""How many ranges are read before the pages of the file that hold them are let go."""


@dataclass(frozen=True)
class Run:
    """An opened file: `rows`, each a place and `t` as `numbering` packs them into one number, and where those of each
    visitor end."""

    rows: Numbers
    visitors: Numbers
    ends: Numbers
    numbering: Numbering

    @classmethod
    def opened(cls, place: Path) -> Run:
        """A run, mapped and not read."""
        whole = np.memmap(place, np.uint8, "r")
        told_at = len(whole) - 8 - int(whole[-8:].view("<u8")[0])
        told = json.loads(bytes(whole[told_at:-8]))
        values = {name: pl.Series(name, each, _SORTS[name]) for name, each in told["values"].items()}
        numbering = Numbering(values, told["first_t"], told["last_t"])
        visitors_at, count = told_at - 16 * told["visitors"], told["visitors"]
        dtype = _dtype(numbering)
        return cls(
            whole[: told["rows"] * dtype.itemsize].view(dtype),
            whole[visitors_at : visitors_at + 8 * count].view("<u8"),
            whole[visitors_at + 8 * count : told_at].view("<i8"),
            numbering,
        )

    def of(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """The rows (SCHEMA) of some visitors in some mini programs: `visitor_id` and `mini_program_id`, once each."""
        known = pl.concat([self.numbering.values["mini_program_id"], pl.Series([WHOLE], dtype=pl.Int32)])
        asked = wanted.filter(pl.col("mini_program_id").is_in(known.implode())).sort("visitor_id")
        visitors = asked["visitor_id"].to_numpy()
        if not len(self.visitors):
            return pl.DataFrame(schema=SCHEMA)
        at = np.searchsorted(self.visitors, visitors)
        is_here = self.visitors[np.minimum(at, len(self.visitors) - 1)] == visitors
        at, visitors = at[is_here], visitors[is_here]
        step = np.uint64(1 << sum(self.numbering.bits(name) for name in (*PLACES[1:], "t")))
        programs = _codes(self.numbering, "mini_program_id", asked["mini_program_id"])[is_here] * step
        begins, ends = np.where(at > 0, self.ends[at - 1], 0), self.ends[at]
        rows, counts = [self.rows[:0]], np.zeros(len(at), np.int64)
        for part in np.array_split(np.arange(len(at)), -(-len(at) // _PART)) if len(at) else ():
            first = bisected(self._numbers, begins[part], ends[part], programs[part])
            end = bisected(self._numbers, first, ends[part], programs[part] + step)
            counts[part] = end - first
            rows.append(self.rows[positions(first, end)])
            let_go(self.rows)
        return self._frame(np.repeat(visitors, counts), np.concatenate(rows))

    def _numbers(self, at: Numbers) -> Numbers:
        return _numbers(self.rows[at])

    def whole(self, first: int = 0, end: int | None = None) -> pl.DataFrame:
        """All of its rows, or those of some visitors by their numbers in it."""
        ends = np.concatenate([[0], self.ends])[first : len(self.visitors) + 1 if end is None else end + 1]
        visitors = self.visitors[first : first + len(ends) - 1]
        return self._frame(np.repeat(visitors, np.diff(ends)), np.asarray(self.rows[ends[0] : ends[-1]]))

    def _frame(self, visitors: Numbers, rows: Numbers) -> pl.DataFrame:
        keys, codes = _numbers(rows), {}
        for name in ("t", *reversed(PLACES)):
            bits = np.uint64(self.numbering.bits(name))
            codes[name] = keys & np.uint64((1 << int(bits)) - 1)
            keys >>= bits
        t = codes["t"].astype(np.int32)
        t = np.where(t == NEVER, NEVER, t + np.int32(self.numbering.first_t - 1))
        columns = {name: _column(self.numbering, name, codes[name]) for name in PLACES}
        return pl.DataFrame({"visitor_id": visitors, **columns, "t": t}).select(list(SCHEMA))


_SORTS = {"mini_program_id": pl.Int32(), "application_id": pl.Int32(), "os": pl.String(), "page": pl.String()}


def _column(numbering: Numbering, name: str, codes: Numbers) -> pl.Series:
    """The values of numbers, of which 0 stands for none."""
    values = numbering.values[name]
    none = WHOLE if name == "mini_program_id" else None
    known = pl.concat([pl.Series(name, [none], values.dtype), values])
    return (known.cast(NAME) if known.dtype == pl.String else known).gather(codes.astype(np.uint32))


def _codes(numbering: Numbering, name: str, column: pl.Series) -> Numbers:
    codes = numbering.codes(name, column)
    return np.where((column == WHOLE).to_numpy(), np.uint64(0), codes) if name == "mini_program_id" else codes


def _packed(numbering: Numbering, rows: pl.DataFrame) -> Numbers:
    places = np.zeros(rows.height, np.uint64)
    for name in PLACES:
        places <<= np.uint64(numbering.bits(name))
        places |= _codes(numbering, name, rows[name])
    return places


def _dtype(numbering: Numbering) -> np.dtype[np.void]:
    """Four bytes of a number, and as many more as it needs."""
    bits = sum(numbering.bits(name) for name in (*PLACES, "t"))
    more = next((high for most, high in ((32, ""), (40, "<u1"), (48, "<u2")) if bits <= most), "<u4")
    return np.dtype([("low", "<u4"), *([("high", more)] if more else [])])


def _numbers(rows: Numbers) -> Numbers:
    numbers = rows["low"].astype(np.uint64)
    if "high" in (rows.dtype.names or ()):
        numbers |= rows["high"].astype(np.uint64) << np.uint64(32)
    return numbers


class Builder:
    """Writes a run from parts of presence, whose visitors are each after those of the part before."""

    def __init__(self, numbering: Numbering, beside: Path) -> None:
        """`numbering` has all that is in the presence; `beside` becomes the run."""
        self._numbering, self._beside = numbering, beside
        self._visitors: list[Numbers] = []
        self._counts: list[Numbers] = []
        self._shift = np.uint64(sum(numbering.bits(name) for name in ("os", "page")))
        beside.touch()

    def add_presence(self, presence: pl.DataFrame) -> None:
        """More presence: `visitor_id`, PLACES and `t`; rows may repeat."""
        visitors, ranks = np.unique(presence["visitor_id"].to_numpy(), return_inverse=True)
        places = _packed(self._numbering, presence)
        t = self._numbering.codes("t", presence["t"])
        finest = _last(ranks.astype(np.uint64), places, t)
        of_application = np.uint64((1 << self._numbering.bits("application_id")) - 1) << self._shift
        self._add(visitors, _last(finest[0], finest[1] & of_application, finest[2]), finest)

    def _add(self, visitors: Numbers, *parts: tuple[Numbers, Numbers, Numbers]) -> None:
        ranks, places, t = (np.concatenate(each) for each in zip(*parts, strict=True))
        # Each part lies in order, and the first before the second of the same visitor.
        order = np.argsort(ranks, kind="stable")
        rows = np.empty(len(order), _dtype(self._numbering))
        numbers = places[order] << np.uint64(self._numbering.bits("t")) | t[order].astype(np.uint64)
        rows["low"] = numbers & np.uint64(0xFFFFFFFF)
        if "high" in (rows.dtype.names or ()):
            rows["high"] = numbers >> np.uint64(32)
        with self._beside.open("ab") as file:
            rows.tofile(file)
        self._visitors.append(visitors)
        self._counts.append(np.bincount(ranks.astype(np.int64), minlength=len(visitors)))

    def add_rows(self, rows: pl.DataFrame) -> None:
        """More rows (SCHEMA), of which each is a place of its own."""
        packed = pl.DataFrame({"visitor": rows["visitor_id"], "place": _packed(self._numbering, rows)})
        t = np.where((rows["t"] == NEVER).to_numpy(), np.uint64(NEVER), self._numbering.codes("t", rows["t"]))
        ordered = packed.with_columns(t=t).sort("visitor", "place")
        visitors, ranks = np.unique(ordered["visitor"].to_numpy(), return_inverse=True)
        self._add(visitors, (ranks, ordered["place"].to_numpy(), ordered["t"].to_numpy()))

    def finish(self) -> None:
        """Complete the file."""
        visitors, counts = (np.concatenate(each) for each in (self._visitors, self._counts))
        ends = np.cumsum(counts).astype("<i8")
        told = json.dumps(
            {
                "rows": int(ends[-1]) if len(ends) else 0,
                "visitors": len(visitors),
                "first_t": self._numbering.first_t,
                "last_t": self._numbering.last_t,
                "values": {name: each.to_list() for name, each in self._numbering.values.items()},
            }
        ).encode()
        with self._beside.open("ab") as file:
            file.write(b"\0" * (-file.tell() % 8))
            visitors.astype("<u8").tofile(file)
            ends.tofile(file)
            file.write(told + len(told).to_bytes(8, "little"))


def _last(ranks: Numbers, places: Numbers, t: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The greatest t of each visitor (a number) and place, in their order."""
    widths = [int(each.max(initial=0)).bit_length() for each in (ranks, places, t)]
    if sum(widths) > 64:
        rows = pl.DataFrame({"rank": ranks, "place": places, "t": t}).group_by("rank", "place").agg(pl.col("t").max())
        return tuple(rows.sort("rank", "place").get_columns()[n].to_numpy() for n in range(3))  # type: ignore[return-value]
    place_bits, t_bits = np.uint64(widths[1]), np.uint64(widths[2])
    keys = pl.Series((ranks << (place_bits + t_bits)) | (places << t_bits) | t).sort().to_numpy()
    spots = keys >> t_bits
    keys = keys[np.append(starts_of(spots)[1:], len(keys)) - 1] if len(keys) else keys
    spots, t = keys >> t_bits, keys & np.uint64((1 << int(t_bits)) - 1)
    return spots >> place_bits, spots & np.uint64((1 << int(place_bits)) - 1), t


def last_seen(lake: Lake, names: Sequence[str], wanted: pl.DataFrame) -> pl.DataFrame:
    """What runs have of some visitors (`visitor_id`) in some mini programs (`mini_program_id`, WHOLE too): SCHEMA."""
    return _latest(Run.of(Run.opened(lake.path(name)), wanted) for name in names)


def _latest(parts: Iterator[pl.DataFrame], *, gone: bool = False) -> pl.DataFrame:
    """The rows of runs, the oldest first, as the last of them has them; of what is gone only where it is asked for."""
    known = [part for part in parts if part.height]
    rows = pl.concat([pl.DataFrame(schema=SCHEMA), *known])
    if len(known) > 1:
        rows = rows.unique([name for name in SCHEMA if name != "t"], keep="last")
    return rows if gone else rows.filter(pl.col("t") != NEVER)


def contents(lake: Lake, names: Sequence[str], *, gone: bool = False) -> pl.DataFrame:
    """All that runs have (SCHEMA), in no order; with `gone` also where somebody is no longer (`t` is NEVER)."""
    return _latest((Run.opened(lake.path(name)).whole() for name in names), gone=gone)


def with_later(writing: Writing, names: Sequence[str], rows: pl.DataFrame) -> tuple[str, ...]:
    """The runs with what is otherwise now (SCHEMA, once each); the small ones at the end are merged."""
    if rows.is_empty():
        return tuple(names)
    stay, parts, height = list(names), [rows.select(list(SCHEMA))], rows.height
    while stay and (last := len((run := Run.opened(writing.lake.path(stay[-1]))).rows)) < 2 * height:
        if last + height > LARGEST_ROWS:
            break
        stay.pop()
        parts.insert(0, run.whole())
        height += last
    whole = _latest(iter(parts), gone=bool(stay))
    if whole.is_empty():
        return tuple(stay)
    places, t = whole.filter(pl.col("mini_program_id") != WHOLE), whole.filter(pl.col("t") != NEVER)
    numbering = Numbering.of([places.drop("t"), whole.select("application_id"), t.select("t")])

    def build(beside: Path) -> None:
        builder = Builder(numbering, beside)
        builder.add_rows(whole)
        builder.finish()

    return (*stay, writing.file("last", build))
