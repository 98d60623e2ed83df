"""What the resources that give rows of logs have in common: their period, and schemas of columns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from lib.api.parameters import GRAINS, HALF_HOUR, LATEST, ZONE, instant_of, one_of, within_reach
from lib.api.resources import Asked
from lib.usage import instants

_ENDS = "ISO 8601; without an offset, in the zone. Write + as %2B."

PERIOD: Final = (
    instant_of("since", f"The first instant: {_ENDS}", "2024-05-12", HALF_HOUR),
    instant_of("until", f"The instant after the last one: {_ENDS}", "2024-05-19", HALF_HOUR),
    ZONE,
    one_of("grain", GRAINS, "Counts by buckets of this length, in place of rows."),
)
"""The parameters that say of when, and whether rows or counts."""

COUNT: Final[dict[str, Any]] = {"type": "integer", "minimum": 0}
INSTANT: Final[dict[str, Any]] = {"type": "string", "format": "date-time", "description": "In the zone."}
ID: Final[dict[str, Any]] = {
    "type": "string",
    "pattern": "^[0-9]+$",
    "description": "Grows with time; a number of 63 bits.",
}


def period_of(asked: Asked, latest: datetime = LATEST) -> tuple[datetime, datetime, str]:
    """The period that is asked for, cut at `latest`, and its zone. Raises BadInput."""
    zone: str = asked["zone"]
    since, until = (within_reach(instants.instant_of(asked[name], zone), name) for name in ("since", "until"))
    if until > latest:
        since, until = min(since, latest - timedelta(seconds=1)), latest
    return since, until, zone
