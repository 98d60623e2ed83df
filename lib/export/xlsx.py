"""Frames to XLSX: numbers that can be summed, text that is never run, as many sheets as the rows need."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import polars as pl
from rustpy_xlsxwriter import Format, write_worksheets

from lib.export.cells import cells

ROWS_A_SHEET = 1_048_576
"""Excel's limit; the headings take one of them."""

LONGEST_TEXT = 32_767
"""Excel's limit of a cell, counted in UTF-16 units."""

CUT_MARK = "… [cut]"

_EXACT_BELOW = 10**15
"""Excel keeps 15 digits of a number."""

_NOT_IN_XML = r"[\x00-\x08\x0b\x0c\x0e-\x1f\u{FFFE}\u{FFFF}]"
_NARROWEST, _WIDEST, _SAMPLED_ROWS = 9, 60, 200


def to_xlsx(rows: pl.DataFrame, headings: Mapping[str, str], rows_a_sheet: int = ROWS_A_SHEET) -> bytes:
    """The rows as a workbook: the columns that `headings` names, under its words in a bold row that stays in sight.

    Text is stored as text, which a spreadsheet does not run whatever it begins with, so it stands unchanged but for
    what a cell cannot hold: a control character becomes �, a line ends by a line feed, and text over LONGEST_TEXT is
    cut and ends by CUT_MARK. Instants are ISO 8601 text with their offset, because Excel has no zones. A column with
    a whole number of 16 digits or more is text, or Excel would round it. What is not a number (null, NaN) is empty.
    """
    shown = _fitting(cells(rows.select(headings.keys()))).rename(_distinct(headings))
    step = rows_a_sheet - 1
    parts = [shown.slice(first, step) for first in range(0, len(shown), step)] or [shown]
    sheets: list[tuple[str, Any]] = [(str(number), part) for number, part in enumerate(parts, 1)]
    names, bold, written = [name for name, _ in sheets], Format().set_bold(), BytesIO()
    write_worksheets(
        sheets,
        written,
        freeze_panes={"general": {"row": 1, "col": 0}},
        header_format=dict.fromkeys(names, bold),
        column_widths=dict.fromkeys(names, _widths(shown)),
    )
    return written.getvalue()


def _fitting(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with only what a cell can hold."""
    large = [name for name in rows.select(pl.col(pl.Int64, pl.UInt64)).columns if _is_large(rows[name])]
    return rows.with_columns(pl.col(large).cast(pl.String)).with_columns(_storable(pl.col(pl.String)))


def _is_large(numbers: pl.Series) -> bool:
    return bool(((numbers >= _EXACT_BELOW) | (numbers <= -_EXACT_BELOW)).any())


def _storable(texts: pl.Expr) -> pl.Expr:
    clean = texts.str.replace_all("\r\n", "\n", literal=True).str.replace_all("\r", "\n", literal=True)
    clean = clean.str.replace_all(_NOT_IN_XML, "\ufffd")
    # A character outside the first plane is two UTF-16 units.
    beyond = clean.str.count_matches(r"[\u{10000}-\u{10FFFF}]")
    is_long = clean.str.len_chars() + beyond > LONGEST_TEXT
    kept = pl.when(beyond > 0).then(LONGEST_TEXT // 2).otherwise(LONGEST_TEXT) - len(CUT_MARK)
    return pl.when(is_long).then(clean.str.head(kept) + CUT_MARK).otherwise(clean).name.keep()


def _distinct(headings: Mapping[str, str]) -> dict[str, str]:
    """The headings as a frame's names; one that stands twice gets a number behind it."""
    # Cleaned first: over a NUL in a column's name Polars ends the whole process when it hands the frame over.
    words = pl.DataFrame({"words": list(headings.values())}, {"words": pl.String}).select(_storable(pl.col("words")))
    names: dict[str, str] = {}
    for key, wanted in zip(headings, words["words"], strict=True):
        name, number = wanted, 1
        while name in names.values():
            number += 1
            name = f"{wanted} ({number})"
        names[key] = name
    return names


def _widths(rows: pl.DataFrame) -> list[float]:
    """A width for each column in characters, by its heading and first rows; Chinese ones count twice."""
    sample = rows.head(_SAMPLED_ROWS).cast(pl.String)
    widest = [max(_width(name), *(_width(text) for text in sample[name].drop_nulls()), 0) for name in sample.columns]
    return [float(min(max(width + 2, _NARROWEST), _WIDEST)) for width in widest]


def _width(text: str) -> int:
    return max((len(line) + sum(sign > "\u2e7f" for sign in line) for line in text.split("\n")), default=0)
