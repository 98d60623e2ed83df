"""Reading any part of a log file, however it is compressed (SPEC V3, V4)."""

from __future__ import annotations

import gzip
import os
import random
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from lib.logs.files import archives, folder, sources
from lib.logs.files.mapping import Lease
from lib.logs.files.sources import Archive, Foreign, Plain
from tests.lib.log_files import archive, source, write

KEY = "application.2026-11-10.1"
LINES = b"".join(b"%07d %s\n" % (number, bytes([97 + number % 26]) * (number % 90)) for number in range(60_000))


def parts_of(found: sources.Source) -> bytes:
    """The whole of it, read in pieces whose places are drawn by lot."""
    drawn = random.Random(7)
    places = sorted({0, found.size_bytes, *(drawn.randrange(found.size_bytes) for _ in range(40))})
    pairs = list(pairwise(places))
    drawn.shuffle(pairs)
    return b"".join(part for _, part in sorted((start, found.read(start, until)) for start, until in pairs))


@pytest.mark.spec("V3")
def test_an_archive_is_plain_gzip_for_everybody_else(tmp_path: Path) -> None:
    place = archive(tmp_path, f"{KEY}.log.gz", LINES)
    assert gzip.decompress(place.read_bytes()) == LINES
    assert subprocess.run(["gzip", "-dc", place], capture_output=True, check=True).stdout == LINES


@pytest.mark.parametrize("kind", ["plain", "archive", "gzip", "members"])
def test_any_part_of_a_file_can_be_read(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_STEP", 1 << 18)
    match kind:
        case "plain":
            write(tmp_path, f"{KEY}.log", LINES)
        case "archive":
            archive(tmp_path, f"{KEY}.log.gz", LINES)
        case "gzip":
            write(tmp_path, f"{KEY}.log.gz", LINES)
        case "members":  # as `cat a.gz b.gz` and programs that pad with zeros make them
            half = len(LINES) // 2
            packed = gzip.compress(LINES[:half]) + gzip.compress(LINES[half:]) + bytes(512)
            (tmp_path / f"{KEY}.log.gz").write_bytes(packed)
    expected = {"plain": Plain, "archive": Archive}.get(kind, Foreign)
    with source(tmp_path, KEY) as found:
        assert isinstance(found, expected)
        assert found.size_bytes == len(LINES)
        assert parts_of(found) == LINES
        assert not found.is_damaged


def test_the_end_of_an_archive_is_read_without_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path, f"{KEY}.log.gz", LINES)
    unpacked: list[int] = []
    real = archives.member

    def counted(descriptor: int, members: archives.Members, number: int) -> bytes:
        unpacked.append(number)
        return real(descriptor, members, number)

    monkeypatch.setattr(archives, "member", counted)
    with source(tmp_path, KEY) as found:
        assert found.read(found.size_bytes - 1000, found.size_bytes) == LINES[-1000:]
    assert unpacked == [3]


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_file_that_ends_too_early_gives_what_it_has_and_says_so(tmp_path: Path, kept: float) -> None:
    packed = gzip.compress(LINES)
    (tmp_path / f"{KEY}.log.gz").write_bytes(packed[: int(len(packed) * kept)])
    with source(tmp_path, KEY) as found:
        assert found.is_damaged
        assert LINES.startswith(found.read(0, found.size_bytes))
        assert (found.size_bytes > 0) == (kept > 0)


def test_a_damaged_part_of_an_archive_leaves_the_others_where_they_are(tmp_path: Path) -> None:
    place = archive(tmp_path, f"{KEY}.log.gz", LINES)
    descriptor = os.open(place, os.O_RDONLY)
    members = archives.members_of(descriptor)
    os.close(descriptor)
    assert members is not None
    raw = bytearray(place.read_bytes())
    raw[members.packed[1] + 200] ^= 0xFF
    place.write_bytes(raw)
    with source(tmp_path, KEY) as found:
        assert found.size_bytes == len(LINES)
        assert found.read(0, 1000) == LINES[:1000]
        assert found.read(len(LINES) - 1000, len(LINES)) == LINES[-1000:]
        assert found.read(members.unpacked[1], members.unpacked[2]).strip() == b""
        assert found.is_damaged


def test_a_table_that_does_not_fit_its_file_is_not_believed(tmp_path: Path) -> None:
    place = archive(tmp_path, f"{KEY}.log.gz", LINES)
    with place.open("ab") as more:
        more.write(gzip.compress(b"added\n"))
    with source(tmp_path, KEY) as found:
        assert isinstance(found, Foreign)
        assert found.read(0, found.size_bytes) == LINES + b"added\n"
    raw = place.read_bytes()
    place.write_bytes(raw[100:])
    with source(tmp_path, KEY) as found:
        assert isinstance(found, Foreign)
        assert found.is_damaged


def test_a_small_file_that_holds_endlessly_much_is_read_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST_UNPACKED", 8 << 20)
    write(tmp_path, f"{KEY}.log.gz", bytes(64 << 20))
    with source(tmp_path, KEY) as found:
        assert (8 << 20) <= found.size_bytes < (9 << 20)
        assert found.is_damaged


def test_the_marks_of_a_long_file_stay_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_STEP", 1 << 16)
    monkeypatch.setattr(sources, "_MOST_MARKS", 8)
    place = write(tmp_path, f"{KEY}.log.gz", LINES)
    descriptor = os.open(place, os.O_RDONLY)
    assert len(sources.marked(descriptor).places) < 8
    os.close(descriptor)
    with source(tmp_path, KEY) as found:
        assert parts_of(found) == LINES


def test_what_is_looked_at_where_it_lies_nobody_can_cut_shorter(tmp_path: Path) -> None:
    place = write(tmp_path, "application.log", LINES)
    descriptor = os.open(place, os.O_RDONLY)
    lease = Lease(descriptor)
    if not lease.holds():
        pytest.skip("this system gives no leases")
    with pytest.raises(BlockingIOError):
        os.open(place, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK)
    assert not lease.holds()  # somebody waits, so it was given back
    os.close(os.open(place, os.O_WRONLY | os.O_NONBLOCK))
    os.close(descriptor)


def test_a_file_that_somebody_has_open_for_writing_is_copied(tmp_path: Path) -> None:
    place = write(tmp_path, "application.log", LINES * 3)
    with place.open("ab"):
        (file,) = folder.listing(tmp_path)
        with folder.opened(tmp_path, file) as descriptor, sources.source_of(file, descriptor) as found:
            view = found.view(0, found.size_bytes)
            assert isinstance(view.buffer, bytearray)
            os.truncate(place, 10)
            assert bytes(view.buffer[-5:]) == LINES[-5:]
            assert found.read(0, 100) == LINES[:10]
