"""The rows of a CSV file, of which each bad one is refused alone."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from lib.collect.fields import Fields, framed
from lib.collect.files import LINE_BYTES, Advance, TextFile

CHUNK_ROWS = 100_000

RECORD_LINES = 1000
"""How many lines a quoted field may go over; more, and its quote was never meant to be one."""

Line = tuple[int, str, str | None]
"""A row of files.LINES."""

csv.field_size_limit(LINE_BYTES)


class CsvRows:
    """The rows of a CSV file whose first line names the columns; the separator is a comma, semicolon or tab."""

    def __init__(self, path: Path, fields: Fields, advance: Advance) -> None:
        self._file = TextFile(path, advance)
        self._path = path
        self._fields = fields
        self._records = _Records(line for block in self._file for line in block.iter_rows())
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """What was wrong with the file as a whole."""
        return self._trouble or self._file.trouble

    def check(self) -> None:
        """Raise BadInput where the header lacks a column."""
        CsvRows(self._path, self._fields, lambda _count: None)._begun()

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Frames of ROWS and of the fields."""
        header, found = self._begun()
        places = [header.index(field) for field in found.values()]
        rows: list[tuple[object, ...]] = []
        for line, text, reason, values in self._records:
            if not reason and len(values) != len(header):
                reason = f"{len(values)} columns where the header has {len(header)}"
            elif values == header:
                reason = "the header once more"
            rows.append((line, text, reason, *[None if reason else values[place] or None for place in places]))
            if len(rows) == CHUNK_ROWS:
                yield framed(rows, list(found))
                rows = []
        yield framed(rows, list(found))

    def _begun(self) -> tuple[list[str], dict[str, str]]:
        """The header and where the fields are; nothing of either where the file is empty or has no header."""
        first = self._records.peeked()
        if first is None:
            return [], {}
        self._records.separator = max(",;\t", key=first[1].count)
        _, _, reason, values = next(self._records)
        if reason:
            self._trouble = f"The first line of {self._path} names no columns ({reason}): nothing of it was imported"
            self._records = _Records(iter(()))
            return [], {}
        header = [name.strip() for name in values]
        return header, self._fields.among(header, self._path)


class _Records:
    """The records in lines, each with its first line's number, its text, why it is none, and its values."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self.separator = ","
        self._lines = lines
        self._ahead: deque[Line] = deque()
        self._taken: list[Line] = []
        self._reader: Iterator[list[str]] | None = None

    def peeked(self) -> Line | None:
        """The line with which the next record begins."""
        while not self._ahead and (line := next(self._lines, None)):
            if line[1].strip():
                self._ahead.append(line)
        return self._ahead[0] if self._ahead else None

    def __iter__(self) -> Iterator[tuple[int, str, str | None, list[str]]]:
        return self

    def __next__(self) -> tuple[int, str, str | None, list[str]]:
        first = self.peeked()
        if first is None:
            raise StopIteration
        number, text, reason = first
        if reason:
            self._ahead.popleft()
            return number, text, reason, []
        self._taken = []
        if self._reader is None:
            self._reader = csv.reader(self._fed(), delimiter=self.separator, strict=True)
        try:
            values = next(self._reader)
        except csv.Error as error:
            self._reader = None
            if len(self._taken) > 1 or "unexpected end of data" in str(error):
                # The quote took lines that may be records of their own.
                self._ahead.extendleft(reversed(self._taken[1:]))
                return number, text, "a quote is not closed", []
            return number, self._text(), f"not CSV: {error}", []
        return number, self._text(), None, values

    def _text(self) -> str:
        return self._taken[0][1] if len(self._taken) == 1 else "\n".join(line[1] for line in self._taken)

    def _fed(self) -> Iterator[str]:
        """Lines for the reader; they end where no record can go on."""
        size = 0
        while line := self._ahead.popleft() if self._ahead else next(self._lines, None):
            size = size + len(line[1]) if self._taken else 0
            if line[2] or size > LINE_BYTES or len(self._taken) >= RECORD_LINES:
                self._ahead.appendleft(line)
                return
            self._taken.append(line)
            yield line[1] + "\n"
