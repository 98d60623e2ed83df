"""The periods that can be picked, what they are compared with, and the grains that suit them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ui.periods import (
    MOST_POINTS,
    PERIOD_CHOICES,
    compared,
    days_of,
    grain_of,
    grain_on_cards,
    grains_of,
    period_of,
    period_text,
    so_far_behind,
    today_in,
)
from lib.usage.buckets import Grain, Period, bucket_starts, of_dates

TODAY = date(2024, 5, 18)


@pytest.mark.spec("U1")
@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("today", date(2024, 5, 18), TODAY),
        ("yesterday", date(2024, 5, 17), date(2024, 5, 17)),
        ("7-days", date(2024, 5, 12), TODAY),
        ("15-days", date(2024, 5, 4), TODAY),
        ("30-days", date(2024, 4, 19), TODAY),
        ("90-days", date(2024, 2, 19), TODAY),
        ("2015-05-17..2015-05-20", date(2015, 5, 17), date(2015, 5, 20)),
        ("2024-05-18..2024-05-18", TODAY, TODAY),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham"])
def test_a_period_is_whole_days_of_the_zone(text: str, first: date, last: date, zone: str) -> None:
    period = period_of(text, TODAY, zone)
    assert period == of_dates(first, last, zone)
    assert period is not None
    assert days_of(period) == (first, last)


@pytest.mark.spec("U5")
@given(text=st.text(max_size=30) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.\.[0-9]{4}-[0-9]{2}-[0-9]{2}"))
def test_nonsense_names_no_period_and_what_names_one_is_written_the_same_way(text: str) -> None:
    period = period_of(text, TODAY, "Asia/Shanghai")
    if period is not None:
        assert period_of(period_text(*days_of(period)), TODAY, "Asia/Shanghai") == period
        assert period.until <= datetime(2024, 5, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8-days",
        "2024-05-18",
        "2024-05-20..2024-05-18",
        "1970-01-01..2024-05-18",
        "2024-05-18..2100-01-01",
        "..",
        "x..y",
    ],
)
def test_a_range_that_cannot_be_shown_is_none(text: str) -> None:
    assert period_of(text, TODAY, "UTC") is None


def test_today_is_the_day_in_the_zone() -> None:
    late = datetime(2024, 5, 18, 20, tzinfo=UTC)
    assert (today_in("UTC", late), today_in("Asia/Shanghai", late)) == (date(2024, 5, 18), date(2024, 5, 19))


@pytest.mark.spec("U1")
def test_a_period_that_is_not_over_is_compared_with_as_much_of_the_one_before() -> None:
    today = of_dates(TODAY, TODAY, "UTC")
    ten = datetime(2024, 5, 18, 10, tzinfo=UTC)
    yesterday = datetime(2024, 5, 17, tzinfo=UTC)
    assert compared(today, ten) == Period(yesterday, yesterday + timedelta(hours=10))
    assert compared(today, None) == compared(today, today.until) == compared(today, today.since) == today.previous()
    week = of_dates(date(2024, 5, 12), TODAY, "Asia/Shanghai")
    assert compared(week, ten).length == ten - week.since


@pytest.mark.parametrize(
    ("days", "grains", "first"),
    [
        (1, [Grain.HALF_HOUR, Grain.HOUR, Grain.DAY], Grain.HALF_HOUR),
        (3, [Grain.HALF_HOUR, Grain.HOUR, Grain.DAY], Grain.HOUR),
        (7, [*Grain][:4], Grain.DAY),
        (60, [*Grain][:4], Grain.DAY),
        (90, [Grain.HOUR, Grain.DAY, Grain.WEEK], Grain.DAY),
        (400, [Grain.DAY, Grain.WEEK], Grain.WEEK),
        (9000, [Grain.WEEK], Grain.WEEK),
    ],
)
def test_a_period_has_the_grains_that_suit_it(days: int, grains: list[Grain], first: Grain) -> None:
    period = of_dates(TODAY - timedelta(days=days - 1), TODAY, "Europe/Berlin")
    assert (grains_of(period), grain_of(period)) == (grains, first)


@pytest.mark.spec("U1")
def test_days_and_weeks_of_a_clock_change_have_their_grains() -> None:
    for first, last in ((date(2024, 3, 31), date(2024, 3, 31)), (date(2024, 3, 28), date(2024, 4, 3))):
        grains = grains_of(of_dates(first, last, "Europe/Berlin"))
        assert grains == [*Grain][: 3 if first == last else 4]


def test_cards_are_drawn_by_the_chosen_grain_unless_it_has_too_many_points() -> None:
    week = of_dates(date(2024, 5, 12), TODAY, "UTC")
    assert [grain_on_cards(week, grain) for grain in grains_of(week)] == [
        Grain.DAY,
        Grain.HOUR,
        Grain.DAY,
        Grain.WEEK,
    ]


@pytest.mark.spec("U1")
@pytest.mark.parametrize(
    ("first", "grain", "as_of", "behind"),
    [
        # The day that is not over, the week that is not over, and the hour that is not, in the middle of a day.
        (date(2024, 5, 12), Grain.DAY, "18T15:00", ("11T00:00", "11T15:00")),
        (date(2024, 5, 5), Grain.WEEK, "18T15:00", ("04-29T00:00", "05-04T15:00")),
        (TODAY, Grain.HOUR, "18T10:30", ("17T10:00", "17T10:30")),
        # Nothing goes on: between two hours, before the period, at its end, and where nothing is counted.
        (TODAY, Grain.HOUR, "18T10:00", None),
        (TODAY, Grain.DAY, "17T10:00", None),
        (TODAY, Grain.DAY, "19T00:00", None),
        (TODAY, Grain.DAY, "", None),
    ],
)
def test_a_bucket_that_goes_on_is_told_against_the_one_before_up_to_the_same_moment(
    first: date, grain: Grain, as_of: str, behind: tuple[str, str] | None
) -> None:
    def instant(text: str) -> datetime:
        return datetime.fromisoformat(f"2024-{text if len(text) > 8 else '05-' + text}+00:00")

    found = so_far_behind(of_dates(first, TODAY, "UTC"), grain, instant(as_of) if as_of else None)
    assert found == (behind and Period(*map(instant, behind)))


@pytest.mark.parametrize("choice", PERIOD_CHOICES)
def test_no_line_has_more_points_than_a_browser_draws_quickly(choice: object) -> None:
    period = choice.period(TODAY, "America/New_York")  # type: ignore[attr-defined]
    for grain in grains_of(period):
        assert bucket_starts(period, grain)["bucket"].n_unique() <= MOST_POINTS
