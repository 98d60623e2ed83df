"""The rules of SPEC.md, section 2, one by one, on a lake with a handful of events."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lib.usage.buckets import bucket_of
from tests.lib.events import NOON, Shelf, event, events

pytestmark = pytest.mark.spec("T3")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def counts(shelf: Shelf, *rows: dict[str, object]) -> dict[str, int]:
    shelf.add(events(*rows))
    return shelf.summed()


@pytest.mark.parametrize(("gap", "opens"), [(1799.999999, 1), (1800, 2), (1801, 2)])
def test_thirty_minutes_without_an_event_end_a_session_without_an_id(shelf: Shelf, gap: float, opens: int) -> None:
    assert counts(shelf, event(0), event(gap))["opens"] == opens


def test_a_session_that_the_client_names_does_not_end_by_silence(shelf: Shelf) -> None:
    figures = counts(shelf, event(0, session="s"), event(7200, session="s"))
    assert (figures["opens"], figures["session_us"]) == (1, 7_200_000_000)


def test_a_session_without_an_explicit_open_counts_one(shelf: Shelf) -> None:
    assert counts(shelf, event(0), event(5))["opens"] == 1


def test_each_explicit_open_counts(shelf: Shelf) -> None:
    rows = (event(0, kind="open", page=None), event(1), event(60, kind="open", page=None), event(61))
    assert counts(shelf, *rows)["opens"] == 2


CLOSE = {"kind": "close", "page": None}


@pytest.mark.parametrize(("back", "opens"), [(40.0, 1), (40.000001, 2), (1200, 2)])
def test_a_return_after_more_than_thirty_seconds_in_the_background_is_an_open(
    shelf: Shelf, back: float, opens: int
) -> None:
    assert counts(shelf, event(0), event(10, **CLOSE), event(back))["opens"] == opens


def test_a_return_that_says_so_is_one_open_and_leaving_a_page_late_is_none(shelf: Shelf) -> None:
    launched = event(0, kind="open", page=None)
    away = (event(10, **CLOSE), event(50, kind="page_leave", duration_ms=9000))
    shown = (event(600, kind="custom", page=None), event(601))
    gone_again = (event(610, **CLOSE), event(1000, kind="open", page=None), event(1001), event(1010, **CLOSE))
    assert counts(shelf, launched, event(1), *away, *shown, *gone_again)["opens"] == 3


def test_a_return_belongs_to_its_own_session(shelf: Shelf) -> None:
    rows = (event(0, "ann", session="a"), event(10, "ann", session="a", **CLOSE))
    leaving = event(100, "ann", session="b", kind="page_leave", page=None)
    assert counts(shelf, *rows, leaving, event(200, "ann", session="b"))["opens"] == 2


def test_an_open_alone_makes_a_user_active(shelf: Shelf) -> None:
    counts(shelf, event(0, kind="open", page=None))
    assert shelf.tables()["recency 0"]["n"].to_list() == [1]


def test_stay_is_the_duration_that_the_client_reports(shelf: Shelf) -> None:
    assert counts(shelf, event(0, duration_ms=1500), event(60))["stay_us"] == 1_500_000


def test_stay_is_else_the_time_to_the_next_event_and_nothing_for_the_last_page(shelf: Shelf) -> None:
    assert counts(shelf, event(0), event(60), event(90, kind="custom", page=None))["stay_us"] == 90_000_000


def test_stay_told_by_the_next_event_is_at_most_thirty_minutes(shelf: Shelf) -> None:
    assert counts(shelf, event(0, session="s"), event(86_400, session="s"))["stay_us"] == 1_800_000_000


def test_leaving_a_page_reports_its_stay(shelf: Shelf) -> None:
    assert counts(shelf, event(0), event(60, kind="page_leave", duration_ms=42_000))["stay_us"] == 42_000_000


def test_a_session_lasts_to_its_last_event_and_that_ones_reported_duration(shelf: Shelf) -> None:
    assert counts(shelf, event(0), event(60, duration_ms=5000))["session_us"] == 65_000_000


def test_opens_durations_and_exits_belong_to_the_bucket_of_the_sessions_start(shelf: Shelf) -> None:
    shelf.add(events(event(1790), event(1810, page="/end")))
    first, second = bucket_of(NOON), bucket_of(NOON) + 1
    rows = shelf.tables()["2024-05-12 pages"]
    by_page = {
        row["page"]: (row["t"], row["page_views"], row["entries"], row["exits"])
        for row in rows.filter(pl.col("page_views") > 0).to_dicts()
    }
    assert by_page == {"/home": (first, 1, 1, 0), "/end": (second, 1, 0, 0)}
    exits = rows.filter(pl.col("exits") > 0).select("t", "page").rows()
    assert exits == [(first, "/end")]


def test_a_session_is_not_cut_at_midnight(shelf: Shelf) -> None:
    before, after = 43_200 - 60, 43_200 + 60
    assert counts(shelf, event(before), event(after))["opens"] == 1
    assert list(shelf.files.days) == ["2024-05-12"]


def test_an_event_that_comes_late_joins_two_sessions(shelf: Shelf) -> None:
    rows = events(event(0), event(2400), event(1200))
    shelf.add(rows.head(2))
    assert shelf.summed()["opens"] == 2
    shelf.add(rows.tail(1))
    assert shelf.summed()["opens"] == 1


def test_a_late_first_event_moves_its_session_to_the_day_before(shelf: Shelf) -> None:
    rows = events(event(43_200 + 60), event(43_200 - 60))
    shelf.add(rows.head(1))
    assert list(shelf.files.days) == ["2024-05-13"]
    shelf.add(rows.tail(1))
    assert list(shelf.files.days) == ["2024-05-12"]


@pytest.mark.spec("T5")
def test_the_first_accepted_copy_of_an_id_wins(shelf: Shelf) -> None:
    shelf.add(events(event(0, page="/first", event_id="one")))
    ledger = shelf.add(events(event(3600, page="/second", event_id="one")))
    assert shelf.summed()["page_views"] == 1
    assert shelf.tables()["2024-05-12 pages"]["page"].to_list() == ["/first"]
    assert ledger.select("t", "added", "late", "duplicate").rows() == [(bucket_of(NOON) + 2, 0, 0, 1)]


@pytest.mark.spec("T5")
def test_the_ledger_tells_late_rows_from_others(shelf: Shelf) -> None:
    closed = bucket_of(NOON) + 1
    ledger = shelf.add(events(event(0), event(1800)), closed)
    assert ledger.select("t", "added", "late").rows() == [(closed - 1, 1, 1), (closed, 1, 0)]


def test_users_are_numbered_by_each_application_where_the_tenant_says_so(shelf: Shelf) -> None:
    other = {"application_id": 2, "application": "app"}
    shelf.add(events(event(0), event(1, **other)))
    assert shelf.tables()["recency 0"]["n"].sum() == 1
    shelf.rebuild(per_application=True)
    assert shelf.tables()["recency 0"]["n"].sum() == 2
