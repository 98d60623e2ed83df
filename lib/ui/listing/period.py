"""The period of a log: a choice by the calendar, days, or any two instants. Knows no Streamlit."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from lib.errors import BadInput
from lib.store.time_ids import LAST_INSTANT
from lib.ui.periods import CHOICE_BY_KEY, period_text
from lib.usage.buckets import EARLIEST, Grain, zone_of
from lib.usage.instants import instant_of

CHOICES = ("today", "7-days", "30-days", "90-days")
DEFAULT = "7-days"

Span = tuple[datetime, datetime]
"""The half-open range [since, until)."""

_DAY = timedelta(days=1)
_DATE_LENGTH = len("2024-05-12")


def span_of(text: str, today: date, zone: str) -> Span | None:
    """What an address names by a choice's key, by two days (both included) or by two instants (the second is not);
    None where it names nothing that can be shown."""
    try:
        if text in CHOICE_BY_KEY:
            choice = CHOICE_BY_KEY[text]
            last = today - timedelta(days=choice.ends_ago)
            return _midnight(last - timedelta(days=choice.days - 1), zone), _midnight(last + _DAY, zone)
        first, _, last_text = text.partition("..")
        if len(first) == len(last_text) == _DATE_LENGTH:
            since = _midnight(date.fromisoformat(first), zone)
            until = _midnight(date.fromisoformat(last_text) + _DAY, zone)
        else:
            since, until = instant_of(first, zone), instant_of(last_text, zone)
    except (ValueError, OverflowError, BadInput):
        return None
    return (since, until) if EARLIEST <= since < until <= LAST_INSTANT else None


def text_of(since: datetime, until: datetime, zone: str) -> str:
    """How an address names a period: by days where it is whole days, else by instants as clocks in the zone show them,
    with an offset where a clock shows the same twice."""
    first, end = (instant.astimezone(zone_of(zone)) for instant in (since, until))
    if first.time() == end.time() == time(0):
        return period_text(first.date(), end.date() - _DAY)
    return f"{_clock(first, zone)}..{_clock(end, zone)}"


def grain_of(since: datetime, until: datetime) -> Grain:
    """How long a bar of the histogram is: 40 to 250 of them."""
    days = (until - since) / _DAY
    if days <= 2:
        return Grain.HALF_HOUR
    if days <= 10:
        return Grain.HOUR
    return Grain.DAY if days <= 190 else Grain.WEEK


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(0), zone_of(zone)).astimezone(UTC)


def _clock(local: datetime, zone: str) -> str:
    wall = local.replace(tzinfo=None)
    spec = "seconds" if wall.second or wall.microsecond else "minutes"
    text = wall.isoformat(timespec="microseconds" if wall.microsecond else spec)
    return text if instant_of(text, zone) == local else local.isoformat()
