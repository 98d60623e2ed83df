"""Regular lines of access logs are cut at their quotes: the patterns, which read any line, say the same of them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lib.collect.access_logs import Form, requests_in, requests_of
from lib.collect.access_regular import Lines, regular
from lib.collect.files import LINE_BYTES, Block, TextFile, numbered
from lib.collect.sources import is_filled

pytestmark = pytest.mark.spec("I3", "L3")

COMMON = b'192.0.2.1 - - [01/Mar/2024:10:00:00 +0100] "GET /a?b=1 HTTP/1.1" 200 12'
COMBINED = COMMON + b' "https://r.example/" "Firefox"'

_LETTERS = '" \\ - [ ] \n \r \t \x00 \x1f 你 9 \xa0'
_PIECES = [
    *(letter.encode() for letter in [*_LETTERS.split(" "), " ", "\r\n"]),
    *(b"\xff", b" - - [", b"] ", b' "', b'" ', b'"-"', b'""', b" HTTP/1.1", b"HTTP/2", b" 200 ", b" - ", b"GET "),
    *(b" ann ", b"a-", b"9" * 19, b"[::1]", COMMON, COMBINED, COMBINED + b' "-"\n'),
]
_EDITS = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 12), st.sampled_from(_PIECES)), max_size=4)


def compare(content: bytes, form: Form) -> None:
    """Both ways of reading a block find the same requests, refuse the same lines and say the same of them."""
    block = Block(7, content)
    lines = numbered(block).filter(is_filled())
    requests, refused = requests_of(lines, form)
    read, found, others = requests_in(block, form)
    assert read == lines.height
    assert_frame_equal(found, requests)
    assert_frame_equal(others, refused)


@given(st.lists(st.tuples(st.sampled_from([COMMON, COMBINED, COMBINED + b' "-"']), _EDITS), max_size=5), st.data())
@example([(COMBINED, [(43, 0, b"GET HTTP/1.1")])], None)
@example([(COMMON, [(9, 0, b" - - [")]), (COMMON, [(43, 16, b"HTTP/1.1 HTTP/1.1")])], None)
def test_a_damaged_line_is_read_alike_by_patterns_and_by_places(
    lines: list[tuple[bytes, list[tuple[int, int, bytes]]]], data: st.DataObject | None
) -> None:
    content = b""
    for line, edits in lines:
        for at, gone, piece in edits:
            at %= len(line) + 1
            line = line[:at] + piece + line[at + gone :]
        content += line + b"\n"
    form = data.draw(st.sampled_from(Form)) if data else Form.AUTO
    if content:
        compare(content, form)


@given(st.lists(st.sampled_from([*_PIECES, b"\n"]), min_size=1, max_size=30), st.sampled_from(Form))
def test_any_bytes_are_read_alike_by_patterns_and_by_places(pieces: list[bytes], form: Form) -> None:
    compare(b"".join(pieces) + b"\n", form)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("elastic_apache_logs_10k.log.gz", 0.99),
        ("lnav_shop_access_1k.log.gz", 0.99),
        ("erddap_tomcat_20240512-20_damaged.log.gz", 0.60),
        ("elastic_auth_7121.log.gz", 0.0),
    ],
)
@pytest.mark.parametrize("form", Form)
def test_real_logs_are_read_alike_and_most_of_their_lines_are_regular(
    samples: Path, name: str, least: float, form: Form
) -> None:
    for block in TextFile(samples / name).blocks():
        compare(block.data, form)
        lines = Lines.of(block.data)
        assert len(regular(lines, LINE_BYTES)[0]) >= least * len(lines.starts)


def test_a_line_is_regular_whatever_its_length_up_to_the_longest() -> None:
    for longest, found in ((len(COMBINED), [0, 1]), (len(COMBINED) - 1, [0])):
        which, parts = regular(Lines.of(COMMON + b"\r\n" + COMBINED + b"\n"), longest)
        assert which.tolist() == found
    assert parts.row(0, named=True) == {
        "address": "192.0.2.1",
        "account": None,
        "time": "01/Mar/2024:10:00:00 +0100",
        "method": "GET",
        "target": "/a?b=1",
        "protocol": "HTTP/1.1",
        "status": 200,
        "size_bytes": 12,
        "referrer": "",
        "user_agent": "",
        "is_combined": False,
    }


def test_an_empty_frame_of_regular_lines_has_its_columns() -> None:
    which, parts = regular(Lines.of(b"\n"), LINE_BYTES)
    assert (len(which), parts.height, parts.schema["status"]) == (0, 0, pl.Int64())
