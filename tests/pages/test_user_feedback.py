"""The page of user feedback, as AppTest runs it (SPEC F1 to F4, A4, A6, P1, P3, U5)."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lib.access.permissions import Permission
from lib.settings import Settings
from lib.store import Store
from tests.accounts import add_viewer
from tests.lib.feedback_shop import COMPLAINT, HOSTILE, fill, make_shop
from tests.lib.feedbacks import ids_of, keep
from tests.lib.feedbacks import told as told_of
from tests.pages.conftest import App

DAY = {"period": "2026-03-02..2026-03-02", "zone": "UTC", "mini_program": "shop"}


@pytest.fixture
def shop(home: Settings, sqlite_store: Store) -> tuple[int, ...]:
    """The company acme of tests.lib.feedback_shop."""
    return make_shop(home, sqlite_store, "acme")


def sound(at: AppTest) -> AppTest:
    assert [each.value for each in at.exception] == []
    assert [each.value for each in at.error] == []
    return at


def told(at: AppTest, name: str) -> list[dict[str, Any]]:
    """What components of a name are given."""
    drawn = [each.proto for each in at.get("bidi_component")]
    return [json.loads(proto.json) for proto in drawn if proto.component_name.endswith(name)]


def contents(at: AppTest) -> list[str]:
    """The texts in the list."""
    found = []
    for table in told(at, "record_list"):
        place = [column["key"] for column in table["columns"]].index("content")
        found += [row["cells"][place]["text"] for row in table["rows"]]
    return found


def tabs(at: AppTest) -> list[str]:
    return [tab.label for tab in at.tabs]


def cards(at: AppTest) -> list[tuple[str, str]]:
    return [(card.label, card.value) for card in at.metric]


def everything(at: AppTest) -> str:
    """All that the browser is sent, as text."""
    return str([node.proto for node in at.main if hasattr(node, "proto")]) + str(told(at, "record_list"))


@pytest.mark.spec("F1", "F2")
def test_an_administrator_has_four_tabs_with_the_newest_first(app: App, shop: tuple[int, ...]) -> None:
    at = sound(app("pat-acme", "user_feedback", **DAY))
    assert tabs(at) == ["Functional abnormalities", "Product feedback", "Feedback logs", "Complaints"]
    assert contents(at) == ["一直白屏", HOSTILE, "付款后闪退"]
    row = told(at, "record_list")[0]["rows"][1]
    assert [cell["text"] for cell in row["cells"]] == ["2026-03-02 00:20", "Crash", HOSTILE, "Web", "bob", "", ""]
    assert row["cells"][2]["below"] == "2 images"
    assert contents(sound(app("pat-acme", "user_feedback", **DAY, tab="complaint"))) == [COMPLAINT]


@pytest.mark.spec("F1", "A6")
def test_an_ordinary_account_has_three_tabs_and_is_refused_the_fourth(app: App, shop: tuple[int, ...]) -> None:
    at = sound(app("amy-acme", "user_feedback", **DAY, tab="product"))
    assert tabs(at) == ["Functional abnormalities", "Product feedback", "Feedback logs"]
    assert contents(at) == ["dark mode, please"]
    by_hand = app("amy-acme", "user_feedback", **DAY, tab="complaint")
    assert [each.value.replace("\\", "")[:47] for each in by_hand.error] == [
        "You do not have the permission complaint:read: "
    ]
    assert (tabs(by_hand), COMPLAINT in everything(by_hand)) == ([], False)
    opened = app("amy-acme", "user_feedback", **DAY, feedback=str(shop[4]))
    assert "There is no such record, or it is not for you to see." in [each.value for each in opened.info]


@pytest.mark.spec("F1", "A4")
def test_without_the_permission_there_is_no_such_page(app: App, shop: tuple[int, ...]) -> None:
    at = app("nobody-acme")
    with pytest.raises(ValueError, match="user_feedback"):
        at.switch_page("pages/user_feedback.py")


@pytest.mark.spec("F2", "U5")
def test_a_kind_and_a_keyword_filter_and_stand_in_the_address(app: App, shop: tuple[int, ...]) -> None:
    at = sound(app("pat-acme", "user_feedback", **DAY))
    kinds = at.pills(key="address.feedback.kind") if hasattr(at, "pills") else at.button_group[0]
    assert "Crash (2)" in kinds.options
    at = sound(app("pat-acme", "user_feedback", **DAY, kind="crash"))
    assert contents(at) == [HOSTILE, "付款后闪退"]
    at.text_input(key="address.feedback.search").set_value("闪").run()
    assert contents(sound(at)) == ["付款后闪退"]
    assert at.query_params["search"] == "闪"
    at.text_input(key="address.feedback.search").set_value("138 0000").run()
    assert contents(sound(at)) == ["付款后闪退"]


@pytest.mark.spec("F4")
def test_a_contact_is_shown_only_with_its_permission(app: App, shop: tuple[int, ...]) -> None:
    seen = sound(app("pat-acme", "user_feedback", **DAY, feedback=str(shop[0])))
    assert "138 0000 1234" in [each.value for each in seen.code]
    hidden = sound(app("amy-acme", "user_feedback", **DAY, feedback=str(shop[0])))
    assert "138 0000" not in everything(hidden)
    assert any("feedback\\_contact:read" in each.value or "feedback" in each.value for each in hidden.caption)
    assert contents(sound(app("amy-acme", "user_feedback", **DAY, search="138 0000"))) == []


@pytest.mark.spec("F2")
def test_a_record_in_full_shows_pictures_from_the_route_and_saves_everything_else(
    app: App, shop: tuple[int, ...]
) -> None:
    at = sound(app("pat-acme", "user_feedback", **DAY, feedback=str(shop[1])))
    (pictures,) = told(at, "feedback_images")
    assert [image["alt"] for image in pictures["images"]] == ["Image 1 of 1"]
    assert re.fullmatch(r"feedback/images/\d+\?tenant=acme", pictures["images"][0]["path"])
    assert "shot.svg · 8 B" in [each.label for each in at.button]
    assert HOSTILE in [each.value for each in at.text]
    with_log = sound(app("pat-acme", "user_feedback", **DAY, feedback=str(shop[0])))
    assert "Download app-03-02.log" in [each.label.replace("\\", "") for each in with_log.button]


@pytest.mark.spec("F2", "U5")
def test_older_records_are_a_page_away_and_one_opens_there(
    app: App, sqlite_store: Store, shop: tuple[int, ...]
) -> None:
    more = [told_of(sqlite_store, f"wish {number}", minutes=100 + number) for number in range(60)]
    ids = keep(sqlite_store, more)
    at = sound(app("pat-acme", "user_feedback", **DAY, tab="product"))
    assert contents(at) == [f"wish {number}" for number in range(59, 9, -1)]
    at.button(key="feedback.older").click().run()
    assert contents(sound(at)) == [*(f"wish {number}" for number in range(9, -1, -1)), "dark mode, please"]
    assert "Page 2 of 2" in [each.value for each in at.text]
    at.query_params["feedback"] = str(ids[3])
    assert "wish 3" in [each.value for each in sound(at.run()).text]
    at.button(key="feedback.details_older").click().run()
    assert at.query_params["feedback"] == str(ids[2])
    at.button(key="feedback.newer").click().run()
    assert (len(contents(sound(at))), "feedback" in at.query_params) == (50, False)


@pytest.mark.parametrize(
    "query",
    [
        {"tab": "nonsense", "kind": "loud", "mini_program": "../x", "zone": "Nowhere/None", "period": "ever"},
        {"application": "nowhere", "os": "x" * 499, "version": "\x00", "search": "y" * 499, "grain": "age"},
        {"before": "-1", "after": "x", "feedback": "9" * 30},
        {"period": "0001-01-01..9999-12-31", "tab": "logs", "before": "1"},
        {"period": "2000-01-01..2038-12-31", "mini_program": "shop"},
        {"feedback": "1", "kind": ["crash", "slow"], "tab": "product"},
    ],
    ids=range(6),
)
@pytest.mark.spec("U5")
def test_nonsense_in_the_address_falls_back(app: App, shop: tuple[int, ...], query: dict[str, Any]) -> None:
    at = sound(app("amy-acme", "user_feedback", **query))
    assert at.title[0].value == "User feedback"


@pytest.mark.spec("F3")
def test_uploaded_logs_are_listed_with_the_days_left_and_deleted_only_with_the_permission(
    app: App, sqlite_store: Store, shop: tuple[int, ...]
) -> None:
    manages = [Permission.FEEDBACK_READ, Permission.FEEDBACK_MANAGE]
    add_viewer(sqlite_store, "max", ids_of(sqlite_store)[0], permissions=manages, language="en")
    for name, may_delete in (("max", True), ("amy-acme", False)):
        at = sound(app(name, "user_feedback", tab="logs", mini_program="shop", zone="UTC"))
        table = at.dataframe[0].value
        assert table[["name", "size", "left"]].values.tolist() == [["fresh.log", "6 B", 29]]
        key = at.dataframe[0].proto.id.split("-", 2)[2]
        at.session_state[key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
        labels = [each.label.replace("\\", "") for each in sound(at.run()).button]
        assert ("Download fresh.log" in labels, "Delete" in labels) == (True, may_delete)


@pytest.mark.spec("P3")
def test_an_empty_tab_says_what_to_do_next(app: App, shop: tuple[int, ...]) -> None:
    never = sound(app("pat-acme", "user_feedback", mini_program="news"))
    assert "No feedback has come in yet" in [each.value for each in never.subheader]
    assert "/v1/feedback" in never.code[0].value
    elsewhere = sound(app("pat-acme", "user_feedback", mini_program="shop", period="7-days", zone="UTC"))
    elsewhere.button(key="ufb.go_there").click().run()
    assert contents(sound(elsewhere)) == ["一直白屏", HOSTILE, "付款后闪退"]
    assert elsewhere.query_params["period"] == "2026-02-01..2026-03-02"
    narrow = sound(app("pat-acme", "user_feedback", **DAY, search="nothing of the kind"))
    narrow.button(key="ufb.clear").click().run()
    assert len(contents(sound(narrow))) == 3


@pytest.mark.spec("P1")
def test_it_is_chinese_for_who_reads_chinese(app: App, shop: tuple[int, ...]) -> None:
    at = sound(app("gen-acme", "user_feedback", **DAY))
    assert at.title[0].value == "用户反馈"
    assert tabs(at) == ["功能异常", "产品反馈", "反馈日志", "投诉"]
    assert [row["cells"][1]["text"] for row in told(at, "record_list")[0]["rows"]] == ["白屏", "闪退", "闪退"]


@pytest.mark.spec("F1", "T4")
def test_feedback_is_told_for_each_thousand_opens_with_a_dash_where_there_are_none(
    app: App, home: Settings, company: Store
) -> None:
    permissions = [Permission.FEEDBACK_READ, Permission.USAGE_READ]
    add_viewer(company, "max", ids_of(company)[0], permissions=permissions, language="en")
    add_viewer(company, "nora", ids_of(company)[0], permissions=permissions[:1], language="en")
    fill(home, company, "acme")
    of_may = replace(told_of(company, "so", type="abnormality"), occurred_at=datetime(2024, 5, 12, 10, tzinfo=UTC))
    keep(company, [of_may] * 3)
    at = sound(app("max", "user_feedback", **DAY))
    assert cards(at) == [("Feedback", "3"), ("Opens", "0"), ("Per thousand opens", "—")]
    at.query_params["period"] = "2024-05-12..2024-05-12"
    assert cards(sound(at.run())) == [("Feedback", "3"), ("Opens", "2"), ("Per thousand opens", "1,500.00")]
    only_feedback = sound(app("nora", "user_feedback", **DAY))
    assert cards(only_feedback) == [("Feedback", "3")]
