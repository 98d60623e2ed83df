"""Files that exports made, read back by others: csv of the standard library, openpyxl, calamine."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping
from typing import Any

import openpyxl
import polars as pl
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

from lib.export.formats import ExportFormat
from lib.export.writing import Manifest, Writing


def export(
    rows: pl.DataFrame, written_as: ExportFormat, headings: Mapping[str, str] | None = None, zone: str | None = None
) -> tuple[bytes, Manifest]:
    """The file of a frame, under the names of its columns where no headings are given, and its manifest."""
    writing = Writing([rows], headings or {name: name for name in rows.columns}, written_as, zone)
    return b"".join(writing), writing.manifest("file")


def csv_rows(file: bytes, encoding: str = "utf-8") -> list[list[str]]:
    """The rows of a CSV, headings first; in UTF-8 it begins with its mark."""
    if encoding == "utf-8":
        assert file.startswith(codecs.BOM_UTF8)
        encoding = "utf-8-sig"
    return list(csv.reader(io.StringIO(file.decode(encoding), newline="")))


def sheets(file: bytes) -> list[Worksheet]:
    """The sheets as openpyxl reads them."""
    return list(openpyxl.load_workbook(io.BytesIO(file)).worksheets)


def xlsx_rows(file: bytes) -> list[list[Any]]:
    """The rows of every sheet as calamine reads them, headings of the first included and of the others left out."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(file))
    rows = [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names]
    return [*rows[0][:1], *(row for sheet in rows for row in sheet[1:])]
