"""Which part of a log file a period can be in, by bisecting its times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from lib.logs.files.entries import LONGEST_LINE, lines_of
from lib.logs.files.shapes import Reader
from lib.logs.files.sources import Source

_PROBE = 1 << 16
_SLACK = 1 << 20
"""Several processes write one file, so lines near each other may be out of order."""


def narrowed(source: Source, since: datetime | None, until: datetime | None, read_at: datetime) -> tuple[int, int]:
    """The bytes between which every entry of the period stands, as far as the file is in the order of its times."""
    size = source.size_bytes
    if since is None and until is None:
        return 0, size
    reader = Reader()

    def time_at(offset: int) -> datetime | None:
        return _time_after(source, offset, reader, read_at)

    # Where a stretch has no times, both ends move outwards.
    start = 0 if since is None else _bisected(size, lambda at: at is not None and at < since, time_at)
    end = size if until is None else _bisected(size, lambda at: at is None or at < until, time_at)
    start, end = max(0, start - _SLACK), min(size, max(start, end) + _SLACK)
    return _line_start(source, start), _line_start(source, end) if end < size else size


def _bisected(
    size: int, is_before: Callable[[datetime | None], bool], time_at: Callable[[int], datetime | None]
) -> int:
    """The first place, to the probe, whose time is not before."""
    low, high = 0, size
    while high - low > _PROBE:
        middle = (low + high) // 2
        if is_before(time_at(middle)):
            low = middle
        else:
            high = middle
    return low


def _time_after(source: Source, offset: int, reader: Reader, read_at: datetime) -> datetime | None:
    block = source.read(offset, offset + _PROBE)
    for start, end in lines_of(block):
        head = reader.head(block, start, end) if start else None
        at = head.instant(read_at) if head else None
        if at is not None:
            return at
    return None


def _line_start(source: Source, offset: int) -> int:
    """The beginning of the line that a place is in."""
    if offset == 0:
        return 0
    before = source.read(max(0, offset - LONGEST_LINE), offset)
    return max(0, offset - LONGEST_LINE) + before.rfind(b"\n") + 1
