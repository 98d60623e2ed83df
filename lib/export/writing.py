"""An export under way: frames go in, the bytes of a file come out, and what was written can be told of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass

import polars as pl

from lib.export.cells import cells
from lib.export.formats import ExportFormat
from lib.export.tally import Tally

ROWS_AT_ONCE = 20_000
BYTES_AT_ONCE = 16_000_000
"""How much of a frame is worked on at a time, so that memory does not grow with a frame's size."""


@dataclass(frozen=True)
class Manifest:
    """What a file is known by again: its name and format, how many rows it has and what was lost on the way to it.

    `replaced` characters have a mark in their place, `cut` texts end before their end; of a file that was broken off
    `rows` were written, and size and hash are those of the part that left.
    """

    file_name: str
    format: str
    rows: int
    size_bytes: int
    sha256: str
    replaced: int = 0
    cut: int = 0

    def recorded(self) -> dict[str, object]:
        """The manifest as the operation log keeps it."""
        return {key: value for key, value in asdict(self).items() if key != "file_name"}


class Writing:
    """Iterate it, once, for the bytes of the file; closing that iterator closes the rows."""

    def __init__(
        self,
        rows: Iterable[pl.DataFrame],
        headings: Mapping[str, str],
        written_as: ExportFormat,
        zone: str | None = None,
        on_rows: Callable[[int], object] | None = None,
    ) -> None:
        """`headings` has the words above each column, by its name in the frames; other columns stay behind. Instants
        are told in the zone (None: in their own). `on_rows` is told how many rows have been written."""
        self._rows = _delegated(rows)
        self._headings = headings
        self._format = written_as
        self._zone = zone
        self._on_rows = on_rows
        self._tally = Tally()
        self._hash = hashlib.sha256()
        self._size = 0

    def __iter__(self) -> Generator[bytes]:
        parts = self._format.parts(self._cells(), list(self._headings.values()), self._tally)
        with closing(self._rows), closing(parts):
            for part in parts:
                if part:
                    self._hash.update(part)
                    self._size += len(part)
                    yield part

    def manifest(self, file_name: str) -> Manifest:
        """What has been written by now."""
        tally = self._tally
        digest = self._hash.hexdigest()
        return Manifest(file_name, self._format.key, tally.rows, self._size, digest, tally.replaced, tally.cut)

    def _cells(self) -> Iterator[pl.DataFrame]:
        places = {key: str(place) for place, key in enumerate(self._headings)}
        for frame in self._rows:
            # By places from here on: a column's name may be anything, and stand twice.
            for some in pieces(frame.select(places.keys()).rename(places)):
                yield cells(some, self._zone)
                if self._on_rows is not None:
                    self._on_rows(self._tally.rows)


def _delegated(rows: Iterable[pl.DataFrame]) -> Generator[pl.DataFrame]:
    """The rows as a generator: closing it closes theirs."""
    yield from rows


def pieces(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The frame in slices of at most ROWS_AT_ONCE rows and about BYTES_AT_ONCE bytes; none for a frame without rows."""
    size = max(int(frame.estimated_size()), 1)
    step = max(1, min(ROWS_AT_ONCE, len(frame) * BYTES_AT_ONCE // size))
    return (frame.slice(first, step) for first in range(0, len(frame), step))
