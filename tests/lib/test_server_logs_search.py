"""Finding entries, newest first, in the live file and its archives (SPEC V4)."""

from __future__ import annotations

import gzip
import random
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.logs.files import slices, sources
from lib.logs.files.entries import entries_of
from lib.logs.files.folder import listing
from lib.logs.files.search import Asked, Place, newest
from lib.logs.files.shapes import Reader
from lib.logs.files.types import TYPE_BY_KEY, Level
from tests.lib.log_files import archive, found, texts, write

pytestmark = pytest.mark.spec("V4")

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
LEVELS = ("INFO", "INFO", "DEBUG", "INFO", "WARN", "ERROR")


def lines(first: int, until: int) -> list[str]:
    """An entry a second, some with a stack trace."""
    told = []
    for number in range(first, until):
        at = BEGAN + timedelta(seconds=number)
        told.append(f"{at:%Y-%m-%dT%H:%M:%S}Z {LEVELS[number % 6]} [t] a.B: entry {number} Ümläut 订单")
        if number % 6 == 5:
            told += ["java.lang.Error: so", f"\tat a.B.c{number}(B.java)"]
    return told


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """900 entries: the oldest in a gzip file of elsewhere, then an archive, then the live file."""
    write(tmp_path, "crm_data.2026-11-01.1.log.gz", lines(0, 300))
    archive(tmp_path, "crm_data.2026-11-01.2.log.gz", ("\n".join(lines(300, 600)) + "\n").encode())
    write(tmp_path, "crm_data.log", lines(600, 900))
    write(tmp_path, "email.log", ["another log"])
    return tmp_path


def numbers(rows: list[str]) -> list[int]:
    """The numbers of entries."""
    return [int(text.split("entry ")[1].split()[0]) for text in rows]


def crm(folder: Path, asked: Asked, **options: int) -> list[int]:
    """The numbers of what is found, by pages, after it was seen that stack traces are whole."""
    rows = [each for each in found(folder, asked, **options) if not each.file.startswith("email")]
    shown = texts(rows)
    assert all(("\tat a.B.c" in text) == (number % 6 == 5) for text, number in zip(shown, numbers(shown), strict=True))
    return numbers(shown)


def test_the_newest_entries_come_first_and_pages_go_back_to_the_beginning(logs: Path) -> None:
    page = newest(logs, listing(logs, TYPE_BY_KEY["crm_data"]), Asked(), limit=6)
    assert numbers(texts(page.found)) == [894, 895, 896, 897, 898, 899]
    assert crm(logs, Asked(), limit=97) == list(range(900))
    assert crm(logs, Asked(), limit=1000) == list(range(900))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked(levels=frozenset({Level.ERROR})), [n for n in range(900) if n % 6 == 5]),
        (Asked(levels=frozenset({Level.ERROR, Level.WARN})), [n for n in range(900) if n % 6 in {4, 5}]),
        (Asked(levels=frozenset({Level.DEBUG})), [n for n in range(900) if n % 6 == 2]),
        (Asked(levels=frozenset({Level.UNKNOWN})), []),
        (Asked(keyword="entry 59"), [59, *range(590, 600)]),
        (Asked(keyword="ENTRY 59", match_case=True), []),
        (Asked(keyword="ENTRY 599"), [599]),
        (Asked(keyword="ÜMLÄUT 订单", levels=frozenset({Level.WARN})), [n for n in range(900) if n % 6 == 4]),
        (Asked(keyword="b.java", levels=frozenset({Level.ERROR})), [n for n in range(900) if n % 6 == 5]),
        (Asked(keyword=".*"), []),
        (Asked(since=BEGAN + timedelta(seconds=890)), list(range(890, 900))),
        (Asked(until=BEGAN + timedelta(seconds=3)), [0, 1, 2]),
        (Asked(since=BEGAN + timedelta(seconds=295), until=BEGAN + timedelta(seconds=305)), list(range(295, 305))),
        (Asked(since=BEGAN - timedelta(days=9), until=BEGAN), []),
    ],
)
def test_level_period_and_keyword_narrow_down(logs: Path, asked: Asked, expected: list[int]) -> None:
    assert crm(logs, asked, limit=50) == expected


def test_lines_around_what_is_found_are_shown_and_none_twice(tmp_path: Path) -> None:
    write(tmp_path, "crm_data.log", lines(0, 60))
    rows = found(tmp_path, Asked(keyword="entry 30 ", context=2))
    assert [(numbers([each.entry.text])[0], each.entry.is_context) for each in rows if "entry" in each.entry.text] == [
        (30, False),
        (31, True),
        (32, True),
    ]
    # The two lines before entry 30 are the end of a stack trace.
    assert rows[0].entry.text == "java.lang.Error: so\n\tat a.B.c29(B.java)"
    near = found(tmp_path, Asked(keyword="entry 1", context=5))
    starts = [each.entry.start for each in near]
    assert starts == sorted(set(starts))
    assert sum(not each.entry.is_context for each in near) == 11


