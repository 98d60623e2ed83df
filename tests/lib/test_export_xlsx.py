"""XLSX that opens in a spreadsheet with the same rows: numbers as numbers, text as text that is never run."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

from lib.export.csv import RUN_BY_SPREADSHEETS
from lib.export.formats import XLSX, file_name
from lib.export.xlsx import CUT_MARK, LONGEST_TEXT, to_xlsx

pytestmark = pytest.mark.spec("U7")


def sheets(written: bytes) -> list[Worksheet]:
    """The sheets as openpyxl reads them."""
    return list(openpyxl.load_workbook(BytesIO(written)).worksheets)


def values(written: bytes) -> list[list[Any]]:
    """The rows of every sheet as calamine reads them, headings of the first included and of the others left out."""
    book = CalamineWorkbook.from_filelike(BytesIO(written))
    rows = [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names]
    return [*rows[0][:1], *(row for sheet in rows for row in sheet[1:])]


def written(**columns: Any) -> bytes:
    return to_xlsx(pl.DataFrame(columns), {name: name for name in columns})


def test_rows_stand_under_the_words_of_their_columns_in_a_bold_row_that_stays() -> None:
    rows = pl.DataFrame({"opens": [12], "name": ["商城"], "hidden": [1], "share": [0.25]})
    (sheet,) = sheets(to_xlsx(rows, {"name": "名称", "opens": "打开次数", "share": "占比"}))
    assert [[cell.value for cell in row] for row in sheet] == [["名称", "打开次数", "占比"], ["商城", 12, 0.25]]
    assert [cell.data_type for cell in sheet[2]] == ["s", "n", "n"]
    assert sheet.freeze_panes == "A2"
    assert all(cell.font.bold for cell in sheet[1])


def test_rows_without_any_are_headings_alone() -> None:
    rows = pl.DataFrame(schema={"name": pl.String, "opens": pl.Int64})
    assert values(to_xlsx(rows, {"name": "Name", "opens": "Opens"})) == [["Name", "Opens"]]


def test_two_columns_of_the_same_words_are_told_apart() -> None:
    rows = pl.DataFrame({"a": [1], "b": [2]})
    assert values(to_xlsx(rows, {"a": "Views", "b": "Views"})) == [["Views", "Views (2)"], [1, 2]]


def test_instants_have_their_offset_lists_are_joined_and_nothing_is_empty() -> None:
    at = pl.Series([datetime(2024, 7, 1, 4, 30, tzinfo=UTC), None], dtype=pl.Datetime("us", "UTC"))
    read = values(
        written(
            at=at.dt.convert_time_zone("America/New_York"),
            on=[date(2024, 7, 1), None],
            names=[["a", "b"], []],
            lasts=[timedelta(seconds=90), None],
            share=[math.nan, math.inf],
            yes=[True, None],
            none=pl.Series([None, None], dtype=pl.Null),
            row=[1, 2],
        )
    )
    assert read[1] == ["2024-07-01T00:30:00-04:00", "2024-07-01", "a; b", 90, "", True, "", 1]
    assert read[2] == [*[""] * 7, 2]


@pytest.mark.spec("O8")
@pytest.mark.parametrize("first", [*RUN_BY_SPREADSHEETS, "http://", "mailto:", "{=", "internal:Sheet1!A"])
def test_text_that_looks_like_a_formula_or_a_link_is_text_unchanged(first: str) -> None:
    text = f"{first}1+1"
    (sheet,) = sheets(written(text=[text]))
    assert sheet["A2"].data_type == "s"
    assert sheet["A2"].hyperlink is None
    assert values(written(text=[text]))[1] == [text.replace("\r", "\n")]


@pytest.mark.spec("O8")
def test_a_whole_number_that_excel_would_round_is_text() -> None:
    read = values(written(id=[2**62, 1], fits=[10**15 - 1, -(10**15) + 1], over=[0, -(10**15)]))
    assert read[1:] == [
        [str(2**62), 999_999_999_999_999, "0"],
        ["1", -999_999_999_999_999, str(-(10**15))],
    ]


@pytest.mark.spec("O8")
def test_what_no_cell_can_hold_is_shown_as_such() -> None:
    assert values(written(text=["a\x00b\x1f\x0b\ufffe", "a\r\nb\rc"]))[1:] == [["a�b���"], ["a\nb\nc"]]


@pytest.mark.spec("O8")
@pytest.mark.parametrize(("sign", "most"), [("x", LONGEST_TEXT), ("字", LONGEST_TEXT), ("😀", LONGEST_TEXT // 2)])
def test_a_text_longer_than_a_cell_is_cut_with_a_mark(sign: str, most: int) -> None:
    whole, cut = (row[0] for row in values(written(text=[sign * most, sign * (most + 1)]))[1:])
    assert whole == sign * most
    assert cut == sign * (most - len(CUT_MARK)) + CUT_MARK
    assert len(cut.encode("utf-16-le")) // 2 <= LONGEST_TEXT


@pytest.mark.spec("O8")
def test_rows_go_on_in_a_further_sheet_under_the_same_headings() -> None:
    rows = pl.DataFrame({"number": range(7)})
    book = to_xlsx(rows, {"number": "Number"}, rows_a_sheet=4)
    read = [[row[0].value for row in sheet] for sheet in sheets(book)]
    assert read == [["Number", 0, 1, 2], ["Number", 3, 4, 5], ["Number", 6]]
    assert all(sheet.freeze_panes == "A2" for sheet in sheets(book))


def test_columns_are_as_wide_as_what_they_hold_within_reason() -> None:
    (sheet,) = sheets(written(short=["a"], chinese=["数据统计" * 4], long=["x" * 500]))
    widths = [round(sheet.column_dimensions[column].width) for column in "ABC"]
    assert widths == [10, 35, 61]


HOSTILE = st.text(max_size=12) | st.builds(
    str.__add__, st.sampled_from([*RUN_BY_SPREADSHEETS, "_x0041_", "http://", "<&>"]), st.text(max_size=8)
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


# A heading that stands twice is numbered, which is another test's.
@given(
    rows=ROWS,
    heading=HOSTILE.filter(lambda text: text.strip().casefold() not in ("", *"csyr")),
    rows_a_sheet=st.integers(2, 10),
)
@example([("_x0041_", 0, 0.1, True)], "=1", 2)
def test_what_is_exported_is_what_is_read(
    rows: list[tuple[str, int | None, float | None, bool | None]], heading: str, rows_a_sheet: int
) -> None:
    schema = {"text": pl.String, "count": pl.Int64, "share": pl.Float64, "yes": pl.Boolean}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_row_index("row")
    book = to_xlsx(frame, {"text": heading, "count": "c", "share": "s", "yes": "y", "row": "r"}, rows_a_sheet)
    filled = [[_readable(row[0]), *("" if value is None else value for value in row[1:])] for row in rows]
    expected = [[*row, number] for number, row in enumerate(filled)]
    assert values(book) == [[_readable(heading), "c", "s", "y", "r"], *expected]
    for sheet in sheets(book):
        assert all(cell.data_type != "f" for row in sheet for cell in row)


def test_a_workbook_is_named_as_one() -> None:
    assert file_name("pages", date(2024, 5, 12), date(2024, 5, 12), XLSX) == "pages_2024-05-12.xlsx"
