"""Instants as people and programs write them, for commands and the read API alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lib.errors import BadInput
from lib.usage.buckets import BUCKET, EPOCH, zone_of
from lib.words import Phrase

_DATE_LENGTH = len("2024-05-12")


def instant_of(text: str, zone: str) -> datetime:
    """The instant, in UTC, that a text means: ISO 8601; without an offset, in the zone. Raises BadInput."""
    try:
        instant = datetime.fromisoformat(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=zone_of(zone))).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(what=Phrase("refused.instant", text=text[:60])) from error


def half_hour_of(text: str, zone: str) -> tuple[datetime, timedelta]:
    """The instant of a text, and how far it was moved back: a date whose midnight is inside a bucket begins with it.

    Only dates are moved (SPEC T2), in zones at :15 and :45. Raises BadInput.
    """
    instant = instant_of(text, zone)
    past = (instant - EPOCH) % BUCKET
    moved = past if len(text) == _DATE_LENGTH else timedelta()
    return instant - moved, moved
