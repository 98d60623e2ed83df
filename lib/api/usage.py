"""`/api/v1/usage`: the figures that the pages show and `daybook show usage` prints."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from lib.access.permissions import Permission
from lib.api.parameters import GRAINS, HALF_HOUR, TENANT, ZONE, instant_of, key_of, one_of, text_of, within_reach
from lib.api.resources import MOST_ROWS, NOTICE, Asked, Resource, bounded, row_schema, too_many
from lib.queries.console import Console
from lib.queries.flat_rows import usage_rows
from lib.queries.usage import UsageFilter, UsageQueries
from lib.usage.buckets import BUCKET, Grain, Period, zone_of
from lib.usage.instants import half_hour_of
from lib.usage.metrics import METRIC_BY_KEY, METRICS, PAGE_METRICS, Metric, Unit
from lib.words import Language, say

DIMENSIONS = ("application", "mini_program", "page", "os")

_HALF_HOURS_IN = {Grain.HALF_HOUR: 1, Grain.HOUR: 2, Grain.DAY: 48, Grain.WEEK: 336}

_MINUTE = timedelta(minutes=1)

_ENDS = "ISO 8601 at :00 or :30 UTC, or a date; without an offset, in the zone. Write + as %2B."


def _answer(console: Console, asked: Asked) -> pl.DataFrame:
    zone: str = asked["zone"]
    since, until = (within_reach(half_hour_of(asked[name], zone)[0], name) for name in ("since", "until"))
    wanted = UsageFilter(Period(since, until, zone), asked["mini_program"], asked["application"], asked["os"])
    queries, grain = console.usage, Grain(asked["grain"])
    _require_few_buckets(queries, since, until, grain)
    return bounded(usage_rows(queries, wanted, grain, asked["by"]))


def _notice(asked: Asked) -> str | None:
    """That buckets begin earlier than their names say (SPEC T2), where the zone is at :15 or :45."""
    zone: str = asked["zone"]
    since = within_reach(half_hour_of(asked["since"], zone)[0], "since")
    past = (since.astimezone(zone_of(zone)).utcoffset() or timedelta()) % BUCKET
    if not past:
        return None
    minutes = past // _MINUTE
    return f"Midnights of {zone} are inside a half hour: days, weeks and hours count from {minutes} minutes earlier"


def _require_few_buckets(queries: UsageQueries, since: datetime, until: datetime, grain: Grain) -> None:
    """Raise BadInput before the work, where the buckets that can have events are too many."""
    span = queries.span()
    if span is None or grain is Grain.PERIOD:
        return
    buckets = (min(until, span[1]) - max(since, span[0])) // BUCKET // _HALF_HOURS_IN[grain]
    if buckets > MOST_ROWS:
        raise too_many(buckets)


def _metric_schema(metric: Metric) -> dict[str, Any]:
    said = {"description": say(f"{metric.words}_help", Language.EN)}
    if metric.denominator is not None:
        return {"type": ["number", "null"], **said}
    return {"type": "integer" if metric.unit in {Unit.COUNT, Unit.USERS} else "number", "minimum": 0, **said}


def _row(metrics: tuple[Metric, ...], dimensions: tuple[str, ...], more: tuple[str, ...] = ()) -> dict[str, Any]:
    bucket = {"type": "string", "format": "date-time", "description": "When it begins, in the zone. Not of a period."}
    keys = {name: {"type": ["string", "null"], "description": "The key asked for."} for name in dimensions}
    figures = {metric.key: _metric_schema(metric) for metric in (*metrics, *(METRIC_BY_KEY[key] for key in more))}
    return row_schema({"bucket": bucket, **keys, **figures}, optional=("bucket", *dimensions))


USAGE = Resource(
    path="/api/v1/usage",
    summary="Usage, exact to the half hour",
    description="Figures by bucket and, with `by`, by place; users are distinct in each row. Buckets without events "
    f"are left out. Figures are those of the last refresh. At most {MOST_ROWS:,} rows. In zones at :15 and :45 a "
    f"bucket counts from the half hour that it begins in, as the header {NOTICE} says.",
    permission=Permission.USAGE_READ,
    parameters=(
        instant_of("since", f"The first instant: {_ENDS}", "2024-05-12", HALF_HOUR),
        instant_of("until", f"The instant after the last one: {_ENDS}", "2024-05-19", HALF_HOUR),
        one_of("grain", GRAINS, "How long a bucket is.", "period"),
        ZONE,
        key_of("mini_program", "Only this mini program, by key.", "shop"),
        key_of("application", "Only this application, by key.", "web"),
        text_of("os", "Only this operating system.", "Android"),
        one_of("by", DIMENSIONS, "One row for each, under its name."),
        TENANT,
    ),
    answer=_answer,
    notice=_notice,
    row={
        "anyOf": [
            _row(METRICS, ("application", "mini_program", "os")),
            _row(PAGE_METRICS, ("page",), ("stay_seconds", "new_users")),
        ]
    },
    example=(
        {
            "bucket": "2024-05-12T00:00:00+08:00",
            "application": "web",
            "opens": 8,
            "page_views": 30,
            "active_users": 5,
            "new_users": 2,
            "cumulative_users": 90,
            "shares": 1,
            "stay_seconds": 240.0,
            "session_seconds": 260.0,
            "entries": 8,
            "exits": 8,
            "opens_per_user": 1.6,
            "time_per_user": 48.0,
            "time_per_session": 32.5,
            "pages_per_user": 6.0,
            "pages_per_session": 3.75,
            "time_per_page_view": 8.0,
        },
    ),
)
