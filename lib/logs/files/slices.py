"""Windows of a log file, and where in them a text can be: Polars says so at several GB/s, without splitting lines."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from mmap import mmap

import numpy as np
import polars as pl
import pyarrow as pa

from lib.logs.files.entries import LONGEST_LINE, first_head
from lib.logs.files.shapes import Reader
from lib.logs.files.sources import Source

FIRST_WINDOW = 1 << 18
_SIZES = (1 << 23, 1 << 18, 1 << 13)
"""Of the slices that a window is cut into, of those that a slice with a hit is, and so on."""

_AT_ONCE = min(4, os.cpu_count() or 1)
"""Parts of a window that are looked at by threads of their own."""

_WORTH_THREADS = 1 << 24

_TAIL_SLICE = 1 << 15

LONGEST_ENTRY = 1 << 16
"""A longer one may come in parts of whole lines, of which all but the first have no level."""

Slices = list[tuple[int, int]]
Buffer = bytes | bytearray | mmap


@dataclass(frozen=True)
class Window:
    """A part of a file that holds whole entries: [first, until) of a buffer that the next window may overwrite.

    `offset` is where in the file the buffer begins.
    """

    buffer: Buffer
    first: int
    until: int
    offset: int
    reader: Reader

    @property
    def start(self) -> int:
        """Where in the file the window begins."""
        return self.offset + self.first

    def slices(self) -> Slices:
        """All of it, in parts of whole entries."""
        return self._cut(self.first, self.until, _TAIL_SLICE)

    def holding(self, text: str, *, match_case: bool) -> Slices:
        """The parts that hold a text."""
        if match_case:
            return self._kept(lambda parts: parts.bin.contains(text.encode()))
        return self.matching("(?i)" + re.escape(text))

    def matching(self, pattern: str) -> Slices:
        """The parts in which a pattern matches, and those that are no UTF-8."""
        return self._kept(lambda parts: _text(parts).str.contains(pattern).fill_null(value=True))

    def _kept(self, holds: Callable[[pl.Series], pl.Series]) -> Slices:
        held = [(self.first, self.until)]
        for size in _SIZES:
            held = self._held([small for large in held for small in self._cut(*large, size)], holds)
        return held

    def _held(self, slices: Slices, holds: Callable[[pl.Series], pl.Series]) -> Slices:
        if len(slices) < 2 * _AT_ONCE or slices[-1][1] - slices[0][0] < _WORTH_THREADS:
            return self._held_of(slices, holds)
        share = -(-len(slices) // _AT_ONCE)
        shares = [slices[first : first + share] for first in range(0, len(slices), share)]
        with ThreadPoolExecutor(_AT_ONCE, "log search") as threads:
            return [each for held in threads.map(lambda part: self._held_of(part, holds), shares) for each in held]

    def _held_of(self, slices: Slices, holds: Callable[[pl.Series], pl.Series]) -> Slices:
        if not slices:
            return []
        # A column over the bytes where they are; every second row of it is what lies between two slices.
        # And one row more, as Polars compares a single row with the text in a slower way.
        bounds = np.array([*slices, (slices[-1][1],) * 2], dtype=np.int64).ravel()
        buffers = [None, pa.py_buffer(bounds), pa.py_buffer(self.buffer)]
        column = pa.Array.from_buffers(pa.large_binary(), len(bounds) - 1, buffers)
        parts = pl.Series("parts", column).gather_every(2)
        return [slices[number] for number in holds(parts).arg_true()]

    def _cut(self, first: int, until: int, size: int) -> Slices:
        cuts = [first]
        while until - cuts[-1] > 2 * size:
            cuts.append(_entry_start(self.buffer, cuts[-1] + size, until, self.reader) or until)
        return [(start, end) for start, end in zip(cuts, [*cuts[1:], until], strict=True) if end > start]


def windows_back(source: Source, start: int, end: int, reader: Reader) -> Iterator[Window]:
    """The windows of [start, end) from its end; the first ones are small, as they may be enough."""
    size = FIRST_WINDOW
    while end > start:
        wanted = max(start, end - size)
        view = source.view(wanted, end)
        first = wanted - view.offset
        if wanted > start:
            found = _entry_start(view.buffer, first, view.end, reader)
            if found is None and size < 2 * LONGEST_LINE:
                size *= 4  # a long line or a long stack trace, which a larger window may hold whole
                continue
            first = first if found is None else found
        if view.end > first:
            yield Window(view.buffer, first, view.end, view.offset, reader)
        end = view.offset + first
        size = max(FIRST_WINDOW, min(size * 4, source.window_bytes))


def _entry_start(buffer: Buffer, start: int, until: int, reader: Reader) -> int | None:
    """Where after a place an entry begins; where none does for LONGEST_ENTRY, a line, and in one endless line a piece.

    None where it cannot be told before `until`.
    """
    line = buffer.find(b"\n", start, min(start + LONGEST_LINE, until)) + 1
    if line == 0:
        return start + LONGEST_LINE if start + LONGEST_LINE < until else None
    for near in (1 << 12, LONGEST_ENTRY):
        head = first_head(bytes(buffer[line : min(line + near, until)]), reader, near) if line < until else None
        if head is not None:
            return line + head
    return line if line + LONGEST_ENTRY < until else None


def _text(parts: pl.Series) -> pl.Series:
    try:
        return parts.cast(pl.String)
    except pl.exceptions.ComputeError:  # some part is no UTF-8: that one shall be null
        return pl.Series("parts", [_decoded(part) for part in parts], dtype=pl.String)


def _decoded(part: bytes) -> str | None:
    try:
        return part.decode()
    except UnicodeDecodeError:
        return None
