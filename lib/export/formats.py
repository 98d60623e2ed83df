"""The formats that rows are taken away in: each one record. A further format is one entry and one writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from lib.export.csv import to_csv
from lib.export.xlsx import to_xlsx


@dataclass(frozen=True)
class ExportFormat:
    """A format by its key; its words are `export.<key>`. `write` takes rows and headings by column."""

    key: str
    extension: str
    mime: str
    write: Callable[[pl.DataFrame, Mapping[str, str]], bytes]

    @property
    def words(self) -> str:
        """The catalogue key of its name."""
        return f"export.{self.key}"


CSV = ExportFormat("csv", "csv", "text/csv", to_csv)
XLSX = ExportFormat(
    "xlsx", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", to_xlsx
)

FORMATS = (CSV, XLSX)


def file_name(kind: str, first: date, last: date, written_as: ExportFormat) -> str:
    """A name of what it holds and of which days, without characters that a file system refuses."""
    dates = f"{first:%Y-%m-%d}" if first == last else f"{first:%Y-%m-%d}_{last:%Y-%m-%d}"
    readable = "".join(" " if sign in '/\\:*?"<>|' or not sign.isprintable() else sign for sign in kind)
    return f"{'-'.join(readable.split())}_{dates}.{written_as.extension}"
