"""XLSX that opens in a spreadsheet with the same rows: numbers as numbers, text as text that is never run."""

from __future__ import annotations

import math
import zipfile
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.export.csv import RUN_BY_SPREADSHEETS
from lib.export.formats import XLSX, ExportFormat
from lib.export.writing import Manifest, Writing
from lib.export.xlsx import CUT_MARK, LONGEST_TEXT, workbook_parts
from lib.export.xlsx.rows import letters
from tests.lib.exported import export, sheets, xlsx_rows

pytestmark = pytest.mark.spec("U7", "O8")


def of_sheets(rows_a_sheet: int) -> ExportFormat:
    """The format with a lower limit of rows."""
    return ExportFormat("xlsx", "xlsx", XLSX.mime, partial(workbook_parts, rows_a_sheet=rows_a_sheet))


def made(**columns: Any) -> tuple[bytes, Manifest]:
    return export(pl.DataFrame(columns), XLSX)


def read(**columns: Any) -> list[list[Any]]:
    return xlsx_rows(made(**columns)[0])[1:]


def test_rows_stand_under_the_words_of_their_columns_in_a_bold_row_that_stays() -> None:
    rows = pl.DataFrame({"opens": [12], "name": ["商城"], "hidden": [1], "share": [0.25]})
    (sheet,) = sheets(export(rows, XLSX, {"name": "名称", "opens": "打开次数", "share": "占比"})[0])
    assert [[cell.value for cell in row] for row in sheet] == [["名称", "打开次数", "占比"], ["商城", 12, 0.25]]
    assert [cell.data_type for cell in sheet[2]] == ["s", "n", "n"]
    assert sheet.freeze_panes == "A2"
    assert [cell.font.bold for row in sheet for cell in row] == [True] * 3 + [False] * 3


def test_rows_without_any_are_headings_alone() -> None:
    rows = pl.DataFrame(schema={"name": pl.String, "opens": pl.Int64})
    assert xlsx_rows(export(rows, XLSX, {"name": "Name", "opens": "Opens"})[0]) == [["Name", "Opens"]]
    assert xlsx_rows(b"".join(Writing([], {"name": "Name"}, XLSX))) == [["Name"]]


def test_two_columns_may_have_the_same_words_and_any() -> None:
    headings = {"a": "=Views <&>\0", "b": "=Views <&>\0"}
    file, manifest = export(pl.DataFrame({"a": [1], "b": [2]}), XLSX, headings)
    assert xlsx_rows(file) == [["=Views <&>�"] * 2, [1, 2]]
    assert manifest.replaced == 2


def test_instants_have_their_offset_lists_are_joined_and_nothing_is_empty() -> None:
    at = pl.Series([datetime(2024, 7, 1, 4, 30, tzinfo=UTC), None], dtype=pl.Datetime("us", "UTC"))
    first, second = read(
        at=at.dt.convert_time_zone("America/New_York"),
        on=[date(2024, 7, 1), None],
        names=[["a", "b"], []],
        lasts=[timedelta(seconds=90), None],
        share=[math.nan, math.inf],
        yes=[True, None],
        no=[False, None],
        none=pl.Series([None, None], dtype=pl.Null),
        row=[1, 2],
    )
    assert first == ["2024-07-01T00:30:00-04:00", "2024-07-01", "a; b", 90, "", True, False, "", 1]
    assert second == [*[""] * 8, 2]


@pytest.mark.parametrize("first", [*RUN_BY_SPREADSHEETS, "http://", "mailto:", "{=", "internal:Sheet1!A"])
def test_text_that_looks_like_a_formula_or_a_link_is_text_unchanged(first: str) -> None:
    text = f"{first}1+1"
    (sheet,) = sheets(made(text=[text])[0])
    assert sheet["A2"].data_type == "s"
    assert sheet["A2"].hyperlink is None
    assert read(text=[text]) == [[text.replace("\r", "\n")]]


def test_a_whole_number_that_excel_would_round_is_text() -> None:
    assert read(id=[2**62, 1, None], fits=[10**15 - 1, -(10**15) + 1, 0], over=[2**62, 2**62 + 1, -(10**15)]) == [
        [str(2**62), 999_999_999_999_999, str(2**62)],
        [1, -999_999_999_999_999, str(2**62 + 1)],
        ["", 0, str(-(10**15))],
    ]


@pytest.mark.parametrize("number", [0.1, 1e-7, 1e22, -2.5, 123456.789])
def test_a_fraction_is_the_number_that_it_was(number: float) -> None:
    assert read(share=[number]) == [[number]]


