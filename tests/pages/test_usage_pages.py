"""The usage pages over a small real home: their figures, their filters, and their state in the address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update
from streamlit.testing.v1 import AppTest

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT
from lib.store import Store
from lib.store.tables import Application, Link
from tests.accounts import add_tenant, add_viewer
from tests.pages.conftest import App

WEEK = "2024-05-12..2024-05-18"


def _cards(at: AppTest) -> dict[str, tuple[str, str]]:
    return {card.label: (card.value, card.delta) for card in at.metric}


def _line(at: AppTest, line: int = -1) -> list[float]:
    """What a line of the first chart shows."""
    from plotly.io import from_json

    figure: Any = from_json(at.get("plotly_chart")[0].proto.spec)
    return list(figure.data[line].y)


def _rows(at: AppTest, table: int = 0) -> list[tuple[Any, ...]]:
    """A table's rows, without the mark before a name that can be clicked."""
    rows: list[tuple[Any, ...]] = list(at.dataframe[table].value.itertuples(index=False, name=None))
    return [tuple(_unmarked(cell) for cell in row) for row in rows]


def _unmarked(cell: Any) -> Any:
    return cell.removeprefix(":material/chevron_right: ") if isinstance(cell, str) else cell


def _sound(at: AppTest) -> AppTest:
    assert not at.exception
    assert [error.value for error in at.error] == []
    return at


@pytest.mark.spec("U1", "T3", "T4")
def test_the_overview_shows_the_tenant_as_a_whole_against_the_period_before(app: App, company: Store) -> None:
    at = _sound(app("amy", "global_overview", period=WEEK))
    assert _cards(at) == {
        "Applications": ("2 of 2", "+100.0 %"),
        "Mini programs": ("2 of 2", "+100.0 %"),
        "Opens": ("3", "+200.0 %"),
        "Page views": ("4", "+300.0 %"),
        "Active users": ("3", "+200.0 %"),
        "New users": ("2", "+100.0 %"),
        "Time per user": ("33 s", "from 0"),
    }
    assert _line(at) == [2, 1, 0, 0, 0, 0, 0]
    assert _line(at, 0) == [0, 0, 0, 0, 0, 0, 1]
    assert [row[:4] for row in _rows(at)] == [("shop", 2, 3, 2), ("news", 1, 1, 1)]
    assert [row[:4] for row in _rows(at, 1)] == [("web", 2, 3, 2), ("bank", 1, 1, 1)]


@pytest.mark.spec("T1")
def test_the_overview_says_up_to_when_its_figures_go(app: App, company: Store) -> None:
    at = app("amy", "global_overview", period=WEEK, zone="Asia/Shanghai")
    (said,) = [caption.value for caption in at.caption if caption.value.startswith("As of")]
    assert re.fullmatch(r"As of \d{4}-\d\d-\d\d \d\d:(00|30) \(Asia/Shanghai\)", said)


@pytest.mark.spec("T2")
def test_a_day_is_the_day_of_the_zone(app: App, company: Store) -> None:
    at = _sound(app("amy", "global_overview", period="2024-05-13..2024-05-13", zone="Asia/Shanghai"))
    assert _cards(at)["Opens"] == ("2", "+100.0 %")
    assert len(_line(at)) == 48


@pytest.mark.spec("T2")
def test_a_zone_off_the_half_hour_is_shown_with_a_warning(app: App, company: Store) -> None:
    at = _sound(app("amy", "global_overview", period=WEEK, zone="Asia/Kathmandu"))
    assert "begins 15 minutes before midnight" in at.warning[0].value
    assert not app("amy", "global_overview", period=WEEK, zone="Asia/Kolkata").warning


@pytest.mark.spec("U5")
def test_what_widgets_choose_is_in_the_address_and_the_address_shows_the_same_to_a_colleague(
    app: App, company: Store
) -> None:
    at = app("amy", "global_overview", period=WEEK)
    at.selectbox(key="address.metric").set_value("page_views").run()
    at.selectbox(key="address.zone").set_value("America/New_York").run()
    at.segmented_control(key="address.grain").set_value("hour").run()
    first, last = datetime(2024, 5, 12, tzinfo=UTC).date(), datetime(2024, 5, 14, tzinfo=UTC).date()
    at.date_input(key="address.period_days").set_value((first, last)).run()
    state = {name: at.query_params[name] for name in ("metric", "zone", "grain", "period")}
    assert state == {
        "metric": "page_views",
        "zone": "America/New_York",
        "grain": "hour",
        "period": "2024-05-12..2024-05-14",
    }
    colleague = _sound(app("amy", "global_overview", **state))
    assert _line(colleague) == _line(at)
    assert sum(_line(at)) == 4
    assert len(_line(at)) == 72
    assert _cards(colleague) == _cards(at)


