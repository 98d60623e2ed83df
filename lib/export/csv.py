"""Frames to CSV that a spreadsheet opens as it stands and does not run."""

from __future__ import annotations

import codecs
from collections.abc import Mapping

import polars as pl

from lib.export.cells import cells

RUN_BY_SPREADSHEETS = "=+-@\t\r\n＝＋－＠"
"""What a cell begins with that a spreadsheet would take for a formula. Source: OWASP, "CSV Injection"."""


def to_csv(rows: pl.DataFrame, headings: Mapping[str, str]) -> bytes:
    """The rows as CSV in UTF-8 with a byte order mark: the columns that `headings` names, under its words.

    Instants are ISO 8601 with their offset, lists are joined by "; ", null is an empty cell.
    """
    shown = plain(rows.select(headings.keys())).rename({key: neutral(words) for key, words in headings.items()})
    return codecs.BOM_UTF8 + shown.write_csv().encode()


def plain(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with only numbers, truth values and harmless text in them."""
    return cells(rows).with_columns(_neutral(pl.col(pl.String)))


def neutral(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would run it."""
    return f"'{text}" if text.startswith(tuple(RUN_BY_SPREADSHEETS)) else text


def _neutral(texts: pl.Expr) -> pl.Expr:
    runs = texts.str.slice(0, 1).is_in(list(RUN_BY_SPREADSHEETS))
    return pl.when(runs).then(pl.lit("'") + texts).otherwise(texts).name.keep()
