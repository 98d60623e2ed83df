"""Cells to the XML of a sheet's rows, by Polars: a chunk at a time, and nothing row by row."""

from __future__ import annotations

import polars as pl

from lib.export.tally import Tally

LONGEST_TEXT = 32_767
"""Excel's limit of a cell, counted in UTF-16 units."""

CUT_MARK = "… [cut]"

_EXACT_BELOW = 10**15
"""Excel keeps 15 digits of a number."""

_NOT_IN_XML = r"[\x00-\x08\x0b\x0c\x0e-\x1f\u{FFFE}\u{FFFF}]"
_UNSTORABLE = r"[\x00-\x08\x0b-\x1f\u{FFFE}\u{FFFF}]"
_MARKUP = r"[&<>]"
_ESCAPED = r"_x[0-9A-Fa-f]{4}_"
"""What a reader would take for the number of a character (ECMA-376, ST_Xstring)."""


def fitting(rows: pl.DataFrame, tally: Tally) -> pl.DataFrame:
    """The rows with only what a cell can hold; what was replaced or cut for it is counted."""
    texts = pl.col(pl.String)
    if rows.is_empty() or not rows.select(texts).width:
        return rows
    unstorable = rows.select(texts.str.contains(_UNSTORABLE).any()).row(0, named=True)
    names = [name for name, found in unstorable.items() if found]
    if names:
        tally.replaced += _sum(rows.select(pl.col(names).str.count_matches(_NOT_IN_XML).sum()))
        rows = rows.with_columns(_storable(pl.col(names)))
    # A character has at least as many bytes in UTF-8 as units in UTF-16.
    longest = rows.select(texts.str.len_bytes().max()).row(0, named=True)
    names = [name for name, size in longest.items() if (size or 0) > LONGEST_TEXT]
    if names:
        tally.cut += _sum(rows.select(_is_long(pl.col(names)).sum()))
        rows = rows.with_columns(_cut(pl.col(name)) for name in names)
    return rows


def rows_xml(rows: pl.DataFrame, first: int, style: int = 0) -> bytes:
    """The rows of a sheet, beginning with the one of this number. A null is no cell."""
    texts = rows.select(pl.col(pl.String))
    if texts.width:
        rows = rows.with_columns(*_without_markup(texts))
    styled = f' s="{style}"' if style else ""
    numbered = rows.with_columns((pl.int_range(pl.len()) + first).cast(pl.String).alias("number"))
    parts = [pl.lit('<row r="'), pl.col("number"), pl.lit('">')]
    for place, column in enumerate(rows.iter_columns()):
        cell = _cell(column, f'<c r="{letters(place)}', styled)
        parts += cell if not column.null_count() else [pl.concat_str(cell)]
    whole = numbered.select(pl.concat_str(*parts, pl.lit("</row>"), ignore_nulls=True).str.join(""))
    return bytes(whole.to_series().cast(pl.Binary).item())


def letters(place: int) -> str:
    """What a spreadsheet calls a column: A for the first (0), AA for the 27th."""
    name = ""
    while place >= 0:
        place, letter = divmod(place, 26)
        name, place = chr(ord("A") + letter) + name, place - 1
    return name


def _sum(counts: pl.DataFrame) -> int:
    return sum(count or 0 for count in counts.row(0))


def _storable(texts: pl.Expr) -> pl.Expr:
    lines = texts.str.replace_all("\r\n", "\n", literal=True).str.replace_all("\r", "\n", literal=True)
    return lines.str.replace_all(_NOT_IN_XML, "\ufffd")


def _beyond(texts: pl.Expr) -> pl.Expr:
    """How many characters are outside the first plane: each is two UTF-16 units."""
    return texts.str.count_matches(r"[\u{10000}-\u{10FFFF}]")


def _is_long(texts: pl.Expr) -> pl.Expr:
    return texts.str.len_chars() + _beyond(texts) > LONGEST_TEXT


def _cut(texts: pl.Expr) -> pl.Expr:
    kept = pl.when(_beyond(texts) > 0).then(LONGEST_TEXT // 2).otherwise(LONGEST_TEXT) - len(CUT_MARK)
    return pl.when(_is_long(texts)).then(texts.str.head(kept) + pl.lit(CUT_MARK)).otherwise(texts).name.keep()


def _without_markup(texts: pl.DataFrame) -> list[pl.Expr]:
    """The columns that hold anything which XML or a spreadsheet would take for more than text, with that escaped."""
    marked = texts.select(pl.all().str.contains(_MARKUP).any()).row(0, named=True)
    escaped = texts.select(pl.all().str.contains(_ESCAPED).any()).row(0, named=True)
    plain = []
    for name in texts.columns:
        text = pl.col(name)
        if escaped[name]:
            told_apart = text.str.replace_all("_x", "_x005F_x", literal=True)
            text = pl.when(text.str.contains(_ESCAPED)).then(told_apart).otherwise(text)
        if marked[name]:
            for sign, words in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
                text = text.str.replace_all(sign, words, literal=True)
        if marked[name] or escaped[name]:
            plain.append(text.alias(name))
    return plain


def _cell(column: pl.Series, opened: str, styled: str) -> list[pl.Expr]:
    value, number = pl.col(column.name), pl.col("number")
    if column.dtype == pl.String:
        return _text(value, opened, styled)
    if column.dtype == pl.Boolean:
        value, styled = value.cast(pl.Int8), f'{styled} t="b"'
    plain = [pl.lit(opened), number, pl.lit(f'"{styled}><v>'), value.cast(pl.String), pl.lit("</v></c>")]
    if not column.dtype.is_integer() or not (column.cast(pl.Float64).abs() >= _EXACT_BELOW).any():
        return plain
    rounds = value.cast(pl.Float64).abs() >= _EXACT_BELOW
    text = _text(value.cast(pl.String), opened, styled)
    return [pl.when(rounds).then(pl.concat_str(text)).otherwise(pl.concat_str(plain))]


def _text(value: pl.Expr, opened: str, styled: str) -> list[pl.Expr]:
    start, end = f'"{styled} t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
    return [pl.lit(opened), pl.col("number"), pl.lit(start), value, pl.lit(end)]