NONSENSE = ["", "x", "../../etc/passwd", "<script>", "\x00", "9" * 5000, "2024-13-45..2024-99-99", "None", "'"]


@pytest.mark.spec("U5")
@pytest.mark.parametrize("page", ["global_overview", "data_dashboard", "mini_programs", "status"])
def test_a_bad_address_falls_back_and_breaks_nothing(app: App, company: Store, page: str) -> None:
    names = ("period", "zone", "grain", "metric", "rank", "mini_program", "application", "os", "tab", "page", "search")
    at = app("amy", page)
    for nonsense in NONSENSE:
        for name in names:
            at.query_params[name] = nonsense
        assert _sound(at.run()).title[0].value


@pytest.mark.spec("U2", "U3")
def test_the_dashboard_shows_one_mini_program_narrowed_down(app: App, company: Store) -> None:
    at = _sound(app("amy", "data_dashboard", period=WEEK, mini_program="shop"))
    assert at.selectbox(key="address.application").options == ["All applications", "bank", "web"]
    assert at.selectbox(key="address.os").options == ["All operating systems", "Android", "iOS"]
    assert _cards(at)["Opens"] == ("2", "+100.0 %")
    assert _cards(at)["Time per session"][0] == "50 s"
    assert [row[:2] for row in _rows(at)] == [("bank", 1), ("web", 1)]
    at.selectbox(key="address.application").set_value("bank").run()
    assert _cards(_sound(at))["Active users"] == ("1", "from 0")
    assert at.query_params["application"] == "bank"
    at.selectbox(key="address.application").set_value("").run()
    at.selectbox(key="address.os").set_value("iOS").run()
    assert _cards(_sound(at))["Page views"] == ("2", "+100.0 %")
    assert "application" not in at.query_params


@pytest.mark.spec("U3")
def test_an_application_unlinked_leaves_the_filter_and_its_history_stays(app: App, company: Store) -> None:
    with company.write(EVERY_TENANT) as session:
        bank = session.scalars(select(Application.id).where(Application.key == "bank")).one()
        ended = datetime(2024, 6, 1, tzinfo=UTC)
        session.execute(update(Link).where(Link.application_id == bank).values(unlinked_at=ended))
    at = _sound(app("amy", "data_dashboard", period=WEEK, mini_program="shop", application="bank"))
    assert at.selectbox(key="address.application").options == ["All applications", "web"]
    assert _cards(at)["Opens"] == ("2", "+100.0 %")
    assert [row[0] for row in _rows(at)] == ["bank", "web"]


@pytest.mark.spec("U2")
def test_page_access_shows_each_page_and_the_trend_of_one(app: App, company: Store) -> None:
    at = _sound(app("amy", "data_dashboard", period=WEEK, mini_program="shop", tab="pages"))
    assert [(row[0], row[1], row[2], row[4], row[5], row[6]) for row in _rows(at)] == [
        ("/home", 2, 2, 2, 1, 50.0),
        ("/pay", 1, 1, 0, 1, 100.0),
    ]
    assert not at.metric
    assert _line(at) == [2, 0, 0, 0, 0, 0, 0]
    at.selectbox(key="address.page").set_value("/pay").run()
    assert _line(_sound(at)) == [1, 0, 0, 0, 0, 0, 0]
    at.text_input(key="address.search").set_value("HOM").run()
    assert [row[0] for row in _rows(at)] == ["/home"]
    at.text_input(key="address.search").set_value("nothing like it").run()
    assert "No page matches" in at.info[0].value


def test_a_hostile_path_is_shown_as_it_is(app: App, company: Store) -> None:
    at = _sound(app("amy", "data_dashboard", period=WEEK, mini_program="news", tab="pages"))
    assert [row[0] for row in _rows(at)] == ["=1+1"]


