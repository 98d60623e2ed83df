"""How many errors and warnings stand in the logs, by half hour: counted once, then only what was added.

Only parts of a file that can hold one are looked at (lib.logs.files.slices), and no more than so much of each type, so
that a day of a busy system costs a second once and then nearly nothing.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from lib.errors import NotFound
from lib.logs.files.entries import Entry, entries_of
from lib.logs.files.folder import LogFile, listing, opened
from lib.logs.files.ranges import narrowed
from lib.logs.files.shapes import Reader, hint
from lib.logs.files.slices import windows_back
from lib.logs.files.sources import source_of
from lib.logs.files.types import LOG_TYPES, Level

BUCKET = timedelta(minutes=30)
MOST_BYTES = 256 << 20
"""Of one type that are looked through; what was written before that is not counted."""

COUNTED = (Level.ERROR, Level.WARN)
SLOW_MS = 2_000

COUNTS = {"log_type": pl.String(), "bucket_at": pl.Datetime("us", "UTC"), "level": pl.String(), "entries": pl.Int64()}

_REQUEST = re.compile(rb'" (\d{3}) (?:\d+|-) (\d{1,9})ms')

Counts = Counter[tuple[datetime, Level]]


@dataclass
class _Known:
    """What is counted of one file: up to which byte, since when."""

    until: int = 0
    counts: Counts = field(default_factory=Counter)
    slow: Counter[datetime] = field(default_factory=Counter)


@dataclass(frozen=True)
class Tally:
    """Errors and warnings: COUNTS, and requests slower than SLOW_MS in the same period.

    `since_by_type` says of a type from when on it is counted, where that is later than was asked.
    """

    counts: pl.DataFrame
    slow_requests: int


_known: OrderedDict[tuple[int, int], _Known] = OrderedDict()
_lock = threading.Lock()
_MOST_KNOWN = 200


def tally(folder: Path, since: datetime, now: datetime | None = None) -> Tally:
    """Count the entries at ERROR and WARN that were written from `since` on. Raises Unavailable."""
    rows: list[tuple[str, datetime, str, int]] = []
    slow = 0
    for log_type in LOG_TYPES:
        counts: Counts = Counter()
        left = MOST_BYTES
        for file in listing(folder, log_type):
            if file.written_at < since or left <= 0:
                break
            with _lock:
                left -= _count(folder, file, since, left, now or datetime.now(UTC))
                known = _known[file.inode]
            counts.update(known.counts)
            slow += sum(number for at, number in known.slow.items() if at + BUCKET > since)
        in_time = ((at, level, number) for (at, level), number in counts.items() if at + BUCKET > since)
        rows += [(log_type.key, at, level.value, number) for at, level, number in in_time]
    frame = pl.DataFrame(rows, schema=COUNTS, orient="row")
    return Tally(frame.sort("bucket_at", "log_type", "level"), slow)


def _count(folder: Path, file: LogFile, since: datetime, most_bytes: int, now: datetime) -> int:
    """Count what was added to a file; returns how many bytes were looked through."""
    known = _known.setdefault(file.inode, _Known())
    _known.move_to_end(file.inode)
    while len(_known) > _MOST_KNOWN:
        _known.popitem(last=False)
    try:
        with opened(folder, file) as descriptor, source_of(file, descriptor) as source:
            if source.size_bytes < known.until:  # it was emptied
                known.until, known.counts, known.slow = 0, Counter(), Counter()
            end = source.size_bytes
            end = end if file.closed_on else _whole_lines(source.read(max(0, end - (1 << 20)), end), end)
            start = max(known.until, narrowed(source, since, None, now)[0] if not known.until else 0, end - most_bytes)
            if end <= start:
                return 0
            reader = Reader()
            for window in windows_back(source, start, end, reader):
                for first, last in window.matching(hint(COUNTED)):
                    entries = entries_of(bytes(window.buffer[first:last]), window.offset + first, reader, now)
                    _add(known, entries, file)
            known.until = end
            return end - start
    except NotFound:
        return 0


def _whole_lines(end_of_file: bytes, size: int) -> int:
    """Where the last whole line ends: one that is being written is counted once it is whole."""
    return size - (len(end_of_file) - end_of_file.rfind(b"\n") - 1)


def _add(known: _Known, entries: Sequence[Entry], file: LogFile) -> None:
    for entry in entries:
        if entry.level in COUNTED:
            at = _bucket(entry.at or file.written_at)
            known.counts[at, entry.level] += 1
            request = _REQUEST.search(entry.raw) if file.log_type.key == "access_log" else None
            if request is not None and int(request[2]) >= SLOW_MS:
                known.slow[at] += 1


def _bucket(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