def test_what_no_cell_can_hold_is_shown_as_such_and_counted() -> None:
    file, manifest = made(text=["a\x00b\x1f\x0b\ufffe", "a\r\nb\rc"])
    assert xlsx_rows(file)[1:] == [["a�b���"], ["a\nb\nc"]]
    assert (manifest.replaced, manifest.cut) == (4, 0)


@pytest.mark.parametrize(("sign", "most"), [("x", LONGEST_TEXT), ("字", LONGEST_TEXT), ("😀", LONGEST_TEXT // 2)])
def test_a_text_longer_than_a_cell_is_cut_with_a_mark_and_counted(sign: str, most: int) -> None:
    file, manifest = made(text=[sign * most, sign * (most + 1)])
    whole, cut = (row[0] for row in xlsx_rows(file)[1:])
    assert whole == sign * most
    assert cut == sign * (most - len(CUT_MARK)) + CUT_MARK
    assert len(cut.encode("utf-16-le")) // 2 <= LONGEST_TEXT
    assert (manifest.rows, manifest.cut) == (2, 1)


def test_rows_go_on_in_a_further_sheet_under_the_same_headings() -> None:
    frames = [pl.DataFrame({"number": range(5)}), pl.DataFrame({"number": [5, 6]})]
    writing = Writing(frames, {"number": "Number"}, of_sheets(4))
    book = b"".join(writing)
    assert [[row[0].value for row in sheet] for sheet in sheets(book)] == [
        ["Number", 0, 1, 2],
        ["Number", 3, 4, 5],
        ["Number", 6],
    ]
    assert all(sheet.freeze_panes == "A2" for sheet in sheets(book))
    assert writing.manifest("").rows == 7


def test_the_same_rows_give_the_same_bytes() -> None:
    assert made(text=["a", "b"]) == made(text=["a", "b"])


def test_a_workbook_that_is_broken_off_ends_without_complaint() -> None:
    parts = iter(Writing((pl.DataFrame({"n": range(9)}) for _ in range(9)), {"n": "N"}, XLSX))
    next(parts)
    parts.close()


def test_the_parts_of_a_workbook_are_what_its_lists_say() -> None:
    writing = Writing([pl.DataFrame({"n": range(7)})], {"n": "N"}, of_sheets(4))
    with zipfile.ZipFile(BytesIO(b"".join(writing))) as book:
        assert book.testzip() is None
        types, names = book.read("[Content_Types].xml").decode(), book.namelist()
    assert names[0] == "_rels/.rels"
    assert all(f'PartName="/{name}"' in types for name in names if not name.endswith((".rels", "s].xml")))


def test_columns_are_as_wide_as_what_they_hold_within_reason() -> None:
    (sheet,) = sheets(made(short=["a"], chinese=["数据统计" * 4], long=["x" * 500])[0])
    assert [round(sheet.column_dimensions[column].width) for column in "ABC"] == [9, 34, 60]


def test_columns_are_named_as_spreadsheets_do() -> None:
    assert [letters(place) for place in (0, 25, 26, 51, 52, 701, 702, 16383)] == [
        *("A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD")
    ]


HOSTILE = st.text(max_size=12) | st.builds(
    str.__add__,
    st.sampled_from([*RUN_BY_SPREADSHEETS, "_x0041_", "_x0041_x0042_", "_x", "http://", "<&>", "]]>", "&amp;"]),
    st.text(max_size=8),
)
ROWS = st.lists(
    st.tuples(
        HOSTILE,
        st.integers(-(10**15) + 1, 10**15 - 1) | st.none(),
        st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False) | st.none(),
        st.booleans() | st.none(),
    ),
    min_size=1,
    max_size=8,
)


def _readable(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join("�" if (sign < " " and sign not in "\t\n") or sign in "\ufffe\uffff" else sign for sign in lines)


@given(rows=ROWS, heading=HOSTILE, rows_a_sheet=st.integers(2, 10))
@example([("_x0041_x0042_", 0, 0.1, True)], "=1", 2)
def test_what_is_exported_is_what_is_read(
    rows: list[tuple[str, int | None, float | None, bool | None]], heading: str, rows_a_sheet: int
) -> None:
    schema = {"text": pl.String, "count": pl.Int64, "share": pl.Float64, "yes": pl.Boolean}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_row_index("row")
    headings = {"text": heading, "count": "c", "share": "s", "yes": "y", "row": "r"}
    book, manifest = export(frame, of_sheets(rows_a_sheet), headings)
    filled = [[_readable(row[0]), *("" if value is None else value for value in row[1:])] for row in rows]
    expected = [[*row, number] for number, row in enumerate(filled)]
    assert xlsx_rows(book) == [[_readable(heading), "c", "s", "y", "r"], *expected]
    assert manifest.rows == len(rows)
    for sheet in sheets(book):
        assert all(cell.data_type != "f" for row in sheet for cell in row)