@pytest.mark.spec("U4")
def test_mini_programs_are_listed_and_found(app: App, company: Store) -> None:
    at = _sound(app("amy", "mini_programs"))
    assert [(row[0], row[1], row[3], row[4]) for row in _rows(at)] == [
        ("news", "news", "Online", "web"),
        ("shop", "shop", "Online", "bank, web"),
    ]
    at.text_input(key="address.search").set_value("SHO").run()
    assert [row[1] for row in _rows(at)] == ["shop"]
    at.text_input(key="address.search").set_value("zzz").run()
    assert "No mini program matches" in at.info[0].value
    assert at.query_params["search"] == "zzz"


@pytest.mark.spec("U4")
def test_details_show_where_a_mini_program_was_linked(app: App, company: Store) -> None:
    at = app("amy", "mini_programs")
    _click(at, "table.mini_programs.details", 1)
    assert [text.value for text in at.text][-5:] == ["shop", "shop", "—", "Online", "—"]
    assert sorted(row[:2] for row in _rows(at, -1)) == [("bank", "Linked"), ("web", "Linked")]


@pytest.mark.spec("T5")
def test_the_status_page_shows_what_ran_and_what_was_counted(app: App, company: Store) -> None:
    at = _sound(app("amy", "status"))
    assert _cards(at)["Events waiting"] == ("0", "in 0 batches")
    assert [(row[2], row[3]) for row in _rows(at)] == [("refresh", "Done"), ("import", "Done")]
    assert sorted(row[1] for row in _rows(at, 1)) == [1, 1, 1, 2]


@pytest.mark.spec("P3")
def test_a_period_without_usage_says_where_there_is_some_and_leads_there(app: App, company: Store) -> None:
    at = _sound(app("amy", "global_overview", period="2020-01-01..2020-01-31"))
    assert "There is data from 2024-05-11 to 2024-05-13." in [text.value for text in at.markdown]
    at.button(key="go_there").click().run()
    assert at.query_params["period"] == "2024-05-11..2024-05-13"
    assert _cards(_sound(at))["Opens"][0] == "4"


@pytest.mark.spec("P3")
@pytest.mark.parametrize("page", ["global_overview", "data_dashboard", "mini_programs", "status"])
def test_an_empty_house_says_what_to_do(app: App, sqlite_store: Store, page: str) -> None:
    permissions = [Permission.USAGE_READ, Permission.STATUS_READ]
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"), permissions=permissions)
    at = _sound(app("amy", page))
    told: Sequence[Any] = [*at.info, *at.code]
    assert told
    assert not at.get("plotly_chart")


@pytest.mark.spec("P1")
@pytest.mark.parametrize("page", ["global_overview", "data_dashboard", "mini_programs", "status"])
def test_every_usage_page_speaks_chinese(app: App, company: Store, page: str) -> None:
    at = app("amy", page, period=WEEK)
    at.selectbox(key="account_language").set_value("zh").run()
    _sound(at)
    titles = {
        "global_overview": "全局概览",
        "data_dashboard": "数据看板",
        "mini_programs": "小程序管理",
        "status": "运行状态",
    }
    assert at.title[0].value == titles[page]
    if page == "global_overview":
        assert _cards(at)["人均停留时长"] == ("33 秒", "此前为 0")


def _click(at: AppTest, key: str, row: int) -> None:
    """Click the button in a row of a table."""
    at.session_state[key] = {"row": row, "label": ""}
    at.run()


@pytest.mark.spec("U1")
def test_a_click_on_any_cell_of_a_row_does_what_its_name_does_and_once(app: App, company: Store) -> None:
    at = app("amy", "data_dashboard", period=WEEK, mini_program="shop", tab="pages")
    at.session_state["table.pages"] = {"selection": {"rows": [], "columns": [], "cells": [(1, "page_views")]}}
    at.run()
    assert at.query_params["page"] == "/pay"
    at.selectbox(key="address.page").set_value("/home").run()
    assert at.query_params["page"] == "/home"
    at.session_state["table.pages"] = {"selection": {"rows": [], "columns": [], "cells": [(1, "page")]}}
    at.run()
    assert at.query_params["page"] == "/home"
