"""Cells of parts of the users on their way to one table: kept on disk as they come, then added up a range at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lib.usage.chaining import Cells, Layout, added
from lib.usage.packing import Numbers
from lib.usage.seen import let_go

_SAMPLED = 500
"""How many keys of each part tell where all are cut."""


class Heap:
    """The cells of one scope, whose keys are all of one layout."""

    layout: Layout

    def __init__(self, folder: Path) -> None:
        """`folder` is made, for this heap's files alone."""
        folder.mkdir()
        self._keys, self._counts = folder / "keys", folder / "n"
        self._ends = [0]
        self._samples: list[Numbers] = [np.zeros(0, np.uint64)]

    def add(self, cells: Cells, layout: Layout) -> None:
        """More cells, in the order of their keys."""
        self.layout = layout
        for place, column in ((self._keys, cells.keys), (self._counts, cells.n.astype(np.uint32))):
            with place.open("ab") as file:
                column.tofile(file)
        self._ends.append(self._ends[-1] + len(cells.keys))
        self._samples.append(cells.keys[:: max(1, len(cells.keys) // _SAMPLED)].copy())

    def added(self, part_rows: int) -> Iterator[Cells]:
        """The cells with those of equal keys added up, in order, about so many rows at a time."""
        if not self._ends[-1]:
            return
        parts, sample = max(1, self._ends[-1] // part_rows), np.sort(np.concatenate(self._samples))
        cuts = [sample[len(sample) * part // parts] for part in range(1, parts)]
        bounds = [self._cut(first, end, cuts) for first, end in zip(self._ends, self._ends[1:], strict=False)]
        for part in range(parts):
            inside = [(each[part], each[part + 1]) for each in bounds]
            cells = added(
                [Cells(self._read(self._keys, "<u8", *each), self._read(self._counts, "<u4", *each)) for each in inside]
            )
            if len(cells.keys):
                yield cells

    def _cut(self, first: int, end: int, cuts: list[Numbers]) -> list[int]:
        if first == end:
            return [first] * (len(cuts) + 2)
        keys = np.memmap(self._keys, "<u8", "r", offset=8 * first, shape=(end - first,))
        found = [first, *(first + np.searchsorted(keys, cuts)), end]
        let_go(keys)
        return found

    def _read(self, place: Path, dtype: str, first: int, end: int) -> Numbers:
        each = np.dtype(dtype)
        return np.fromfile(place, each, int(end - first), offset=int(first) * each.itemsize)
