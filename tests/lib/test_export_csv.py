"""CSV that a spreadsheet opens as it stands and does not run."""

from __future__ import annotations

import codecs
import csv
import io
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.export.csv import RUN_BY_SPREADSHEETS, neutral, to_csv
from lib.export.formats import CSV, FORMATS, file_name

pytestmark = pytest.mark.spec("U7")

HOSTILE = st.text(max_size=8) | st.builds(
    lambda first, rest: first + rest, st.sampled_from(RUN_BY_SPREADSHEETS), st.text(max_size=8)
)


def _read(written: bytes) -> list[list[str]]:
    assert written.startswith(codecs.BOM_UTF8)
    return list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))


def test_rows_are_written_under_the_words_of_their_columns_in_their_order() -> None:
    rows = pl.DataFrame({"opens": [12], "name": ["商城"], "hidden": [1]})
    assert to_csv(rows, {"name": "名称", "opens": "打开次数"}) == "\ufeff名称,打开次数\n商城,12\n".encode()


def test_instants_have_their_offset_lists_are_joined_and_null_is_empty() -> None:
    at = pl.Series([datetime(2024, 7, 1, 4, 30, tzinfo=UTC), None], dtype=pl.Datetime("us", "UTC"))
    rows = pl.DataFrame(
        {
            "at": at.dt.convert_time_zone("America/New_York"),
            "names": [["a", "b"], []],
            "share": [0.25, None],
            "less": [-3, None],
        }
    )
    headings = {name: name for name in rows.columns}
    assert _read(to_csv(rows, headings)) == [
        ["at", "names", "share", "less"],
        ["2024-07-01T00:30:00-04:00", "a; b", "0.25", "-3"],
        ["", "", "", ""],
    ]


@given(texts=st.lists(HOSTILE, min_size=1, max_size=5), heading=HOSTILE)
def test_no_text_begins_as_a_formula_does_and_none_is_lost(texts: list[str], heading: str) -> None:
    rows = pl.DataFrame({"text": texts, "list": [[text] for text in texts]})
    read = _read(to_csv(rows, {"text": heading, "list": f"{heading}2"}))
    assert len(read) == len(texts) + 1
    for cell in (cell for row in read for cell in row):
        assert not cell.startswith(tuple(RUN_BY_SPREADSHEETS))
    assert [row[0] for row in read[1:]] == [neutral(text) for text in texts]
    assert all(neutral(text).removeprefix("'") == text.removeprefix("'") for text in texts)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_what_a_spreadsheet_would_run_stands_behind_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"


def test_a_file_is_named_after_what_it_holds_and_its_days() -> None:
    first, last = date(2024, 5, 12), date(2024, 5, 18)
    assert file_name("usage trend", first, last, CSV) == "usage-trend_2024-05-12_2024-05-18.csv"
    assert file_name('a/b:\\*?"<>|\n c', first, first, CSV) == "a-b-c_2024-05-12.csv"


def test_every_format_has_its_own_key() -> None:
    assert len({each.key for each in FORMATS}) == len(FORMATS)
