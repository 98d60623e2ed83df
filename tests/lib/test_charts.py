"""Figures from frames, and figures to text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.charts.theme import BEFORE, NOW
from lib.charts.ticks import axis_marks
from lib.charts.trend import Trend
from lib.charts.units import DASH, Change, change, figure_text, short_text
from lib.usage.buckets import Grain, bucket_starts, of_dates
from lib.usage.metrics import METRIC_BY_KEY, Unit
from lib.words import Language

EN, ZH = Language.EN, Language.ZH
MAY = of_dates(date(2024, 5, 12), date(2024, 5, 14), "Asia/Shanghai")


def _days(first: int, *opens: int | None) -> pl.DataFrame:
    zone = ZoneInfo("Asia/Shanghai")
    buckets = [datetime(2024, 5, first + day, tzinfo=zone) for day in range(len(opens))]
    instants = pl.Series("bucket", buckets).cast(pl.Datetime("us", "Asia/Shanghai"))
    return pl.DataFrame({"bucket": instants, "opens": pl.Series(opens, dtype=pl.Int64)})


def _trend(now: pl.DataFrame, before: pl.DataFrame | None = None, as_of: datetime | None = None) -> Trend:
    return Trend(METRIC_BY_KEY["opens"], Grain.DAY, MAY, EN, now, before, as_of)


def test_a_trend_is_known_again_by_all_that_it_shows() -> None:
    notes = pl.DataFrame({"noted_on": [date(2024, 5, 13)], "name": ["Release"], "description": [""]})
    seen = _trend(_days(12, 2, 1, None), _days(9, 1, 1, 1))
    assert _trend(_days(12, 2, 1, None), _days(9, 1, 1, 1)).facts() == seen.facts()
    others = (
        _trend(_days(12, 2, 1, 0), _days(9, 1, 1, 1)),
        _trend(_days(12, 2, 1, None), _days(9, 1, 1, 2)),
        _trend(_days(12, 2, 1, None)),
        replace(seen, language=ZH),
        replace(seen, metric=METRIC_BY_KEY["shares"], now=_shares(seen.now), before=None),
        replace(seen, as_of=datetime(2024, 5, 14, tzinfo=UTC)),
        replace(seen, notes=notes),
        replace(seen, notes=notes.with_columns(name=pl.lit("Sale"))),
    )
    assert len({seen.facts(), *(other.facts() for other in others)}) == 9


def _shares(opens: pl.DataFrame) -> pl.DataFrame:
    return opens.rename({"opens": "shares"})


@pytest.mark.parametrize(
    ("figure", "unit", "english", "chinese"),
    [
        (0, Unit.COUNT, "0", "0"),
        (1234, Unit.COUNT, "1,234", "1,234"),
        (1234567, Unit.USERS, "1,234,567", "1,234,567"),
        (None, Unit.COUNT, DASH, DASH),
        (None, Unit.SECONDS, DASH, DASH),
        (2.345, Unit.RATIO, "2.35", "2.35"),
        (0.1234, Unit.SHARE, "12.3 %", "12.3 %"),
        (1.0, Unit.SHARE, "100.0 %", "100.0 %"),
        (0, Unit.SECONDS, "0 s", "0 秒"),
        (1.25, Unit.SECONDS, "1.2 s", "1.2 秒"),
        (9.96, Unit.SECONDS, "10 s", "10 秒"),
        (59.6, Unit.SECONDS, "1 min", "1 分"),
        (200, Unit.SECONDS, "3 min 20 s", "3 分 20 秒"),
        (3599.7, Unit.SECONDS, "1 h", "1 小时"),
        (7500, Unit.SECONDS, "2 h 5 min", "2 小时 5 分"),
        (4_000_000, Unit.SECONDS, "1,111 h 7 min", "1,111 小时 7 分"),
    ],
)
def test_a_figure_is_written_with_its_unit_in_both_languages(
    figure: float | None, unit: Unit, english: str, chinese: str
) -> None:
    assert (figure_text(figure, unit, EN), figure_text(figure, unit, ZH)) == (english, chinese)


@pytest.mark.parametrize(
    ("figure", "english", "chinese"),
    [
        (999_999, "999,999", "999,999"),
        (1_000_000, "1 M", "100万"),
        (1_234_567, "1.23 M", "123万"),
        (999_999_999, "1 B", "10亿"),
        (123_456_789_012, "123 B", "1,230亿"),
    ],
)
def test_only_counts_of_a_million_and_more_are_shortened(figure: int, english: str, chinese: str) -> None:
    assert (short_text(figure, Unit.COUNT, EN), short_text(figure, Unit.COUNT, ZH)) == (english, chinese)


@pytest.mark.spec("T4")
@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (110, 100, Change("+10.0 %", 1)),
        (90, 100, Change("−10.0 %", -1)),
        (100, 100, Change("±0 %", 0)),
        (100_001, 100_000, Change("±0 %", 0)),
        (0, 100, Change("−100.0 %", -1)),
        (5, 0, Change("from 0", 1)),
        (0, 0, Change(DASH, None)),
        (None, 3, Change(DASH, None)),
        (3, None, Change(DASH, None)),
    ],
)
def test_a_change_is_told_in_signs_and_words(now: float | None, before: float | None, expected: Change) -> None:
    assert change(now, before, EN) == expected


def test_a_trend_draws_the_previous_period_behind_by_position() -> None:
    drawn = _trend(_days(12, 10, 20, 30), _days(9, 7, 8, 9)).figure()
    before, now = drawn.data
    assert list(before.x) == list(now.x) == ["2024-05-12T00:00", "2024-05-13T00:00", "2024-05-14T00:00"]
    assert (list(before.y), list(now.y)) == ([7, 8, 9], [10, 20, 30])
    assert list(now.customdata) == ["Opens: 10", "Opens: 20", "Opens: 30"]
    assert before.customdata[0] == "Previous (2024-05-09): 7"
    assert (before.line.color, before.line.dash, now.line.color, now.line.dash) == (BEFORE, "dot", NOW, None)
    assert (before.name, now.name) == ("Previous period", "This period")


@pytest.mark.spec("T1")
def test_a_bucket_that_is_not_over_is_drawn_apart_and_told_once() -> None:
    as_of = datetime(2024, 5, 13, 4, tzinfo=UTC)
    ended, so_far = _trend(_days(12, 10, 4), as_of=as_of).figure().data
    assert (list(ended.y), list(so_far.y)) == ([10], [10, 4])
    assert so_far.name == "So far"
    assert list(so_far.hovertemplate) == ["<extra></extra>", "%{customdata}<extra></extra>"]
    assert len(_trend(_days(12, 10, 4), as_of=as_of + timedelta(hours=12)).figure().data) == 1


@pytest.mark.spec("U1")
def test_a_day_that_is_not_over_ends_the_previous_line_at_the_same_moment() -> None:
    whole, part = _days(9, 7, 8, 9), _days(11, 4)
    until = datetime(2024, 5, 11, 7, tzinfo=UTC)
    trend = replace(_trend(_days(12, 10, 20, 5), whole), part=part, part_until=until)
    before = trend.figure().data[0]
    assert list(before.y) == [7, 8, 4]
    assert list(before.customdata[1:]) == ["Previous (2024-05-10): 8", "Previous (2024-05-11, to 15:00): 4"]
    assert trend.rows()["before_opens"].to_list() == [7, 8, 4]
    assert trend.facts() != replace(trend, part=_days(11, 3)).facts()


@pytest.mark.spec("U1")
def test_in_the_middle_of_a_period_the_previous_line_stays_whole_and_the_hover_tells_both() -> None:
    until = datetime(2024, 5, 10, 7, tzinfo=UTC)
    trend = replace(_trend(_days(12, 10, 3), _days(9, 7, 8, 9)), part=_days(10, 4), part_until=until)
    before = trend.figure().data[0]
    assert list(before.y) == [7, 8, 9]
    assert before.customdata[1] == "Previous (2024-05-10): 8, to 15:00: 4"


@pytest.mark.spec("U7")
def test_the_rows_of_a_trend_are_all_that_it_draws() -> None:
    rows = _trend(_days(12, 10, 3), _days(9, 7, 8, 9)).rows()
    assert rows.columns == ["bucket", "opens", "before_bucket", "before_opens"]
    assert [(at.day, opens, before.day, then) for at, opens, before, then in rows.iter_rows()] == [
        (12, 10, 9, 7),
        (13, 3, 10, 8),
        (14, None, 11, 9),
    ]
    assert _trend(_days(12, 10)).rows().columns == ["bucket", "opens"]


def test_a_gap_is_a_gap_and_not_a_zero() -> None:
    (now,) = _trend(_days(12, 10, None, 30)).figure().data
    assert list(now.y) == [10, None, 30]
    assert now.customdata[1] == "Opens: —"
    assert (now.connectgaps, now.fill) == (None, "none")


@pytest.mark.spec("P2")
def test_a_chart_tells_what_it_shows_to_those_who_do_not_see_it() -> None:
    assert _trend(_days(12, 10, 1234, None)).alt() == (
        "Line chart: Opens by day, 2024-05-12 to 2024-05-14, Asia/Shanghai. "
        "Highest 1,234 at 2024-05-13, lowest 10 at 2024-05-12."
    )
    assert _trend(_days(12)).alt().endswith("It has no figures.")


def test_a_trend_of_nothing_is_an_empty_chart() -> None:
    assert [list(line.y) for line in _trend(_days(12), _days(9)).figure().data] == [[], []]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Africa/Cairo"])
@pytest.mark.parametrize("grain", [Grain.HALF_HOUR, Grain.HOUR, Grain.DAY, Grain.WEEK])
def test_a_trend_is_drawn_through_every_clock_change(zone: str, grain: Grain) -> None:
    period = of_dates(date(2024, 10, 25), date(2024, 11, 5), zone)
    buckets = bucket_starts(period, grain)["bucket"].unique(maintain_order=True)
    rows = pl.DataFrame({"bucket": buckets, "opens": range(len(buckets))})
    (line,) = Trend(METRIC_BY_KEY["opens"], grain, period, ZH, rows).figure().data
    assert list(line.x) == [f"{bucket:%Y-%m-%dT%H:%M}" for bucket in buckets]


@pytest.mark.parametrize(
    ("highest", "unit", "texts"),
    [
        (0, Unit.COUNT, ["0", "1"]),
        (3, Unit.USERS, ["0", "1", "2", "3"]),
        (986, Unit.COUNT, ["0", "200", "400", "600", "800", "1,000"]),
        (1_500_000, Unit.COUNT, ["0", "500 k", "1 M", "1.5 M"]),
        (0.9, Unit.RATIO, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (100, Unit.SECONDS, ["0 s", "30 s", "1 min", "1 min 30 s", "2 min"]),
        (0.42, Unit.SHARE, ["0.0 %", "10.0 %", "20.0 %", "30.0 %", "40.0 %", "50.0 %"]),
    ],
)
def test_an_axis_is_marked_at_round_figures_of_its_unit(highest: float, unit: Unit, texts: list[str]) -> None:
    assert axis_marks(highest, unit, EN)[1] == texts


@given(highest=st.floats(0, 1e15), unit=st.sampled_from(Unit))
def test_an_axis_has_few_marks_and_reaches_the_highest(highest: float, unit: Unit) -> None:
    marks, texts = axis_marks(highest, unit, ZH)
    assert len(marks) == len(texts) <= 7
    assert marks[0] == 0
    assert marks[-1] >= highest
