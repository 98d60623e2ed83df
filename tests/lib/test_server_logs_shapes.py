"""Levels and times of the shapes that logs commonly have, and entries of several lines (SPEC V4)."""

from __future__ import annotations

import gzip
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.logs.files.entries import LONGEST_LINE, LONGEST_SHOWN, Entry, entries_of, visible
from lib.logs.files.shapes import Reader
from lib.logs.files.types import Level

pytestmark = pytest.mark.spec("V4")

NOW = datetime(2024, 6, 1, tzinfo=UTC)
AT = "2024-05-12T10:00:00"


def entries(text: str | bytes) -> list[Entry]:
    """The entries of a text."""
    return entries_of(text if isinstance(text, bytes) else text.encode(), 0, Reader(), NOW)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize(
    ("line", "level", "at"),
    [
        # Python, also with loguru's bars
        ("2024-05-12 10:00:00,123 - my.name - ERROR - it failed", "ERROR", f"{AT}.123"),
        ("2024-05-12 10:00:00,123 ERROR my.name: it failed", "ERROR", f"{AT}.123"),
        ("2024-05-12 10:00:00.123 | WARNING  | my:main:1 - careful", "WARN", f"{AT}.123"),
        ("INFO:root:hello", "INFO", None),
        ("CRITICAL:root:hello", "ERROR", None),
        # log4j, logback, Spring, Kafka, Celery
        ("2024-05-12 10:00:00,123 [main] WARN  org.acme.Form - careful", "WARN", f"{AT}.123"),
        ("2024-05-12 10:00:00,123 DEBUG [main] org.acme.Form - so", "DEBUG", f"{AT}.123"),
        ("10:00:00.123 [main] TRACE org.acme.Form - so", "TRACE", None),
        ("2024-05-12T10:00:00.123+08:00  INFO 123 --- [main] o.a.Form : so", "INFO", "2024-05-12T02:00:00.123"),
        ("[2024-05-12 10:00:00,123] FATAL it ends (kafka.server.KafkaServer)", "ERROR", f"{AT}.123"),
        ("[2024-05-12 10:00:00,123: INFO/MainProcess] so", "INFO", f"{AT}.123"),
        # databases and web servers
        ("2024-05-12 10:00:00.000 UTC [123] user@shop ERROR:  relation does not exist", "ERROR", AT),
        ("2024-05-12T10:00:00.000000Z 0 [Warning] [MY-010055] so", "WARN", AT),
        ("2024/05/12 10:00:00 [error] 12#0: *1 open() failed", "ERROR", AT),
        ("[Sun May 12 10:00:00.123456 2024] [core:error] [pid 1] so", "ERROR", f"{AT}.123456"),
        ("[Sun May 12 10:00:00 2024] [warn] so", "WARN", AT),
        ('1.2.3.4 - - [12/May/2024:10:00:00 +0000] "GET / HTTP/1.1" 500 1', "UNKNOWN", AT),
        # syslog: the year is that of the last such day, the level that of its number
        ("May 12 10:00:00 host sshd[1]: Failed password", "UNKNOWN", AT),
        ("Dec 31 10:00:00 host sshd[1]: so", "UNKNOWN", "2023-12-31T10:00:00"),
        ("<11>May 12 10:00:00 host app: so", "ERROR", AT),
        ("<165>1 2024-05-12T10:00:00.5Z host app - ID47 - so", "INFO", f"{AT}.5"),
        # JSON lines
        ('{"level":"warn","time":"2024-05-12T10:00:00Z","msg":"so"}', "WARN", AT),
        ('{"severity":"ERROR","timestamp":1715508000.5,"msg":"so"}', "ERROR", f"{AT}.5"),
        ('{"level":50,"time":1715508000000,"msg":"pino"}', "ERROR", AT),
        ('{"@timestamp":"2024-05-12T10:00:00Z","log":{"level":"debug"}}', "DEBUG", AT),
        ('{"level":true,"time":[],"msg":"so"}', "UNKNOWN", None),
        # Android, glog, logfmt, levels in brackets
        ("05-12 10:00:00.123  1234  1250 W ActivityManager: so", "WARN", f"{AT}.123"),
        ("E/Tag( 123): so", "ERROR", None),
        ("I0512 10:00:00.123456       1 main.go:1] so", "INFO", f"{AT}.123456"),
        ('time="2024-05-12T10:00:00Z" level=warning msg="so"', "WARN", AT),
        ("level=info ts=2024-05-12T10:00:00.5Z msg=so", "INFO", f"{AT}.5"),
        ("[ERROR] so", "ERROR", None),
        ("[info] 2024-05-12 10:00:00 so", "INFO", AT),
        ("2024-05-12 10:00:00 pid=3 level=error so", "ERROR", AT),
        # Daybook's own
        ("2024-05-12T10:00:00.123Z WARN  [4711] daybook.access: so", "WARN", f"{AT}.123"),
        # No level is said, whatever the message says; a day that is none has no time.
        ("2024-05-12 10:00:00 Got ERROR from the server", "UNKNOWN", AT),
        ("2024-05-12 10:00:00 hello", "UNKNOWN", AT),
        ("2024-02-31 10:00:00 ERROR so", "ERROR", None),
    ],
)
def test_level_and_time_are_read_from_the_common_shapes(line: str, level: str, at: str | None) -> None:
    (entry,) = entries(line + "\n")
    assert entry.level == level
    assert entry.at == (None if at is None else datetime.fromisoformat(at).replace(tzinfo=UTC))


