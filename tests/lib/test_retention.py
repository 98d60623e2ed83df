"""Who came back, and when that can be told (SPEC U9)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from lib.usage.buckets import Period, bucket_of, of_dates
from lib.usage.retention import DAYS_LATER, retained

pytestmark = pytest.mark.spec("U9")

FIRST = date(2024, 3, 1)


def presence(*visits: tuple[int, int, int]) -> pl.DataFrame:
    """(user, days after FIRST, UTC hour) of each visit."""
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    rows = [(user, bucket_of(start + timedelta(days=day, hours=hour))) for user, day, hour in visits]
    return pl.DataFrame(rows, schema={"user_id": pl.UInt64, "t": pl.Int32}, orient="row").unique()


def shares(row: dict[str, object]) -> list[object]:
    return [row[f"day_{later}"] for later in DAYS_LATER]


def at(days: int, hours: int = 0) -> int:
    return bucket_of(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=days, hours=hours))


def week(zone: str = "UTC") -> Period:
    return of_dates(FIRST, FIRST + timedelta(days=6), zone)


def test_new_users_are_looked_for_on_each_later_day() -> None:
    visits = presence((1, 0, 8), (1, 1, 9), (1, 7, 9), (2, 0, 8), (2, 30, 1), (3, 1, 5))
    rows = retained(visits, week(), at(40), "new").to_dicts()
    assert [(row["day"], row["users"]) for row in rows] == [(FIRST, 2), (FIRST + timedelta(days=1), 1)]
    assert shares(rows[0]) == [0.5, 0, 0, 0, 0, 0, 0.5, 0, 0.5]
    assert shares(rows[1]) == [0] * 9


def test_active_users_are_a_cohort_on_each_of_their_days() -> None:
    rows = retained(presence((1, 0, 8), (1, 1, 9), (1, 2, 9), (2, 1, 9)), week(), at(40), "active").to_dicts()
    assert [(row["users"], row["day_1"]) for row in rows] == [(1, 1.0), (2, 0.5), (1, 0.0)]


def test_a_day_that_is_not_over_has_no_share() -> None:
    visits = presence((1, 0, 8), (1, 1, 9))
    assert retained(visits, week(), at(1, 12), "new")["day_1"].to_list() == [None]
    assert retained(visits, week(), at(2), "new").select("day_1", "day_2").row(0) == (1.0, None)


def test_days_are_the_zones_own() -> None:
    visits = presence((1, 0, 15), (1, 0, 17))  # 23:00 of the first and 01:00 of the second day in Shanghai
    row = retained(visits, week("Asia/Shanghai"), at(40), "new").row(0, named=True)
    assert (row["day"], row["day_1"]) == (FIRST, 1.0)


def test_new_is_by_the_first_visit_of_all_time() -> None:
    visits = presence((1, -20, 8), (1, 1, 8))
    assert retained(visits, week(), at(40), "new").is_empty()
    assert retained(visits, week(), at(40), "active")["users"].to_list() == [1]


def test_nobody_has_no_retention() -> None:
    empty = retained(presence(), week(), at(40), "new")
    assert empty.is_empty()
    assert empty.columns == ["day", "users", *(f"day_{later}" for later in DAYS_LATER)]
