"""The figures as files and answers have them."""

from __future__ import annotations

import polars as pl
import pytest

from lib.usage.metrics import METRICS


@pytest.mark.spec("T3", "T4")
def test_sums_of_seconds_have_no_noise_behind_the_microsecond() -> None:
    counted = {"opens": 3, "page_views": 7, "active_users": 3, "new_users": 1, "cumulative_users": 3, "shares": 0}
    counted |= {"entries": 3, "exits": 2, "stay_seconds": 51141.884999999995, "session_seconds": 0.1 + 0.2}
    figures = pl.DataFrame(counted).select(metric.expression() for metric in METRICS).row(0, named=True)
    assert (figures["stay_seconds"], figures["session_seconds"], figures["opens"]) == (51141.885, 0.3, 3)
    assert (figures["pages_per_user"], figures["opens_per_user"]) == (7 / 3, 1)
