"""The tab of the dashboard that shows who came back (SPEC U9), trends on cards, and what of them is taken away."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from lib.charts.heat import contrast, heat
from lib.queries.exportable import Exportable
from lib.settings import Settings
from lib.store import Store
from lib.ui import downloads
from lib.ui.periods import over
from lib.usage.buckets import Grain, bucket_starts, of_dates
from lib.usage.metrics import METRICS
from lib.usage.retention import DAYS_LATER, average
from lib.words import Language
from tests.pages.conftest import App, count

DAYS = "2024-05-11..2024-05-13"
KEYS = [metric.key for metric in METRICS]
SHARES = [f"day_{later}" for later in DAYS_LATER]


@pytest.fixture
def returning(company: Store, home: Settings, tmp_path: Path) -> Store:
    """Of ann (11 and 12 May, from the company's events) and bob (12 May), bob comes back on the 13th and the 19th."""
    more = [(f"2024-05-{day}T12:00:00Z", "bob", "web", "shop", "/home", "iOS") for day in ("13", "19")]
    count(home, tmp_path / "more.ndjson", more)
    return company


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[Exportable]:
    """What pages offer to take away, in their order."""
    found: list[Exportable] = []
    monkeypatch.setattr(downloads, "control", lambda console, exportable: found.append(exportable))
    return found


def _shown(at: AppTest) -> list[list[str]]:
    """What the table's cells say."""
    (table,) = at.dataframe
    styled = pl.from_pandas(table.value)
    assert styled.columns == ["day", "users", *SHARES]
    return [[str(cell) for cell in row] for row in styled.rows()]


@pytest.mark.spec("U9", "U2")
def test_each_day_says_how_many_of_its_new_users_came_back(app: App, returning: Store) -> None:
    at = app("amy", "data_dashboard", period=DAYS, mini_program="shop", tab="retention")
    assert not at.exception
    assert [tab.label for tab in at.tabs] == ["Basic data", "Page access", "Retention"]
    shown = _shown(at)
    assert [row[:2] for row in shown] == [["Average", "None"], ["2024-05-11", "1.0"], ["2024-05-12", "1.0"]]
    assert [row[2] for row in shown] == ["1.0", "1.0", "1.0"]
    assert [row[8] for row in shown] == ["0.5", "0.0", "1.0"]
    at.segmented_control(key="address.of").set_value("active").run()
    assert at.query_params["of"] == "active"
    shown = _shown(at)
    assert [row[:3] for row in shown[1:]] == [
        ["2024-05-11", "1.0", "1.0"],
        ["2024-05-12", "2.0", "0.5"],
        ["2024-05-13", "1.0", "0.0"],
    ]
    assert [shown[0][2], shown[0][7], shown[0][8]] == ["0.5", "0.25", "0.25"]


@pytest.mark.spec("U9", "P1")
def test_retention_speaks_chinese_and_falls_back_from_a_bad_address(app: App, returning: Store) -> None:
    at = app("amy", "data_dashboard", period=DAYS, mini_program="shop", tab="retention", of="<script>")
    assert at.segmented_control(key="address.of").value == "new"
    at.selectbox(key="account_language").set_value("zh").run()
    assert not at.exception
    assert at.tabs[2].label == "留存"
    assert _shown(at)[0][0] == "平均"


@pytest.mark.spec("U9", "P3")
def test_a_period_with_no_new_users_says_so(app: App, returning: Store) -> None:
    at = app("amy", "data_dashboard", period="2024-05-19..2024-05-19", mini_program="shop", tab="retention")
    assert at.info[0].value == "No such users in this period. Choose other days, or active users."


@pytest.mark.spec("U9", "T4")
def test_the_average_is_all_who_came_back_over_all_who_could_have() -> None:
    nothing = dict.fromkeys(SHARES, None)
    rows = [
        {"day": date(2024, 5, 11), "users": 30, **nothing, "day_1": 0.1, "day_2": 0.5},
        {"day": date(2024, 5, 12), "users": 10, **nothing, "day_1": 0.5},
        {"day": date(2024, 5, 13), "users": 99, **nothing},
    ]
    days = pl.DataFrame(rows, schema={"day": pl.Date, "users": pl.Int64, **dict.fromkeys(SHARES, pl.Float64)})
    overall = average(days).row(0, named=True)
    assert (overall["day_1"], overall["day_2"], overall["day_3"]) == (0.2, 0.5, None)


@pytest.mark.spec("P2")
@given(st.floats(0, 1), st.floats(0, 1))
def test_letters_stand_out_from_every_ground(share: float, most: float) -> None:
    css = dict(part.split(": ") for part in heat(share, most).split("; "))
    ground, letters = (tuple(bytes.fromhex(css[name][1:])) for name in ("background-color", "color"))
    assert contrast(ground, letters) >= 4.5


def test_a_day_that_is_not_over_has_no_ground() -> None:
    assert (heat(None, 1.0), heat(math.nan, 1.0)) == ("", "")


@pytest.mark.spec("U1", "T4")
def test_a_card_has_the_trend_of_its_metric_as_far_as_it_is_over(app: App, company: Store) -> None:
    at = app("amy", "global_overview", period="2024-05-12..2024-05-14", grain="day")
    trends = {card.label: list(card.proto.chart_data) for card in at.metric}
    assert trends["Opens"] == [2, 1, 0]
    assert trends["Applications"] == []
    assert trends["Time per user"][:2] == [50, 0]
    assert math.isnan(trends["Time per user"][2])
    by_half_hour = app("amy", "global_overview", period="2024-05-12..2024-05-14", grain="half-hour")
    assert len(by_half_hour.metric[2].proto.chart_data) == 144


@pytest.mark.spec("U1")
def test_a_bucket_that_goes_on_is_not_in_the_trend_of_a_card() -> None:
    days = of_dates(date(2024, 5, 12), date(2024, 5, 14), "Asia/Shanghai")
    buckets = bucket_starts(days, Grain.DAY).select("bucket").unique(maintain_order=True).with_row_index("opens")
    counted = [
        over(buckets, days, Grain.DAY, datetime(2024, 5, 13, hour, minute, tzinfo=UTC))["opens"].to_list()
        for hour, minute in ((15, 30), (16, 0))
    ]
    assert counted == [[0], [0, 1]]
    assert over(buckets, days, Grain.DAY, None).is_empty()


@pytest.mark.spec("U7", "U9")
def test_the_download_has_the_average_as_the_table_does(
    app: App, returning: Store, offered: list[Exportable]
) -> None:
    app("amy", "data_dashboard", period=DAYS, mini_program="shop", tab="retention")
    (rows,) = offered[-1].rows()
    assert rows.select("day", "users", "day_1", "day_7").rows() == [
        ("Average", None, 1.0, 0.5),
        ("2024-05-11", 1, 1.0, 0.0),
        ("2024-05-12", 1, 1.0, 1.0),
    ]


@pytest.mark.spec("U1", "U7")
def test_the_download_of_a_trend_has_the_previous_period_beside_it(
    app: App, company: Store, offered: list[Exportable]
) -> None:
    app("amy", "data_dashboard", period="2024-05-12..2024-05-12", mini_program="shop", grain="day")
    trend = [each for each in offered if each.kind == "trend"][-1]
    (rows,) = trend.rows()
    assert [*trend.headings] == ["bucket", *KEYS, "before_bucket", *(f"before_{key}" for key in KEYS)]
    assert rows.select("opens", "page_views", "before_opens", "before_page_views").row(0) == (2, 3, 1, 1)
    assert rows["before_bucket"][0].date() == date(2024, 5, 11)
    assert trend.said(Language.ZH)["before_opens"] == "上期：打开次数"
