"""CSV that a spreadsheet opens as it stands and does not run: in UTF-8, or in GBK for what reads nothing else."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Generator, Iterable, Sequence
from io import BytesIO

import polars as pl

from lib.export.tally import Tally

RUN_BY_SPREADSHEETS = "=+-@\t\r\n＝＋－＠"
"""What a cell begins with that a spreadsheet would take for a formula. Source: OWASP, "CSV Injection"."""

LACKED = "?"
"""What stands for a character that GBK lacks."""


def utf8_parts(rows: Iterable[pl.DataFrame], headings: Sequence[str], tally: Tally) -> Generator[bytes]:
    """The cells as CSV in UTF-8 with a byte order mark, the headings first. Null is an empty cell, "" a quoted one."""
    yield from _parts(rows, headings, tally, bytes, codecs.BOM_UTF8)


def gbk_parts(rows: Iterable[pl.DataFrame], headings: Sequence[str], tally: Tally) -> Generator[bytes]:
    """The cells as CSV in GBK, the headings first; LACKED stands for each character that GBK lacks, and is counted."""
    yield from _parts(rows, headings, tally, lambda text: _in_gbk(text, tally))


def harmless(rows: pl.DataFrame) -> pl.DataFrame:
    """The cells with an apostrophe before each text that a spreadsheet would run."""
    texts = rows.select(pl.col(pl.String))
    if texts.is_empty() or not texts.width:
        return rows
    # Looking costs less than making every column anew, and most columns hold nothing that is run.
    runs = texts.select(_runs(pl.all()).any()).row(0, named=True)
    return rows.with_columns(
        pl.when(_runs(pl.col(name))).then(pl.lit("'") + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name, found in runs.items()
        if found
    )


def neutral(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would run it."""
    return f"'{text}" if text.startswith(tuple(RUN_BY_SPREADSHEETS)) else text


def _runs(texts: pl.Expr) -> pl.Expr:
    return texts.str.slice(0, 1).is_in(list(RUN_BY_SPREADSHEETS))


def _parts(
    rows: Iterable[pl.DataFrame],
    headings: Sequence[str],
    tally: Tally,
    encoded: Callable[[bytes], bytes],
    mark: bytes = b"",
) -> Generator[bytes]:
    named = {str(number): [neutral(words)] for number, words in enumerate(headings)}
    yield mark + encoded(_written(pl.DataFrame(named)))
    for some in rows:
        written = encoded(_written(harmless(some)))
        tally.rows += len(some)
        yield written


def _written(rows: pl.DataFrame) -> bytes:
    file = BytesIO()
    rows.write_csv(file, include_header=False, batch_size=max(len(rows), 1))
    return file.getvalue()


def _in_gbk(text: bytes, tally: Tally) -> bytes:
    if text.isascii():
        return text
    words = text.decode()
    try:
        return words.encode("gbk")
    except UnicodeEncodeError:
        return _replaced(words, tally)


def _replaced(words: str, tally: Tally) -> bytes:
    """The text line by line: most lines lack nothing, and only in the others each character is looked at."""
    lines: list[bytes] = []
    for line in words.splitlines(keepends=True):
        try:
            lines.append(line.encode("gbk"))
        except UnicodeEncodeError:
            tally.replaced += sum(not _has(sign) for sign in line)
            lines.append(line.encode("gbk", "replace"))
    return b"".join(lines)


def _has(sign: str) -> bool:
    try:
        sign.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True
