"""A workbook as a stream: sheets that are compressed while they are made, and what tells a reader of them, last."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import polars as pl

from lib.export.tally import Tally
from lib.export.xlsx import markup
from lib.export.xlsx.rows import fitting, rows_xml

ROWS_A_SHEET = 1_048_576
"""Excel's limit; the headings take one of them."""

_MOST_BYTES_A_SHEET = 1_900_000_000
"""A part of a ZIP file without extensions that some readers lack is below 2 GiB."""


def workbook_parts(
    rows: Iterable[pl.DataFrame], headings: Sequence[str], tally: Tally, rows_a_sheet: int = ROWS_A_SHEET
) -> Generator[bytes]:
    """The cells as a workbook, the headings of each sheet in a bold row that stays in sight.

    Text is stored as text, which a spreadsheet does not run whatever it begins with, so it stands unchanged but for
    what a cell cannot hold: a control character becomes � and is counted, a line ends by a line feed, and text over
    LONGEST_TEXT is cut, ends by CUT_MARK and is counted. A whole number of 16 digits or more is text, or Excel would
    round it.
    """
    book = _Workbook(headings, tally, rows_a_sheet)
    try:
        for some in rows:
            book.add(some)
            yield book.taken()
        book.finish()
        yield book.taken()
    finally:
        book.close()


class _Sink:
    """What a ZIP file is written to and taken from; it cannot seek, so sizes stand behind each part."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits."""

    def taken(self) -> bytes:
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole


class _Workbook:
    def __init__(self, headings: Sequence[str], tally: Tally, rows_a_sheet: int) -> None:
        self._headings = _cells_of(headings, tally)
        self._tally = tally
        self._rows_a_sheet = rows_a_sheet
        self._sink = _Sink()
        # The fastest level: the next ones take up to three times as long for a file that is a fifth smaller.
        self._zip = ZipFile(self._sink, "w", ZIP_DEFLATED, compresslevel=1)  # type: ignore[call-overload]
        self._sheet: IO[bytes] | None = None
        self._sheets = self._row = self._bytes = 0
        self._part("_rels/.rels", markup.ROOT_RELATIONS)
        self._part("xl/styles.xml", markup.STYLES)

    def add(self, rows: pl.DataFrame) -> None:
        while not rows.is_empty():
            if self._sheet is None or self._row > self._rows_a_sheet or self._bytes > _MOST_BYTES_A_SHEET:
                self._begin_sheet(rows)
            fits = rows.head(self._rows_a_sheet + 1 - self._row)
            self._write(rows_xml(fitting(fits, self._tally), self._row))
            self._row += len(fits)
            self._tally.rows += len(fits)
            rows = rows.slice(len(fits))

    def finish(self) -> None:
        if self._sheet is None:
            self._begin_sheet(pl.DataFrame())
        self._end_sheet()
        self._part("xl/workbook.xml", markup.workbook(self._sheets))
        self._part("xl/_rels/workbook.xml.rels", markup.relations(self._sheets))
        self._part("[Content_Types].xml", markup.content_types(self._sheets))
        self._zip.close()

    def taken(self) -> bytes:
        return self._sink.taken()

    def close(self) -> None:
        """Also of a workbook that is broken off; what the ZIP file writes at its end goes nowhere."""
        if self._sheet is not None:
            self._sheet.close()
        self._zip.close()

    def _begin_sheet(self, rows: pl.DataFrame) -> None:
        self._end_sheet()
        self._sheets += 1
        self._sheet = self._zip.open(_info(f"xl/worksheets/sheet{self._sheets}.xml"), "w")
        self._row, self._bytes = 1, 0
        self._write(markup.sheet_head(markup.widths(self._headings, rows)).encode())
        self._write(rows_xml(self._headings, 1, style=markup.BOLD))
        self._row = 2

    def _end_sheet(self) -> None:
        if self._sheet is not None:
            self._write(markup.SHEET_END.encode())
            self._sheet.close()
            self._sheet = None

    def _write(self, xml: bytes) -> None:
        if self._sheet is not None:
            self._bytes += len(xml)
            self._sheet.write(xml)

    def _part(self, name: str, xml: str) -> None:
        self._zip.writestr(_info(name), xml)


def _cells_of(headings: Sequence[str], tally: Tally) -> pl.DataFrame:
    """The headings as a row of cells."""
    named = {str(number): [words] for number, words in enumerate(headings)}
    return fitting(pl.DataFrame(named, dict.fromkeys(named, pl.String)), tally)


def _info(name: str) -> ZipInfo:
    # A fixed date: the same rows give the same bytes.
    info = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = ZIP_DEFLATED
    return info
