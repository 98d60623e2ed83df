"""CSV that a spreadsheet opens as it stands and does not run, in UTF-8 and in GBK."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.export.csv import LACKED, RUN_BY_SPREADSHEETS, neutral
from lib.export.formats import CSV, CSV_GBK, FORMATS
from lib.export.writing import Writing
from tests.lib.exported import csv_rows, export

pytestmark = pytest.mark.spec("U7", "O8")

HOSTILE = st.text(max_size=8) | st.builds(
    lambda first, rest: first + rest, st.sampled_from(RUN_BY_SPREADSHEETS), st.text(max_size=8)
)


def test_rows_are_written_under_the_words_of_their_columns_in_their_order() -> None:
    rows = pl.DataFrame({"opens": [12], "name": ["商城"], "hidden": [1]})
    file, _ = export(rows, CSV, {"name": "名称", "opens": "打开次数"})
    assert file == "\ufeff名称,打开次数\n商城,12\n".encode()


def test_instants_have_the_offset_of_the_zone_and_a_fraction_where_there_is_one() -> None:
    at = [datetime(2024, 7, 1, 4, 30, tzinfo=UTC), datetime(2024, 12, 1, 4, 30, 0, 123_000, tzinfo=UTC), None]
    rows = pl.DataFrame({"at": pl.Series(at, dtype=pl.Datetime("us", "UTC")), "n": [1, 2, 3]})
    file, _ = export(rows, CSV, zone="America/New_York")
    assert [row[0] for row in csv_rows(file)[1:]] == ["2024-07-01T00:30:00-04:00", "2024-11-30T23:30:00.123-05:00", ""]
    file, _ = export(rows, CSV)
    assert csv_rows(file)[1] == ["2024-07-01T04:30:00+00:00", "1"]


def test_lists_are_joined_and_what_is_nothing_or_no_number_is_empty() -> None:
    share, yes = [0.25, float("nan"), float("inf")], [True, None, False]
    rows = pl.DataFrame({"names": [["a", "b"], [], None], "share": share, "less": [-3, None, 0], "yes": yes})
    file, _ = export(rows, CSV)
    assert csv_rows(file)[1:] == [["a; b", "0.25", "-3", "true"], ["", "", "", ""], ["", "", "0", "false"]]


@given(texts=st.lists(HOSTILE, min_size=1, max_size=5), heading=HOSTILE)
def test_no_text_begins_as_a_formula_does_and_none_is_lost(texts: list[str], heading: str) -> None:
    rows = pl.DataFrame({"text": texts, "list": [[text] for text in texts]})
    read = csv_rows(export(rows, CSV, {"text": heading, "list": heading})[0])
    assert len(read) == len(texts) + 1
    for cell in (cell for row in read for cell in row):
        assert not cell.startswith(tuple(RUN_BY_SPREADSHEETS))
    assert read[0] == [neutral(heading)] * 2
    assert [row[0] for row in read[1:]] == [neutral(text) for text in texts]
    assert all(neutral(text).removeprefix("'") == text.removeprefix("'") for text in texts)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_what_a_spreadsheet_would_run_stands_behind_an_apostrophe(text: str) -> None:
    assert neutral(text) == f"'{text}"


def test_what_gbk_lacks_is_replaced_and_counted_and_everything_else_is_there() -> None:
    rows = pl.DataFrame({"text": ["订单€12", "😀完成", "朱镕基", "𠮷野家", "plain", None], "n": [1, 2, 3, 4, 5, 6]})
    file, manifest = export(rows, CSV_GBK)
    read = ["订单?12", "?完成", "朱镕基", "?野家", "plain", ""]
    assert csv_rows(file, "gbk") == [["text", "n"], *([text, str(n)] for n, text in enumerate(read, 1))]
    assert (manifest.rows, manifest.replaced, manifest.cut) == (6, 3, 0)


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=6))
def test_gbk_holds_each_character_that_it_has_and_a_mark_for_each_that_it_lacks(texts: list[str]) -> None:
    file, manifest = export(pl.DataFrame({"text": texts, "n": [1] * len(texts)}), CSV_GBK)
    read = [row[0] for row in csv_rows(file, "gbk")[1:]]
    assert read == [neutral(text).encode("gbk", "replace").decode("gbk") for text in texts]
    signs = [sign for text in texts for sign in text]
    assert manifest.replaced == sum(sign.encode("gbk", "replace") == b"?" for sign in signs if sign != "?")
    assert LACKED == "?"


def test_the_rows_of_many_frames_follow_each_other_and_are_told_as_they_come() -> None:
    told: list[int] = []
    frames = (pl.DataFrame({"n": [number, number]}) for number in range(3))
    writing = Writing(frames, {"n": "N"}, CSV, on_rows=told.append)
    assert csv_rows(b"".join(writing)) == [["N"], *([str(n)] for n in (0, 0, 1, 1, 2, 2))]
    assert told == [2, 4, 6]


def test_every_format_has_its_own_key() -> None:
    assert [each.key for each in FORMATS] == ["xlsx", "csv", "csv-gbk"]