def test_a_time_without_an_offset_is_the_machines_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    (entry,) = entries("2024-05-12 18:00:00,000 ERROR so\n")
    assert entry.at == datetime(2024, 5, 12, 10, tzinfo=UTC)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize(
    ("sample", "levels", "lines_before"),
    [
        ("elastic_kafka0_server", {"INFO": 2490, "ERROR": 5, "WARN": 1}, 2_649),
        ("elastic_kafka1_server", {"INFO": 2147, "ERROR": 17, "WARN": 6}, 2_476),
        ("elastic_auth_7121", {"UNKNOWN": 7121}, 7_121),
    ],
)
def test_real_logs_have_the_levels_that_are_known_of_them(
    samples: Path, sample: str, levels: dict[str, int], lines_before: int
) -> None:
    raw = gzip.decompress((samples / f"{sample}.log.gz").read_bytes())
    found = entries(raw)
    headed = [entry for entry in found if entry.head is not None]
    assert raw.count(b"\n") == lines_before
    assert Counter(entry.level.value for entry in headed) == levels
    assert all(entry.at is not None for entry in headed)
    assert b"".join(entry.raw for entry in found) == raw


def test_a_damaged_access_log_keeps_its_fragments_with_the_lines_that_they_stand_under(samples: Path) -> None:
    raw = gzip.decompress((samples / "erddap_tomcat_20240512-20_damaged.log.gz").read_bytes())
    found = entries(raw)
    assert sum(entry.head is not None for entry in found) == 10_479
    assert sum(entry.raw.count(b"\n") for entry in found) == 16_275


def test_a_stack_trace_is_one_entry() -> None:
    trace = (
        "2024-05-12 10:00:00,123 [main] ERROR a.B - it failed\n"
        "java.lang.IllegalStateException: so\n\tat a.B.c(B.java:1)\nCaused by: x\n\t... 3 more\n"
    )
    after = "2024-05-12 10:00:01,123 [main] INFO  a.B - on\n"
    assert [entry.raw.decode() for entry in entries(trace + after)] == [trace, after]
    python = "Traceback (most recent call last):\n  File x\nValueError: 1\n"
    assert [entry.raw.decode() for entry in entries("ERROR:root:so\n" + python)] == ["ERROR:root:so\n" + python]


def test_lines_of_no_shape_are_entries_of_their_own_and_those_set_in_belong_to_them() -> None:
    assert [entry.raw for entry in entries("one\n  more\ntwo\n")] == [b"one\n  more\n", b"two\n"]


def test_a_line_that_never_ends_comes_in_pieces() -> None:
    found = entries(b"x" * (3 * LONGEST_LINE + 5))
    assert [len(entry.raw) for entry in found] == [LONGEST_LINE] * 3 + [5]
    assert found[0].is_cut
    assert len(found[0].text) == LONGEST_SHOWN


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[31mred\x1b[0m and \x1b[2Kgone", "red and gone"),
        (b"a\0b\x07c\x9b", "a\\x00b\\x07c\\x9b"),
        ("订单 ✓".encode(), "订单 ✓"),
        ("订".encode("gbk"), "\\xb6\\xa9"),
        ("a\u202eb\u200bc\ufeff".encode(), "a\\u202eb\\u200bc\\ufeff"),
        (b"one\r\ntwo\r", "one\ntwo\\x0d"),
        (b"<b>bold</b> **x** [y](http://evil.example)", "<b>bold</b> **x** [y](http://evil.example)"),
    ],
)
def test_what_is_shown_hides_nothing_and_colours_nothing(raw: bytes, shown: str) -> None:
    assert visible(raw) == shown


@given(st.binary(max_size=600))
def test_any_bytes_are_read_without_a_loss(raw: bytes) -> None:
    found = entries_of(raw, 0, Reader(), NOW)
    assert b"".join(entry.raw for entry in found) == raw
    for entry in found:
        assert entry.level in Level
        assert entry.at is None or entry.at.tzinfo is UTC
        assert "\x1b" not in entry.text


@pytest.mark.parametrize(
    "line",
    [
        f"{AT} " + " " * 400,
        f"{AT} " + "- | , :" * 60,
        f"{AT} " + "[a] (b) 1 " * 40,
        f"{AT} " + "a.b.c/d@e " * 40,
        f"{AT} " + "[" * 400,
        f"{AT} " + "a=b " * 100,
        "[" * 400,
        "a" * 100 + " " + "b" * 300,
        '{"a":' * 5000,
    ],
)
def test_no_line_takes_long(line: str) -> None:
    reader, block = Reader(), line.encode()
    begun = time.process_time()
    for _ in range(200):
        reader.head(block, 0, len(block))
    assert time.process_time() - begun < 0.4