def test_a_search_that_takes_long_stops_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    write(tmp_path, "crm_data.log", [*lines(0, 3), *lines(10, 20_000)])
    told: list[int] = []
    page = newest(tmp_path, listing(tmp_path), Asked(keyword="entry 1 "), seconds=0, progress=told.append)
    assert page.is_unfinished
    assert page.found == ()
    assert told == [page.searched_bytes]
    rounds = 1
    while page.is_unfinished:
        page = newest(tmp_path, listing(tmp_path), Asked(keyword="entry 1 "), seconds=0, before=page.older)
        rounds += 1
    assert numbers(texts(list(page.found))) == [1]
    assert rounds > 1


def test_a_place_whose_file_is_gone_begins_with_the_newest(logs: Path) -> None:
    files, gone = listing(logs, TYPE_BY_KEY["crm_data"]), Place("crm_data.2020-01-01.1", 5)
    page = newest(logs, files, Asked(), before=gone, limit=1)
    assert numbers(texts(list(page.found))) == [899]


def test_a_damaged_archive_is_named_and_what_it_has_is_found(tmp_path: Path) -> None:
    packed = gzip.compress(("\n".join(lines(0, 3000)) + "\n").encode())
    (tmp_path / "crm_data.2026-11-01.1.log.gz").write_bytes(packed[: len(packed) // 2])
    page = newest(tmp_path, listing(tmp_path), Asked(), limit=5)
    assert page.damaged == ("crm_data.2026-11-01.1",)
    assert len(page.found) == 5


@pytest.mark.parametrize(
    "raw",
    [b"", b"\n", b"\n" * 5000, b"no newline", b"\0" * 5000, b"x" * 12_000_000, b"\xff\xfe" * 9000, b"\x1b[2J\n" * 99],
)
def test_strange_files_are_read_to_their_beginning(tmp_path: Path, raw: bytes) -> None:
    write(tmp_path, "email.log", raw)
    for asked in (Asked(), Asked(keyword="x"), Asked(levels=frozenset({Level.ERROR})), Asked(since=BEGAN)):
        rows = found(tmp_path, asked, limit=300)
        if asked == Asked():
            assert b"".join(each.entry.raw for each in rows) == raw


def test_a_keyword_is_found_beside_bytes_that_are_no_text(tmp_path: Path) -> None:
    told = [line.encode() for line in lines(0, 400)]
    told[200] = b"2026-11-01T00:00:00Z WARN \xff\xfe Needle \xb6\xa9"
    write(tmp_path, "email.log", b"\n".join(told) + b"\n")
    for asked in (Asked(keyword="needle"), Asked(keyword="Needle", match_case=True)):
        (only,) = found(tmp_path, asked)
        assert only.entry.level is Level.WARN
        assert only.entry.text.endswith("\\xff\\xfe Needle \\xb6\\xa9")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1 << 30),
    keyword=st.sampled_from(["", "entry", "7", "so", "zzz", "订单"]),
    levels=st.sets(st.sampled_from(list(Level)), max_size=3),
    limit=st.integers(5, 60),
)
def test_what_is_found_is_what_looking_at_every_entry_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, keyword: str, levels: set[Level], limit: int
) -> None:
    """Windows and slices are made so small that a few hundred lines need many."""
    monkeypatch.setattr(slices, "FIRST_WINDOW", 1 << 11)
    monkeypatch.setattr(slices, "_SIZES", (1 << 10, 1 << 8))
    monkeypatch.setattr(slices, "_TAIL_SLICE", 1 << 9)
    monkeypatch.setattr(sources, "WINDOW", 1 << 12)
    drawn = random.Random(seed)
    told = lines(0, drawn.randrange(1, 90))
    for place in range(len(told)):
        if drawn.random() < 0.1:
            told[place] = drawn.choice(["", "plain", "  set in", "ERROR: so", '{"level":"warn"}', "x" * 3000])
    raw = "\n".join(told).encode()
    write(tmp_path, "email.log", raw)
    asked = Asked(levels=frozenset(levels), keyword=keyword)
    expected = [entry.raw for entry in entries_of(raw, 0, Reader()) if asked.finds(entry)]
    assert [each.entry.raw for each in found(tmp_path, asked, limit=limit)] == expected


def test_a_large_file_takes_little_memory_and_its_end_little_time(tmp_path: Path) -> None:
    block = ("\n".join(lines(0, 20_000)) + "\n").encode()
    with (tmp_path / "crm_data.log").open("wb") as to:
        for _ in range(60):
            to.write(block)
    files = listing(tmp_path)
    newest(tmp_path, files, Asked())
    begun = time.process_time()
    assert len(newest(tmp_path, files, Asked()).found) == 200
    assert time.process_time() - begun < 0.1
    tracemalloc.start()
    assert newest(tmp_path, files, Asked(keyword="not there", match_case=True)).searched_bytes > 60_000_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16_000_000
