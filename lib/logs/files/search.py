"""Finding entries in log files, newest first, without reading more than is needed or keeping more than a window.

A window of a file is cut into slices that end where an entry does. Of those, Polars says at several GB/s which can hold
what is looked for; only they are split into entries and looked at one by one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lib.errors import NotFound
from lib.logs.files.entries import Entry, entries_of
from lib.logs.files.folder import LogFile, opened
from lib.logs.files.ranges import narrowed
from lib.logs.files.shapes import Reader, hint
from lib.logs.files.slices import Window, windows_back
from lib.logs.files.sources import Source, source_of
from lib.logs.files.surroundings import with_context
from lib.logs.files.types import Level

LONGEST_KEYWORD = 200

_CLOCKS_APART = timedelta(days=1)
"""How far the time of a file and those in it may be apart, as lines without an offset are of any zone."""


@dataclass(frozen=True)
class Asked:
    """What is looked for; nothing narrows nothing. The period is [since, until)."""

    levels: frozenset[Level] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    keyword: str = ""
    match_case: bool = False
    context: int = 0

    @property
    def is_anything(self) -> bool:
        """Whether no entry is left out."""
        return not (self.levels or self.keyword or self.since or self.until)

    def finds(self, entry: Entry) -> bool:
        """Whether an entry is one of those."""
        if self.levels and entry.level not in self.levels:
            return False
        if self.keyword and not keyword_pattern(self.keyword, self.match_case).search(entry.raw):
            return False
        if self.since is None and self.until is None:
            return True
        at = entry.at
        return at is not None and (self.since is None or self.since <= at) and (self.until is None or at < self.until)



@cache
def keyword_pattern(keyword: str, match_case: bool) -> re.Pattern[bytes]:
    """What finds the keyword in bytes; without the case of letters also of those that are not Latin."""
    if match_case:
        return re.compile(re.escape(keyword.encode()))
    either = "".join(_cases(letter) for letter in keyword)
    return re.compile(either.encode())


def _cases(letter: str) -> str:
    forms = {letter, letter.lower(), letter.upper()}
    return "(?:" + "|".join(re.escape(form) for form in sorted(forms)) + ")" if len(forms) > 1 else re.escape(letter)


@dataclass(frozen=True)
class Place:
    """Where to go on: what stands before `offset` in the file of this key, then in older files."""

    key: str
    offset: int


class Found(NamedTuple):
    """An entry, and the file that it stands in."""

    file: str
    entry: Entry


@dataclass(frozen=True)
class Page:
    """Entries, oldest first as a log reads; `older` is where the next page begins, None at the beginning of all.

    `is_unfinished`: time was up before the page was full. `searched_bytes` were looked through; `damaged` names files
    that end before they should.
    """

    found: tuple[Found, ...]
    older: Place | None
    searched_bytes: int
    is_unfinished: bool
    damaged: tuple[str, ...] = ()


@dataclass
class _Search:
    asked: Asked
    limit: int
    deadline: float
    progress: Callable[[int], object]
    found: list[Found] = field(default_factory=list)
    searched_bytes: int = 0
    damaged: list[str] = field(default_factory=list)

    def page(self, older: Place | None, *, is_unfinished: bool = False) -> Page:
        return Page(tuple(reversed(self.found)), older, self.searched_bytes, is_unfinished, tuple(self.damaged))


def newest(
    folder: Path,
    files: Sequence[LogFile],
    asked: Asked,
    *,
    before: Place | None = None,
    limit: int = 200,
    seconds: float = 10.0,
    progress: Callable[[int], object] = lambda _bytes: None,
) -> Page:
    """The newest entries that are asked for, in files given newest first, before a place if one is given.

    It stops at `limit` entries, or when `seconds` are over. `progress` is told how many bytes were looked through.
    """
    search = _Search(asked, limit, time.monotonic() + seconds, progress)
    for file, until in _from(files, before):
        if asked.since and file.written_at < asked.since - _CLOCKS_APART:
            continue
        try:
            with opened(folder, file) as descriptor:
                with source_of(file, descriptor) as source:
                    stopped_at = _search_file(search, file, source, until)
                if source.is_damaged:
                    search.damaged.append(file.key)
        except NotFound:  # removed or rotated meanwhile
            continue
        if stopped_at is not None:
            offset, is_full = stopped_at
            return search.page(Place(file.key, offset), is_unfinished=not is_full)
    return search.page(None)


def _from(files: Sequence[LogFile], before: Place | None) -> Iterator[tuple[LogFile, int | None]]:
    keys = [file.key for file in files]
    start = keys.index(before.key) if before and before.key in keys else 0
    for place, file in enumerate(files[start:]):
        yield file, before.offset if before and place == 0 and file.key == before.key else None


def _search_file(search: _Search, file: LogFile, source: Source, until: int | None) -> tuple[int, bool] | None:
    """Search a file from its end; where it stopped and whether that is as the page is full, or None at its
    beginning."""
    asked, reader, anything = search.asked, Reader(), search.asked.is_anything
    read_at = min(datetime.now(UTC), file.written_at)
    start, end = narrowed(source, asked.since, asked.until, read_at)
    end = end if until is None else min(end, until)
    for window in windows_back(source, start, end, reader):
        for first, last in reversed(_candidates(window, asked)):
            entries = entries_of(bytes(window.buffer[first:last]), window.offset + first, reader, read_at)
            for entry in reversed(entries):
                if anything or asked.finds(entry):
                    search.found.append(Found(file.key, entry))
                    if len(search.found) == search.limit:
                        _surround(search, file, source, reader, read_at)
                        return entry.start, True
        search.searched_bytes += window.until - window.first
        search.progress(search.searched_bytes)
        if time.monotonic() > search.deadline and window.start > start:
            _surround(search, file, source, reader, read_at)
            return window.start, False
    _surround(search, file, source, reader, read_at)
    return None


def _candidates(window: Window, asked: Asked) -> Sequence[tuple[int, int]]:
    if asked.keyword:
        return window.holding(asked.keyword, match_case=asked.match_case)
    pattern = hint(asked.levels)
    return window.matching(pattern) if pattern else window.slices()


def _surround(search: _Search, file: LogFile, source: Source, reader: Reader, read_at: datetime) -> None:
    """Put the lines around what was found in this file around it."""
    if search.asked.context:
        here = [each.entry for each in reversed(search.found) if each.file == file.key]
        others = [each for each in search.found if each.file != file.key]
        around = with_context(source, here, search.asked.context, reader, read_at)
        search.found = [*others, *(Found(file.key, entry) for entry in reversed(around))]
