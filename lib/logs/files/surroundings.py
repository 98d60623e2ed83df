"""The lines around an entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lib.logs.files.entries import Entry, entries_of
from lib.logs.files.shapes import Reader
from lib.logs.files.sources import Source

MOST_CONTEXT = 50
_READ = 1 << 16


def with_context(
    source: Source, entries: Sequence[Entry], lines: int, reader: Reader, read_at: datetime
) -> list[Entry]:
    """The entries, in order, with up to so many lines before and after each, told apart by `is_context`; none twice."""
    lines = min(lines, MOST_CONTEXT)
    shown: list[Entry] = []
    for place, entry in enumerate(entries):
        after_last = shown[-1].until if shown else 0
        start = max(after_last, _back(source, entry.start, lines))
        shown += _context(source, start, entry.start, reader, read_at)
        shown.append(entry)
        before_next = entries[place + 1].start if place + 1 < len(entries) else source.size_bytes
        end = min(before_next, _forward(source, entry.until, lines))
        shown += _context(source, entry.until, end, reader, read_at)
    return shown


def _context(source: Source, start: int, end: int, reader: Reader, read_at: datetime) -> list[Entry]:
    if end <= start:
        return []
    found = entries_of(source.read(start, end), start, reader, read_at)
    return [entry._replace(is_context=True) for entry in found]


def _back(source: Source, offset: int, lines: int) -> int:
    first = max(0, offset - _READ)
    block = source.read(first, offset)
    place = len(block)
    for _ in range(lines):
        if place <= 0:
            break
        place = block.rfind(b"\n", 0, place - 1) + 1
    return first + max(place, 0)


def _forward(source: Source, offset: int, lines: int) -> int:
    block = source.read(offset, offset + _READ)
    place = 0
    for _ in range(lines):
        end = block.find(b"\n", place)
        if end < 0:
            return offset + len(block)
        place = end + 1
    return offset + place
