"""How the operations spread over the period."""

from __future__ import annotations

from lib.charts.histogram import Histogram
from lib.queries.console import Console
from lib.queries.exportable import Exportable, days_between
from lib.queries.operations import OperationCounts
from lib.ui.listing import timeline
from lib.ui.operations.state import LISTING, Shown
from lib.usage.buckets import Grain

_HEADINGS = {
    "bucket": "operation_columns.occurred_at",
    "operations": "operation_charts.operations",
    "failures": "operation_charts.failures",
}


def draw(console: Console, shown: Shown, counts: OperationCounts, grain: Grain) -> None:
    """Draw the histogram."""
    asked = shown.asked
    chart = Histogram(counts.histogram, asked.until, grain, console.viewer.language)
    days = days_between(asked.since, asked.until, asked.zone)
    taken = Exportable.of_frame(
        "operations_by_time",
        _HEADINGS,
        lambda: console.operations.counts(asked, grain).histogram,
        *days,
        asked.zone,
    )
    timeline.draw(console, LISTING, chart, shown.period, asked.zone, taken)
