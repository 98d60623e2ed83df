"""The periods that a viewer can pick, what each is compared with, and the grains that suit it. Knows no Streamlit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import polars as pl

from lib.errors import BadInput
from lib.usage.buckets import BUCKET, EARLIEST, Grain, Period, bucket_of, bucket_starts, of_dates, start_of, zone_of

MOST_POINTS = 3_000
"""Of a line: sixty days by half hour. A browser still draws it at once."""

MOST_POINTS_OF_A_CARD = 200
"""A card is about as many pixels wide, and many of them stand beside each other."""


@dataclass(frozen=True)
class PeriodChoice:
    """A period that follows the calendar: `days` local days, the last of them `ends_ago` days before today.

    Its words are `usage.period_<key>` on the button and `usage.before_<key>` for what it is compared with.
    """

    key: str
    days: int
    ends_ago: int = 0

    def period(self, today: date, zone: str) -> Period:
        """The days as they are today."""
        last = today - timedelta(days=self.ends_ago)
        return of_dates(last - timedelta(days=self.days - 1), last, zone)


PERIOD_CHOICES = (
    PeriodChoice("today", 1),
    PeriodChoice("yesterday", 1, ends_ago=1),
    PeriodChoice("7-days", 7),
    PeriodChoice("15-days", 15),
    PeriodChoice("30-days", 30),
    PeriodChoice("90-days", 90),
)
CHOICE_BY_KEY = {choice.key: choice for choice in PERIOD_CHOICES}
DEFAULT_PERIOD = "7-days"

_GRAIN_LENGTHS = (
    (Grain.HALF_HOUR, BUCKET),
    (Grain.HOUR, timedelta(hours=1)),
    (Grain.DAY, timedelta(days=1)),
    (Grain.WEEK, timedelta(weeks=1)),
)


def today_in(zone: str, now: datetime | None = None) -> date:
    """The day that it is in a zone."""
    return (now or datetime.now(UTC)).astimezone(zone_of(zone)).date()


def period_text(first: date, last: date) -> str:
    """How an address writes any range: 2024-05-12..2024-05-18, both days included."""
    return f"{first:%Y-%m-%d}..{last:%Y-%m-%d}"


def period_of(text: str, today: date, zone: str) -> Period | None:
    """The period that an address names; None where it names none that can be shown."""
    if text in CHOICE_BY_KEY:
        return CHOICE_BY_KEY[text].period(today, zone)
    first, _, last = text.partition("..")
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
        if EARLIEST.date() <= days[0] <= days[1] <= today + timedelta(days=1):
            return of_dates(*days, zone)
    except (ValueError, OverflowError, BadInput):
        pass
    return None


def days_of(period: Period) -> tuple[date, date]:
    """The first and the last local day, both included; a bucket that holds a midnight counts for the day after it."""
    zone = zone_of(period.zone)
    first = (period.since + BUCKET - timedelta(minutes=1)).astimezone(zone).date()
    return first, (period.until - timedelta(minutes=1)).astimezone(zone).date()


def compared(period: Period, as_of: datetime | None) -> Period:
    """The period before, cut to as much as is counted of this one: today until 10:00 against yesterday until 10:00."""
    before = period.previous()
    if as_of is None or not period.since < as_of < period.until:
        return before
    until = min(before.since + (as_of - period.since), before.until)
    return Period(before.since, until, period.zone)


def over(trend: pl.DataFrame, period: Period, grain: Grain, as_of: datetime | None) -> pl.DataFrame:
    """A filled trend without the buckets that go on after `as_of`, whose figures are still growing."""
    return trend.head(_over(period, grain, bucket_of(as_of) if as_of else 0))


@lru_cache(maxsize=256)
def _over(period: Period, grain: Grain, closed: int) -> int:
    """How many buckets of a trend, which are its first, are over before a half hour."""
    return bucket_starts(period, grain).filter(pl.col("end") <= closed)["bucket"].n_unique()


def so_far_behind(shown: Period, grain: Grain, as_of: datetime | None) -> Period | None:
    """Of the previous period, the bucket behind the one that goes on at `as_of`, up to the same moment as `compared`.

    None where no bucket of the shown period is counted in part.
    """
    before = compared(shown, as_of)
    if as_of is None or before == shown.previous():
        return None
    buckets, closed = bucket_starts(shown, grain), bucket_of(as_of)
    if buckets.filter(pl.col("start") < closed, pl.col("end") > closed).is_empty():
        return None
    start = bucket_starts(shown.previous(), grain).filter(pl.col("t") == before.end - 1)["start"].item()
    return Period(start_of(start), before.until, shown.zone)


def grains_of(period: Period) -> list[Grain]:
    """The grains that the period has a whole bucket of, and at most MOST_POINTS, finest first; else weeks."""
    days = (period.length + timedelta(hours=2)) // timedelta(days=1)  # a day of 23 hours is one too
    fitting = [
        grain
        for grain, length in _GRAIN_LENGTHS
        if length <= max(period.length, timedelta(days=days)) and period.length / length <= MOST_POINTS
    ]
    return fitting or [Grain.WEEK]


def grain_on_cards(period: Period, chosen: Grain) -> Grain:
    """The grain of the small trends on cards: the chosen one unless that has too many points for them."""
    length = dict(_GRAIN_LENGTHS)[chosen]
    return chosen if period.length / length <= MOST_POINTS_OF_A_CARD else grain_of(period)


def grain_of(period: Period) -> Grain:
    """The grain that a period is drawn by at first: half hours for a day, hours for a few, then days, then weeks."""
    days = period.length / timedelta(days=1)
    wanted = Grain.HALF_HOUR if days < 2 else Grain.HOUR if days < 5 else Grain.DAY if days <= 190 else Grain.WEEK
    fitting = grains_of(period)
    return wanted if wanted in fitting else fitting[-1]
