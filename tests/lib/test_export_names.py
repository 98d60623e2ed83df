"""What a file is called, and what a browser is told of it."""

from __future__ import annotations

from datetime import date
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.export.formats import CSV, CSV_GBK, XLSX
from lib.export.names import LONGEST_NAME, clean_name, content_disposition, default_name, file_name

pytestmark = pytest.mark.spec("O8")

FIRST, LAST = date(2024, 5, 12), date(2024, 5, 18)


def test_a_file_is_named_after_what_it_holds_and_its_days() -> None:
    assert default_name("usage trend", FIRST, LAST) == "usage-trend-2024-05-12_2024-05-18"
    assert default_name("操作日志", FIRST, FIRST) == "操作日志-2024-05-12"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ('a/b:\\*?"<>|\n c', "a b c"),
        ("../../etc/passwd", "etc passwd"),
        ("  .hidden. ", "hidden"),
        ("gpj.exe\u202excod", "gpj.exe xcod"),
        ("审计 日志", "审计 日志"),
        ("x" * 500, "x" * LONGEST_NAME),
        ("\x00\x7f\u200b", ""),
    ],
)
def test_what_a_file_system_refuses_or_nobody_sees_is_not_in_a_name(typed: str, name: str) -> None:
    assert clean_name(typed) == name


def test_a_name_has_the_extension_of_its_format_once_and_is_never_empty() -> None:
    assert file_name("log", "x", XLSX) == "log.xlsx"
    assert file_name("log.XLSX", "x", XLSX) == "log.XLSX"
    assert file_name("log.xlsx", "x", CSV_GBK) == "log.xlsx.csv"
    assert file_name("///", "操作日志-2024-05-12", CSV) == "操作日志-2024-05-12.csv"
    assert file_name("", "", CSV) == "export.csv"


def test_a_browser_is_told_the_name_in_ascii_and_in_utf8() -> None:
    said = content_disposition("审计 日志.csv")
    assert said == "attachment; filename=\"__ __.csv\"; filename*=UTF-8''%E5%AE%A1%E8%AE%A1%20%E6%97%A5%E5%BF%97.csv"


@given(st.text(max_size=40))
def test_no_name_breaks_out_of_its_header(typed: str) -> None:
    name = file_name(typed, "log", CSV)
    said = content_disposition(name)
    assert said.isascii()
    assert said.isprintable()
    header = Message()
    header["Content-Disposition"] = said.split("; filename=")[0] + "; filename*=" + said.split("filename*=")[1]
    assert header.get_filename() == name
