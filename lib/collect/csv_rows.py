"""The rows of a CSV file, of which each bad one is refused alone."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl

from lib.collect.fields import ROWS, Fields, framed
from lib.collect.files import LINE_BYTES, LINES, Advance, TextFile
from lib.collect.sources import is_filled

RECORD_LINES = 1000
"""How many lines a quoted field may go over; more, and its quote was never meant to be one."""

Line = tuple[int, str, str | None]
"""A row of files.LINES."""

_WIDTH = "{} columns where the header has {}"
_AGAIN = "the header once more"

csv.field_size_limit(LINE_BYTES)


class CsvRows:
    """The rows of a CSV file whose first line names the columns; the separator is a comma, semicolon or tab."""

    def __init__(self, path: Path, fields: Fields, advance: Advance) -> None:
        self._file = TextFile(path, advance)
        self._path = path
        self._fields = fields
        self._lines = _Lines(self._file)
        self._records = _Records(self._lines)
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
        places = {name: header.index(field) for name, field in found.items()}
        while header and (block := self._lines.rest_of_block()) is not None:
            if block["text"].str.contains(r'["\r]').any():
                self._lines.put_back(block)
                yield self._one_by_one(header, places)
            else:
                yield self._split(block, header, places)

    def _begun(self) -> tuple[list[str], dict[str, str]]:
        """The header and where the fields are; nothing of either where the file is empty or has no header."""
        first = self._records.peeked()
        if first is None:
            return [], {}
        self._records.separator = max(",;\t", key=first[1].count)
        _, _, reason, values = next(self._records)
        if reason:
            self._trouble = f"The first line of {self._path} names no columns ({reason}): nothing of it was imported"
            return [], {}
        header = [name.strip() for name in values]
        return header, self._fields.among(header, self._path)

    def _one_by_one(self, header: list[str], places: Mapping[str, int]) -> pl.DataFrame:
        """The records of a block, and those of the next ones until one ends where a record does."""
        rows: list[tuple[object, ...]] = []
        while not self._records.is_between_blocks and (record := next(self._records, None)):
            line, text, reason, values = record
            if not reason and len(values) != len(header):
                reason = _WIDTH.format(len(values), len(header))
            elif values == header:
                reason = _AGAIN
            rows.append((line, text, reason, *[None if reason else values[place] or None for place in places.values()]))
        return framed(rows, list(places))

    def _split(self, block: pl.DataFrame, header: list[str], places: Mapping[str, int]) -> pl.DataFrame:
        """The records of a block without quotes, each of which is a line: ten times as fast."""
        rows = block.filter(is_filled()).with_columns(values=pl.col("text").str.split(self._records.separator))
        width = pl.col("values").list.len()
        reason = pl.coalesce(
            "reason",
            pl.when(width != len(header)).then(pl.format(_WIDTH, width, pl.lit(str(len(header))))),
            pl.when(pl.col("values") == pl.lit(header)).then(pl.lit(_AGAIN)),
        )
        rows = rows.with_columns(reason=reason)
        is_good = pl.col("reason").is_null()
        values = [pl.col("values").list.get(place, null_on_oob=True).alias(name) for name, place in places.items()]
        return rows.select(*ROWS, *(pl.when(is_good & (value != "")).then(value) for value in values))


class _Lines:
    """The lines of a file one by one, or as what is left of a block."""

    def __init__(self, blocks: Iterable[pl.DataFrame]) -> None:
        self._blocks = iter(blocks)
        self._block = pl.DataFrame(schema=LINES)
        self._rows: Iterator[Line] = iter(())
        self._taken = 0

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left of the block."""
        return self._taken == self._block.height

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        while self.is_at_end:
            self.put_back(next(self._blocks))
        self._taken += 1
        return next(self._rows)

    def rest_of_block(self) -> pl.DataFrame | None:
        """What is left of the block, or the next one; null at the end of the file."""
        if self.is_at_end:
            return next(self._blocks, None)
        rest = self._block[self._taken :]
        self._taken = self._block.height
        return rest

    def put_back(self, block: pl.DataFrame) -> None:
        """Let the lines of a block come next."""
        self._block, self._rows, self._taken = block, block.iter_rows(), 0


class _Records:
    """The records in lines, each with its first line's number, its text, why it is none, and its values."""

    def __init__(self, lines: _Lines) -> None:
        self.separator = ","
        self._lines = lines
        self._ahead: deque[Line] = deque()
        self._taken: list[Line] = []
        self._reader: Iterator[list[str]] | None = None

    @property
    def is_between_blocks(self) -> bool:
        """Whether the next record begins with the next block."""
        return self._lines.is_at_end and not self._ahead

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
