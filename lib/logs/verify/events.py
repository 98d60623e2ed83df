"""Finding what came twice from the same source under the same id, among any number of records, in little memory."""

from __future__ import annotations

import tempfile
from types import TracebackType
from typing import Self

import numpy as np

_AT_ONCE = 1 << 20


class EventPairs:
    """(64 bits of source and event id, id of the record), kept in a temporary file."""

    def __enter__(self) -> Self:
        self._file = tempfile.TemporaryFile()
        self._count = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, pairs: np.ndarray) -> None:
        """Take up pairs, one a row."""
        self._file.write(pairs.astype("<i8").tobytes())
        self._count += len(pairs)

    def doubled(self) -> list[tuple[int, int]]:
        """(id, id) of records that are the same event."""
        parts = -(-self._count // (2 * _AT_ONCE))
        return [pair for part in range(parts) for pair in _doubled(self._part(part, parts))]

    def _part(self, part: int, parts: int) -> np.ndarray:
        self._file.seek(0)
        kept = []
        while some := self._file.read(16 * _AT_ONCE):
            pairs = np.frombuffer(some, "<i8").reshape(-1, 2)
            kept.append(pairs[pairs[:, 0] % parts == part])
        return np.concatenate(kept)


def _doubled(pairs: np.ndarray) -> list[tuple[int, int]]:
    ordered = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    again = np.flatnonzero(ordered[1:, 0] == ordered[:-1, 0])
    return [(int(ordered[at, 1]), int(ordered[at + 1, 1])) for at in again]
