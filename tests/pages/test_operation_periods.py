"""The period of the operation log in its address, and the histogram that selects one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.charts.histogram import Histogram
from lib.ui.listing.period import grain_of, span_of, text_of
from lib.usage.buckets import Grain
from lib.words import Language

TODAY = date(2024, 5, 19)
ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
INSTANTS = st.datetimes(datetime(2001, 1, 1), datetime(2038, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.spec("O4", "U5")
@pytest.mark.parametrize(
    ("text", "zone", "since", "until"),
    [
        ("today", "UTC", "2024-05-19T00:00Z", "2024-05-20T00:00Z"),
        ("7-days", "Asia/Shanghai", "2024-05-13T00:00+08:00", "2024-05-20T00:00+08:00"),
        ("2024-05-12..2024-05-12", "Asia/Kathmandu", "2024-05-12T00:00+05:45", "2024-05-13T00:00+05:45"),
        ("2024-05-12T08:30..2024-05-12T09:00", "Asia/Shanghai", "2024-05-12T00:30Z", "2024-05-12T01:00Z"),
        ("2024-05-12T08:30Z..2024-05-12T09:00:05Z", "Asia/Shanghai", "2024-05-12T08:30Z", "2024-05-12T09:00:05Z"),
    ],
)
def test_an_address_names_a_choice_days_or_instants(text: str, zone: str, since: str, until: str) -> None:
    assert span_of(text, TODAY, zone) == (at(since), at(until))


@pytest.mark.spec("U5")
@pytest.mark.parametrize(
    "text", ["", "..", "soon", "2024-05-12", "2024-05-12..", "2024-05-13..2024-05-11", "1999-01-01..2024-05-01", "0..9"]
)
def test_nonsense_is_no_period(text: str) -> None:
    assert span_of(text, TODAY, "UTC") is None


@given(INSTANTS, st.timedeltas(timedelta(microseconds=1), timedelta(days=300)), st.sampled_from(ZONES))
def test_every_period_is_read_back_from_its_address(since: datetime, length: timedelta, zone: str) -> None:
    assert span_of(text_of(since, since + length, zone), TODAY, zone) == (since, since + length)


@pytest.mark.parametrize(
    ("days", "grain"), [(1, Grain.HALF_HOUR), (2, Grain.HALF_HOUR), (7, Grain.HOUR), (30, Grain.DAY), (400, Grain.WEEK)]
)
def test_bars_are_as_long_as_suits_the_period(days: int, grain: Grain) -> None:
    assert grain_of(at("2024-05-12T00:00Z"), at("2024-05-12T00:00Z") + timedelta(days=days)) is grain


@pytest.fixture
def histogram() -> Histogram:
    days = [datetime(2024, 5, day, tzinfo=UTC) for day in (12, 13, 14)]
    counts = pl.DataFrame({"bucket": days, "operations": [3, 0, 5], "failures": [1, 0, 0]})
    counts = counts.with_columns(pl.col("bucket").dt.convert_time_zone("Asia/Shanghai"))
    return Histogram(counts, datetime(2024, 5, 15, tzinfo=UTC), Grain.DAY, Language.EN)


@pytest.mark.spec("O6")
def test_bars_have_their_failures_on_top(histogram: Histogram) -> None:
    succeeded, failed, _rest = histogram.figure().data
    assert (list(succeeded.y), list(failed.y)) == ([2, 0, 5], [1, 0, 0])
    assert succeeded.x[0] == "2024-05-12T08:00"
    assert failed.customdata[0] == "2024-05-12: 3 operations, 1 failed"
    assert "8 operations by day, 1 of them failed. The most, 5, at 2024-05-14" in histogram.alt()


@pytest.mark.spec("O6")
@pytest.mark.parametrize(
    ("selection", "since", "until"),
    [
        ({"points": [{"point_index": 1}], "box": []}, "2024-05-13T00:00Z", "2024-05-14T00:00Z"),
        ({"points": [{"point_index": 2}, {"point_index": 2}]}, "2024-05-14T00:00Z", "2024-05-15T00:00Z"),
        (
            {"box": [{"x": ["2024-05-13 23:10:00.5", "2024-05-14 09:00"]}], "points": []},
            "2024-05-13T00:00Z",
            "2024-05-15T00:00Z",
        ),
        (
            {"box": [{"x": ["2024-05-12 01:00", "2024-05-11 01:00"]}], "points": [{"point_index": 0}]},
            "2024-05-12T00:00Z",
            "2024-05-13T00:00Z",
        ),
    ],
)
def test_a_click_or_a_drag_picks_whole_bars(
    histogram: Histogram, selection: dict[str, Any], since: str, until: str
) -> None:
    assert histogram.picked(selection) == (at(since), at(until))


def test_nothing_picked_is_no_period(histogram: Histogram) -> None:
    nothing: tuple[dict[str, Any], ...] = ({}, {"points": [], "box": []}, {"points": [{"point_index": 99}]})
    for selection in (*nothing, {"box": [{"x": ["2031", "2032"]}]}):
        assert histogram.picked(selection) is None


def test_an_empty_histogram_says_so(histogram: Histogram) -> None:
    empty = Histogram(histogram.counts.clear(), histogram.until, Grain.HOUR, Language.ZH)
    assert empty.alt() == "柱状图（按小时）：没有操作。"
    assert len(empty.figure().data) == 3
