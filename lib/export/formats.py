"""The formats that rows are taken away in: each one record. A further format is one entry and one writer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from lib.export.csv import gbk_parts, utf8_parts
from lib.export.tally import Tally
from lib.export.xlsx import workbook_parts

Parts = Callable[[Iterable[pl.DataFrame], Sequence[str], Tally], Generator[bytes]]


@dataclass(frozen=True)
class ExportFormat:
    """A format by its key; its words are `export.<key>`.

    `parts` turns frames of cells (lib.export.cells) and the words above their columns into the bytes of a file, as
    the frames come, and counts what it writes and what it could not keep.
    """

    key: str
    extension: str
    mime: str
    parts: Parts

    @property
    def words(self) -> str:
        """The catalogue key of its name."""
        return f"export.{self.key}"


XLSX = ExportFormat(
    "xlsx", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", workbook_parts
)
CSV = ExportFormat("csv", "csv", "text/csv; charset=utf-8", utf8_parts)
CSV_GBK = ExportFormat("csv-gbk", "csv", "text/csv; charset=gbk", gbk_parts)

FORMATS = (XLSX, CSV, CSV_GBK)
FORMAT_BY_KEY = {each.key: each for each in FORMATS}
