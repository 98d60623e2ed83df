"""Half hours: the buckets of SPEC T1 and T2, as numbers, and the periods and grains that are made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

import polars as pl

from lib.errors import BadInput
from lib.words import Phrase

BUCKET = timedelta(minutes=30)
BUCKET_US = 1_800_000_000
"""Microseconds in a bucket; bucket 0 begins at 1970-01-01T00:00Z."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""An event before this is refused: its clock was never set."""


_FIRST_YEAR, _LAST_YEAR = 1970, 2100
"""Which years a period may touch: a table of half hours is made of it."""


class Grain(StrEnum):
    """How long a bucket of a trend is; `period` is the whole of it."""

    HALF_HOUR = "half-hour"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    PERIOD = "period"


def bucket_of(instant: datetime) -> int:
    """The number of the bucket that an instant is in."""
    return int((instant - EPOCH) // BUCKET)


def start_of(bucket: int) -> datetime:
    """The instant, in UTC, at which a bucket begins."""
    return EPOCH + bucket * BUCKET


def bucket_expr(instants: pl.Expr) -> pl.Expr:
    """The bucket numbers (Int32) of a column of Datetime("us", "UTC")."""
    return instants.dt.epoch("us").floordiv(BUCKET_US).cast(pl.Int32)


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises BadInput."""
    # Not every file of the zone database is a zone that Polars knows too: localtime, Factory, right/UTC.
    if name not in _zone_names():
        raise BadInput(what=Phrase("refused.zone", zone=name[:60]))
    return ZoneInfo(name)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - {"Factory", "localtime"}


@dataclass(frozen=True)
class Period:
    """The half-open range [since, until), both on a half hour, shown in a zone.

    Raises BadInput where an end is off the half hour or they are in the wrong order.
    """

    since: datetime
    until: datetime
    zone: str = "UTC"

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise BadInput(what=Phrase("refused.no_offset"))
        if (self.since - EPOCH) % BUCKET or (self.until - EPOCH) % BUCKET:
            raise BadInput(what=Phrase("refused.off_the_half_hour"))
        if self.since >= self.until:
            raise BadInput(what=Phrase("refused.wrong_order"))
        if self.since.year < _FIRST_YEAR or self.until.year > _LAST_YEAR:
            raise BadInput(what=Phrase("refused.years", first=_FIRST_YEAR, last=_LAST_YEAR))

    @property
    def first(self) -> int:
        """The number of the first bucket."""
        return bucket_of(self.since)

    @property
    def end(self) -> int:
        """The number of the bucket after the last one."""
        return bucket_of(self.until)

    @property
    def length(self) -> timedelta:
        """How long it is, in real time."""
        return self.until - self.since

    def previous(self) -> Period:
        """The period before it: as many local days where it is whole days, else of the same length."""
        zone = zone_of(self.zone)
        since, until = self.since.astimezone(zone), self.until.astimezone(zone)
        if since.timetz().replace(tzinfo=None) == until.timetz().replace(tzinfo=None) == time(0):
            days = until.date() - since.date()
            return of_dates(since.date() - days, until.date() - days - timedelta(days=1), self.zone)
        return Period(self.since - self.length, self.since, self.zone)

    def is_off_the_half_hour(self) -> bool:
        """Whether local midnights of the zone fall inside a bucket, as at +05:45 (SPEC T2)."""
        offset = self.since.astimezone(zone_of(self.zone)).utcoffset() or timedelta()
        return bool(offset % BUCKET)


def of_dates(first: date, last: date, zone: str) -> Period:
    """The local days from first to last, both included; a midnight inside a bucket is moved to the bucket's start."""
    return Period(_midnight(first, zone), _midnight(last + timedelta(days=1), zone), zone)


def _midnight(day: date, zone: str) -> datetime:
    local = datetime.combine(day, time(0), zone_of(zone))
    return start_of(bucket_of(local.astimezone(UTC)))


@lru_cache(maxsize=32)
def bucket_starts(period: Period, grain: Grain) -> pl.DataFrame:
    """Which bucket of a trend each half hour of a period belongs to.

    A row is a half hour: `t` (Int32, its number), `bucket` (Datetime in the zone: when the trend's bucket begins, by
    the calendar of the zone), `start` and `end` (Int32: the numbers of the trend's bucket, cut to the period).
    """
    halves = pl.DataFrame({"t": pl.int_range(period.first, period.end, dtype=pl.Int32, eager=True)})
    instant = pl.from_epoch(pl.col("t").cast(pl.Int64) * BUCKET_US, time_unit="us").dt.replace_time_zone("UTC")
    # At +05:45 a half hour that holds a local midnight counts for the day that begins in it, as `of_dates` cuts it.
    off = period.since.astimezone(zone_of(period.zone)).utcoffset() or timedelta()
    local = (instant + (-off) % BUCKET).dt.convert_time_zone(period.zone)
    match grain:
        case Grain.PERIOD:
            bucket = pl.lit(period.since).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(period.zone)
        case Grain.HALF_HOUR:
            bucket = instant.dt.convert_time_zone(period.zone)
        case Grain.HOUR:
            # Counted back from the instant: at a clock change one local name stands for two hours. Where clocks change
            # inside an hour, as on Lord Howe Island, what is left of it is an hour of its own.
            hour = local - pl.duration(minutes=local.dt.minute())
            back = local.dt.replace_time_zone(None) - hour.dt.replace_time_zone(None)
            bucket = pl.when(back == pl.duration(minutes=local.dt.minute())).then(hour).otherwise(local)
        case _:
            bucket = local.dt.date() if grain is Grain.DAY else local.dt.date().dt.truncate("1w")
    halves = halves.with_columns(bucket=bucket)
    if grain in {Grain.DAY, Grain.WEEK}:
        halves = halves.with_columns(bucket=_midnights(halves["bucket"], period.zone))
    ends = pl.col("t").max().over("bucket") + 1
    return halves.with_columns(start=pl.col("t").min().over("bucket"), end=ends)


def _midnights(days: pl.Series, zone: str) -> pl.Series:
    # Not dt.truncate: it raises where a clock change leaves out midnight, as in Cairo and Santiago.
    unique = days.unique()
    starts = [datetime.combine(day, time(0), zone_of(zone)).astimezone(UTC) for day in unique]
    instants = pl.Series(starts, dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
    return days.replace_strict(unique, instants, return_dtype=instants.dtype)
