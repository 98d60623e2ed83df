"""When each visitor was last in each place (lib.usage.last): the same after any refresh as after a full rebuild."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from lib.usage.buckets import bucket_of
from lib.usage.last import WHOLE, Run, contents, last_seen
from lib.usage.removed import removable, without_raw
from lib.usage.writing import Writing
from tests.lib.events import NOON, Shelf, event, events

DAY = 86_400
MEMORY = Path("/dev/shm")


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Shelf(Path(folder))


def _add(shelf: Shelf, *at: tuple[float, str], page: str = "/home") -> None:
    """A batch of page views, (seconds, visitor) each, with ids of their own."""
    rows = [event(seconds, who, page=page, event_id=f"{shelf.publication}-{n}") for n, (seconds, who) in enumerate(at)]
    shelf.add(events(*rows))


def _equals_a_rebuild(shelf: Shelf) -> None:
    refreshed = shelf.tables()
    shelf.rebuild()
    rebuilt = shelf.tables()
    assert refreshed.keys() == rebuilt.keys()
    for name, table in rebuilt.items():
        assert refreshed[name].equals(table), name


def _halves(shelf: Shelf) -> list[int]:
    """The last half hours in /home, counted from NOON, in order."""
    home = contents(shelf.lake, shelf.files.last).filter(pl.col("page").cast(pl.String) == "/home")["t"]
    return sorted(t - bucket_of(NOON) for t in home)


@pytest.mark.spec("T5")
def test_a_late_event_moves_what_was_last_only_where_nothing_is_later(shelf: Shelf) -> None:
    _add(shelf, (0, "ann"), (4 * DAY, "ann"), (4 * DAY, "ben"))
    _add(shelf, (2 * DAY, "ann"))
    _add(shelf, (9 * DAY, "ben"))
    assert _halves(shelf) == [4 * 48, 9 * 48]
    _equals_a_rebuild(shelf)


@pytest.mark.spec("T5")
def test_who_comes_late_between_two_dates_is_tied_to_the_one_before_however_far_that_is(shelf: Shelf) -> None:
    names = [f"visitor-{n}" for n in range(40)]
    _add(shelf, *((0, name) for name in names), *((80 * DAY, name) for name in names))
    _add(shelf, *((20 * DAY, name) for name in names[:30]))
    _add(shelf, (60 * DAY, names[0]), (60 * DAY, "never before"), (10 * DAY, names[39]))
    _equals_a_rebuild(shelf)


@pytest.mark.spec("U8")
def test_who_is_excluded_was_never_there_and_is_there_again_when_the_rule_goes(shelf: Shelf) -> None:
    _add(shelf, (0, "ann"), (0, "ben"), (3 * DAY, "ann"))
    before = shelf.tables()
    shelf.exclude(("visitor", "ann"))
    assert _halves(shelf) == [0]
    shelf.exclude()
    assert shelf.tables()["last"].equals(before["last"])
    _equals_a_rebuild(shelf)


@pytest.mark.spec("U8")
def test_what_is_left_of_somebody_is_found_when_the_last_is_excluded(shelf: Shelf) -> None:
    shelf.add(events(*(event(at * DAY, event_id=f"{at}", version=f"{at}") for at in (0, 5, 9))))
    shelf.exclude(("version", "9"))
    assert _halves(shelf) == [5 * 48]
    shelf.exclude(("version", "9"), ("version", "5"))
    assert _halves(shelf) == [0]
    _equals_a_rebuild(shelf)


@pytest.mark.spec("T5")
def test_dates_without_raw_events_still_tell_who_was_last_there(shelf: Shelf) -> None:
    _add(shelf, (0, "ann"), (5 * DAY, "ann"), (5 * DAY, "ben"))
    shelf.publication += 1
    writing = Writing(shelf.lake, 1, shelf.publication)
    shelf.files = without_raw(writing, shelf.files, removable(shelf.files, date(2024, 5, 14)))
    _add(shelf, (4 * DAY, "ann"), (6 * DAY, "ben"))
    assert _halves(shelf) == [5 * 48, 6 * 48]
    recency = {name: rows for name, rows in shelf.tables().items() if name.startswith(("recency", "last"))}
    shelf.rebuild()
    assert all(shelf.tables()[name].equals(rows) for name, rows in recency.items())


@pytest.mark.spec("I3")
def test_what_a_publication_that_died_has_written_is_not_seen(shelf: Shelf) -> None:
    _add(shelf, (0, "ann"))
    current = shelf.files
    _add(shelf, (DAY, "ann"), (DAY, "ben"))
    shelf.files, shelf.publication = current, shelf.publication - 1
    _add(shelf, (2 * DAY, "ann"))
    assert _halves(shelf) == [2 * 48]
    _equals_a_rebuild(shelf)


def test_small_runs_are_merged_and_numbers_take_the_bytes_that_they_need(shelf: Shelf) -> None:
    years = [(n * 1000 * DAY, f"visitor-{n}") for n in range(6)]
    for n, (seconds, who) in enumerate(years):
        rows = (event(seconds, who, page=f"/{m}", mini_program_id=m + 1, event_id=f"{n}-{m}") for m in range(300))
        shelf.add(events(*rows))
    assert len(shelf.files.last) < 4
    _equals_a_rebuild(shelf)
    run = Run.opened(shelf.lake.path(shelf.files.last[0]))
    # 9 bits of mini programs, 1 of applications, 1 of systems, 9 of pages, 18 of half hours
    assert run.rows.dtype.itemsize == 5


def test_only_the_mini_programs_that_are_asked_for_are_read(shelf: Shelf) -> None:
    rows = (event(0, who, mini_program_id=m, event_id=f"{who}-{m}") for who in ("ann", "ben") for m in (1, 2, 3))
    shelf.add(batch := events(*rows))
    ann = batch["visitor_id"][0]
    asked = pl.DataFrame(
        {"visitor_id": [ann, ann, 7], "mini_program_id": [2, WHOLE, 1]},
        schema={"visitor_id": pl.UInt64, "mini_program_id": pl.Int32},
    )
    found = last_seen(shelf.lake, shelf.files.last, asked).sort("mini_program_id")
    assert found.select("visitor_id", "mini_program_id").rows() == [(ann, WHOLE), (ann, 2)]
