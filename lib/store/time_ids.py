"""Ids that are time-ordered: the milliseconds of an instant, then bits that tell those of one millisecond apart.

A period is a range of them, and the newest come first by the key alone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

LOW_BITS: Final = 22
"""The bits of an id below its milliseconds: they tell apart what happened in one millisecond."""

LOW_MASK: Final = (1 << LOW_BITS) - 1

LAST_INSTANT: Final = datetime(2039, 9, 1, tzinfo=UTC)
"""Ids of later instants would not fit into 63 bits."""

HALF_HOUR: Final = 1_800_000 << LOW_BITS
"""How many ids a half hour has: an id divided by it is the number of its bucket."""


def first_id(at: datetime) -> int:
    """The least id at or after an instant: a period is the ids in [first_id(since), first_id(until))."""
    milliseconds = -((EPOCH - at.astimezone(UTC)) // _MILLISECOND)
    return min(max(milliseconds, 0), (1 << 41) - 1) << LOW_BITS


def milliseconds_of(at: datetime) -> int:
    """Whole milliseconds since 1970: the upper bits of an id."""
    return (at - EPOCH) // _MILLISECOND
