"""The chart of feedback beside feedback for each thousand opens."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from lib.charts.feedback import FeedbackTrend
from lib.usage.buckets import Grain, of_dates
from lib.words import Language

SANTIAGO = "America/Santiago"
APRIL = of_dates(date(2024, 4, 5), date(2024, 4, 8), SANTIAGO)


def _rows(*days: tuple[int, int, int | None]) -> pl.DataFrame:
    """A day of April, its feedback, its opens."""
    zone = ZoneInfo(SANTIAGO)
    buckets = pl.Series("bucket", [datetime(2024, 4, day, tzinfo=zone) for day, _, _ in days])
    counted = pl.DataFrame([row[1:] for row in days], {"count": pl.Int64, "opens": pl.Int64}, orient="row")
    rate = pl.when(pl.col("opens") > 0).then(pl.col("count") * 1000 / pl.col("opens"))
    instants = buckets.cast(pl.Datetime("us", SANTIAGO))
    return counted.with_columns(instants, rate=rate).select("bucket", "count", "opens", "rate")


def _trend(rows: pl.DataFrame, language: Language = Language.EN) -> FeedbackTrend:
    return FeedbackTrend(rows, APRIL, Grain.DAY, language)


@pytest.mark.spec("F1", "T4")
def test_a_bucket_without_opens_has_a_gap_and_a_dash() -> None:
    bars, line = _trend(_rows((5, 2, 1000), (6, 3, 0), (7, 0, None), (8, 1, 400))).figure().data
    assert bars.y == (2, 3, 0, 1)
    assert line.y == (2.0, None, None, 2.5)
    assert bars.customdata[1] == "Feedback: 3<br>Opens: 0<br>Per thousand opens: —"
    assert bars.customdata[3] == "Feedback: 1<br>Opens: 400<br>Per thousand opens: 2.50"


@pytest.mark.spec("T2")
def test_a_bar_is_as_wide_as_its_day_also_where_clocks_change() -> None:
    # Clocks went back at the end of the 6th: by the wall, that day is as long as any, and nothing overlaps.
    bars, line = _trend(_rows((5, 2, 1000))).figure().data
    assert bars.x == ("2024-04-05T00:00", "2024-04-06T00:00", "2024-04-07T00:00", "2024-04-08T00:00")
    assert line.x[:2] == ("2024-04-05T12:00", "2024-04-06T12:00")
    assert set(bars.width) == {24 * 3_600_000 * 0.92}


@pytest.mark.spec("F1", "T2")
def test_a_clicked_bar_is_its_bucket_also_of_twenty_five_hours() -> None:
    trend = _trend(_rows((5, 2, 1000)))
    # Clocks went back at the end of the 6th.
    first, end = datetime(2024, 4, 6, 3, tzinfo=UTC), datetime(2024, 4, 7, 4, tzinfo=UTC)
    assert trend.picked({"points": [{"curve_number": 0, "point_index": 1}]}) == (first, end)
    assert trend.picked({"points": [{"point_index": 9}]}) is None
    assert trend.picked({}) is None


def test_without_any_rate_there_are_bars_alone() -> None:
    figure = _trend(_rows((5, 2, None))).figure()
    assert [len(figure.data), figure.layout.height, figure.data[0].customdata[0]] == [1, 190, "Feedback: 2"]


@pytest.mark.spec("P1", "P2")
def test_the_chart_is_told_in_a_sentence_in_both_languages() -> None:
    rows = _rows((5, 2, 1000), (6, 3, 0))
    assert _trend(rows).alt() == "Bar chart: feedback by day, 5 in all. The most, 3, at 2024-04-06."
    assert _trend(rows, Language.ZH).alt() == "柱状图：按天，共 5 条反馈；最多的一段为 2024-04-06，共 3 条。"
    assert _trend(rows.head(0)).alt() == "Bar chart: feedback by day. There is none."
