"""Export, then read: the same rows from every format, whatever the text, and in the reader that people use."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.export.csv import RUN_BY_SPREADSHEETS, neutral
from lib.export.formats import CSV, CSV_GBK, FORMATS, XLSX, ExportFormat
from lib.export.writing import ROWS_AT_ONCE, Writing, pieces
from tests.lib.exported import csv_rows, export, xlsx_rows

pytestmark = pytest.mark.spec("U7", "O8")

HOSTILE = (
    '=HYPERLINK("http://evil.example","x")',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2",
    "@SUM(1)",
    "＝1",
    "\t=1",
    "<script>alert(1)</script>",
    "'; DROP TABLE operation;--",
    '"quoted", with commas\nand lines',
    "‮reversed",
    "a\u0301\u200b\u2028",
    "_x0041_",
    "]]>&amp;",
    "$(touch x) `id` %n {0} ${jndi:ldap://x}",
    "NULL",
    "00123",
    "1e5",
    "2024-05-12",
    "TRUE",
    " spaces ",
    "",
    "朱镕基 订单 张三",
    "ﷺ 𠮷 😀 €",
)
READERS: dict[str, Callable[[bytes], list[list[Any]]]] = {
    "xlsx": xlsx_rows,
    "csv": csv_rows,
    "csv-gbk": lambda file: csv_rows(file, "gbk"),
}


def kept(text: str, written_as: ExportFormat) -> str:
    """What a format is expected to hold in place of a text."""
    if written_as is XLSX:
        return text
    return neutral(text) if written_as is CSV else neutral(text).encode("gbk", "replace").decode("gbk")


@pytest.mark.parametrize("written_as", FORMATS, ids=lambda each: each.key)
def test_hostile_text_is_text_in_every_format(written_as: ExportFormat) -> None:
    rows = pl.DataFrame({"text": HOSTILE, "n": range(len(HOSTILE))})
    file, manifest = export(rows, written_as)
    read = [[str(cell) for cell in row] for row in READERS[written_as.key](file)[1:]]
    assert [row[0] for row in read] == [kept(text, written_as) for text in HOSTILE]
    assert manifest.rows == len(HOSTILE)


_ALIKE = st.text(st.characters(codec="gbk", exclude_characters="\r", exclude_categories=["Cc"]), max_size=10)


@given(
    st.lists(
        st.tuples(
            _ALIKE.filter(lambda text: not text.startswith(tuple(RUN_BY_SPREADSHEETS))),
            st.integers(-(10**12), 10**12) | st.none(),
        ),
        max_size=6,
    )
)
def test_what_every_format_can_hold_is_the_same_in_each(rows: list[tuple[str, int | None]]) -> None:
    frame = pl.DataFrame(rows, {"text": pl.String, "n": pl.Int64}, orient="row").with_row_index("row")
    read = {}
    for written_as in FORMATS:
        cells = READERS[written_as.key](export(frame, written_as)[0])
        read[written_as.key] = [[_said(cell) for cell in row] for row in cells]
    assert read["csv"] == read["xlsx"] == read["csv-gbk"]
    told = [[str(n), text, "" if count is None else str(count)] for n, (text, count) in enumerate(rows)]
    assert read["csv"][1:] == told


def _said(cell: Any) -> str:
    return f"{cell:.0f}" if isinstance(cell, float) else str(cell)


def test_a_large_frame_is_worked_on_in_slices_by_rows_and_by_size() -> None:
    many = pl.DataFrame({"n": range(2 * ROWS_AT_ONCE + 1)})
    assert [len(each) for each in pieces(many)] == [ROWS_AT_ONCE, ROWS_AT_ONCE, 1]
    long = pl.DataFrame({"text": ["x" * 1_000_000] * 40})
    assert max(len(each) for each in pieces(long)) <= 16
    assert sum(len(each) for each in pieces(long)) == 40
    assert list(pieces(pl.DataFrame({"n": []}))) == []


@pytest.mark.parametrize("written_as", [CSV, CSV_GBK], ids=lambda each: each.key)
def test_a_megabyte_of_text_in_one_cell_is_whole_in_csv(written_as: ExportFormat) -> None:
    text = "值" * 400_000
    assert READERS[written_as.key](export(pl.DataFrame({"text": [text]}), written_as)[0])[1] == [text]


def test_rows_are_closed_with_the_file() -> None:
    ended = []

    def rows() -> Any:
        try:
            while True:
                yield pl.DataFrame({"n": [1]})
        finally:
            ended.append(True)

    for written_as in FORMATS:
        parts = iter(Writing(rows(), {"n": "N"}, written_as))
        next(parts)
        next(parts)
        parts.close()
    assert ended == [True] * 3


def test_libreoffice_reads_the_same_rows(tmp_path: Path) -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("There is no LibreOffice here: apt-get install libreoffice-calc.")
    texts = [text for text in HOSTILE if "\n" not in text and text]
    book = tmp_path / "book.xlsx"
    book.write_bytes(export(pl.DataFrame({"text": texts, "n": range(len(texts))}), XLSX)[0])
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    told = ["csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1", str(book)]
    command = [office, profile, "--headless", "--convert-to", *told]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    (written,) = tmp_path.glob("book*.csv")
    with written.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["text", "n"], *([text, str(n)] for n, text in enumerate(texts))]
