"""The page of the operation log: what it shows of a small log, its filters, its address, one record in full."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy import text as sql
from streamlit.testing.v1 import AppTest

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Operation, Organization, Tenant
from tests.accounts import add_tenant, add_viewer
from tests.lib.operation_log import BASE, NOON, add_log
from tests.pages.conftest import App, command

pytestmark = pytest.mark.spec("O4")

WEEK = {"period": "2024-05-12..2024-05-18", "zone": "UTC"}


@pytest.fixture
def acme(sqlite_store: Store) -> int:
    """The tenant acme with RECORDS, and pat, its administrator."""
    tenant_id = add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "pat", tenant_id, AccountType.PLATFORM)
    add_log(sqlite_store, tenant_id)
    return tenant_id


def sound(at: AppTest) -> AppTest:
    assert [each.value for each in at.exception] == []
    assert [error.value for error in at.error] == []
    return at


def listed(at: AppTest) -> dict[str, Any]:
    """What the browser is given to draw as the list; nothing where there is none."""
    drawn = [each.proto for each in at.get("bidi_component")]
    lists = [proto.json for proto in drawn if proto.component_name.endswith("record_list")]
    found: dict[str, Any] = json.loads(lists[0]) if lists else {"columns": [], "rows": []}
    return found


def rows(at: AppTest, *columns: str) -> list[tuple[str, ...]]:
    """The cells of the list in these columns, what stands below on a line of its own; and the marks."""
    found = listed(at)
    keys = [column["key"] for column in found["columns"]]

    def cell(row: dict[str, Any], column: str) -> str:
        if column == "marks":
            return ", ".join(mark["text"] for mark in row["marks"])
        said = row["cells"][keys.index(column)]
        return "\n".join(text for text in (said["text"], said.get("below", "")) if text)

    return [tuple(cell(row, column) for column in columns) for row in found["rows"]]


def operators(at: AppTest) -> list[str]:
    return [row[0] for row in rows(at, "operator")]


def total(at: AppTest) -> str:
    return next(text.value for text in at.markdown if "operation" in text.value).strip("*")


def facet(at: AppTest, column: str, value: str) -> Any:
    return at.checkbox(key=f"oplog.facet.{column}.{value}")


def open_record(at: AppTest, store: Store, operator: str, action: str) -> AppTest:
    """Open a record by its address: AppTest does not run what a button in a table calls."""
    with store.read(EVERY_TENANT) as session:
        told = select(Operation.id).where(Operation.operator == operator, Operation.action == action)
        at.query_params["operation"] = str(session.scalars(told).one())
    return sound(at.run())


@pytest.mark.spec("O4", "O6")
def test_the_newest_operation_stands_first_with_words_of_the_catalogue(app: App, acme: int) -> None:
    at = sound(app("pat", "operation_log", **WEEK))
    assert total(at) == "4 operations, 1 of them failed"
    assert rows(at, "operator", "module", "action", "object", "result", "marks") == [
        ("cid", "lottery", "draw", "=1+1 [x](http://x)\nL-3", "Success", "Not in the catalogue"),
        ("Bob", "User analysis", "Download", "高价值会员\nS-1", "Failure", ""),
        ("Bob", "Dashboards", "Edit", "Sales 看板\n710034", "Success", ""),
        ("amy", "Dashboards", "Create", "Sales 看板\n710034", "Success", ""),
    ]


@pytest.mark.spec("O4")
@pytest.mark.parametrize(
    ("looked_for", "found"),
    [("看", ["Bob", "amy"]), ("BOB", ["Bob", "Bob"]), ("s-1", ["Bob"]), ("Sales 看", ["Bob", "amy"])],
)
def test_a_keyword_finds_in_chinese_from_one_character_and_in_any_case(
    app: App, acme: int, looked_for: str, found: list[str]
) -> None:
    at = sound(app("pat", "operation_log", **WEEK))
    at.text_input(key="address.oplog.search").set_value(looked_for).run()
    assert operators(sound(at)) == found
    assert at.query_params["search"] == looked_for


@pytest.mark.spec("O6", "U5")
def test_a_click_on_a_facet_filters_and_another_click_takes_it_back(app: App, acme: int) -> None:
    at = sound(app("pat", "operation_log", **WEEK))
    assert facet(at, "operator", "Bob").label == "Bob :gray[2]"
    facet(at, "operator", "Bob").check().run()
    assert operators(sound(at)) == ["Bob", "Bob"]
    assert at.query_params["operator"] == "Bob"
    assert facet(at, "operator", "amy").label == "amy :gray[1]"
    facet(at, "operator", "amy").check().run()
    assert operators(sound(at)) == ["Bob", "Bob", "amy"]
    facet(at, "operator", "Bob").uncheck().run()
    assert operators(sound(at)) == ["amy"]
    at.button(key="oplog.clear").click().run()
    assert len(operators(sound(at))) == 4
    assert "operator" not in at.query_params


@pytest.mark.spec("O4", "U5")
def test_every_filter_stands_in_the_address_and_narrows_it_down(app: App, acme: int) -> None:
    for query, found in (
        ({"product": "dmhub"}, ["cid"]),
        ({"module": "dashboard", "class": "addition"}, ["amy"]),
        ({"submodule": "user_segment"}, ["Bob"]),
        ({"action": "edit"}, ["Bob"]),
        ({"result": "failure"}, ["Bob"]),
        ({"channel": "openapi"}, []),
        ({"application": "web"}, ["cid"]),
        ({"object": "710034", "object_type": "dashboard"}, ["Bob", "amy"]),
        ({"period": "2024-05-13T07:30..2024-05-13T08:30"}, ["Bob"]),
    ):
        at = sound(app("pat", "operation_log", **{**WEEK, **query}))
        assert operators(at) == found, query
        if not found:
            assert "No operation matches" in at.info[0].value


@pytest.mark.spec("U5")
def test_nonsense_in_an_address_is_left_out_and_told(app: App, acme: int) -> None:
    nonsense = {
        "period": "2024-99..x",
        "class": "magic",
        "organization": "2147483647",
        "before": "first",
        "operation": "9" * 40,
        "columns": "operator,wings",
        "tenants": "globex",
        "search": "a\x00b",
    }
    at = sound(app("pat", "operation_log", **nonsense))
    (told,) = [each.value for each in at.warning]
    for name in nonsense:
        assert name in told
    assert at.segmented_control(key="address.oplog.period").value == "7-days"


@pytest.mark.spec("O4", "U5")
@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ("", ["occurred_at", "operator", "module", "action", "result", "object"]),
        ("result", ["occurred_at", "operator", "module", "action", "result"]),
        (
            "people",
            ["operator", "role", "organization", "module", "operation_class", "content_and_id", "occurred_at"],
        ),
        ("timeline", ["class_icon", "module", "occurred_at"]),
        ("project", ["operator", "occurred_at", "product", "project", "module", "action"]),
        ("address,operator", ["address", "operator"]),
    ],
)
def test_views_and_columns_are_chosen_and_stand_in_the_address(
    app: App, acme: int, columns: str, shown: list[str]
) -> None:
    at = sound(app("pat", "operation_log", columns=columns, **WEEK))
    assert [column["key"] for column in listed(at)["columns"]] == shown


def test_what_is_said_stands_with_the_objects_id_below(app: App, acme: int) -> None:
    at = sound(app("pat", "operation_log", columns="people", **WEEK))
    assert [row[0] for row in rows(at, "content_and_id")][:3] == [
        "=1+1 [x](http://x)\nL-3",
        "Timed out 请求超时\nS-1",
        "Sales 看板\n710034",
    ]


def test_pages_of_fifty_are_walked_by_buttons_that_tell_where_one_is(
    app: App, acme: int, sqlite_store: Store
) -> None:
    add_log(sqlite_store, acme, *[replace(BASE, operator="many", object_id=str(n)) for n in range(120)])
    at = sound(app("pat", "operation_log", operator="many", **WEEK))
    seen = [row[0] for row in rows(at, "object")]
    assert [text.value for text in at.text if "Page" in text.value] == ["Page 1 of 3"]
    assert at.button(key="oplog.newer").disabled
    for number in (2, 3):
        at.button(key="oplog.older").click().run()
        assert [text.value for text in sound(at).text if "Page" in text.value] == [f"Page {number} of 3"]
        seen += [row[0] for row in rows(at, "object")]
    assert at.button(key="oplog.older").disabled
    assert len(seen) == len(set(seen)) == 120
    at.button(key="oplog.newer").click().run()
    assert [text.value for text in sound(at).text if "Page" in text.value] == ["Page 2 of 3"]
    assert [row[0] for row in rows(at, "object")] == seen[50:100]
    at.button(key="oplog.newest").click().run()
    assert [row[0] for row in rows(sound(at), "object")] == seen[:50]
    assert "before" not in at.query_params


@pytest.mark.spec("O7")
def test_details_compare_old_and_new_with_what_changed_first(app: App, acme: int, sqlite_store: Store) -> None:
    at = open_record(sound(app("pat", "operation_log", **WEEK)), sqlite_store, "Bob", "edit")
    changed, same, every = (table.value for table in at.table)
    assert changed.values.tolist() == [
        ["**Status** :gray[changed]", ":red-background[enabled]", ":green-background[disabled]"]
    ]
    assert [row[0] for row in same.values.tolist()] == ["filters.os", "Name"]
    told = dict(every.values.tolist())
    assert told["Time"] == r"2024-05-13 08\:00\:00.000+00\:00"
    assert (told["Operator"], told["Role"], told["Object ID"]) == ("Bob", "lead", "710034")
    assert (told["Class"], told["Channel"], told["In the catalogue"]) == ("Modification", "Console", "Yes")
    assert any("dashboard info before edit" in each.value for each in at.caption)
    assert not at.code
    at.toggle(key="oplog.raw").set_value(True).run()
    assert '"status": "disabled"' in sound(at).code[0].value


@pytest.mark.spec("O7")
def test_from_the_details_to_all_of_the_object_and_all_of_the_operator(
    app: App, acme: int, sqlite_store: Store
) -> None:
    at = sound(app("pat", "operation_log", result="success", search="Bob", **WEEK))
    at = open_record(at, sqlite_store, "Bob", "edit")
    at.button(key="oplog.details.object").click().run()
    assert operators(sound(at)) == ["Bob", "amy"]
    assert {"search", "result", "operation"}.isdisjoint(at.query_params)
    at = open_record(at, sqlite_store, "Bob", "edit")
    at.button(key="oplog.details.operator").click().run()
    assert operators(sound(at)) == ["Bob", "Bob"]
    assert "object" not in at.query_params


@pytest.mark.spec("O7")
def test_all_of_an_object_and_of_an_operator_is_told_of_all_times(app: App, acme: int, sqlite_store: Store) -> None:
    at = sound(app("pat", "operation_log", period="2024-05-13..2024-05-13", zone="UTC"))
    at = open_record(at, sqlite_store, "Bob", "edit")
    at.button(key="oplog.details.object").click().run()
    assert operators(sound(at)) == ["Bob", "amy"]
    assert "".join(at.query_params["period"]).startswith("2024-05-12..")


@pytest.mark.spec("U5")
@pytest.mark.parametrize("name", ["operation", "after", "before"])
def test_the_largest_numbers_in_an_address_do_no_harm(app: App, acme: int, name: str) -> None:
    for number in ((1 << 63) - 2, (1 << 63) - 1, 1 << 63):
        sound(app("pat", "operation_log", **{name: str(number)}, **WEEK))


@pytest.mark.spec("O7")
def test_the_details_lead_to_the_next_newer_and_older_record(app: App, acme: int, sqlite_store: Store) -> None:
    at = open_record(sound(app("pat", "operation_log", **WEEK)), sqlite_store, "Bob", "download")
    at.button(key="operations.details_older").click().run()
    assert "Bob · 2024-05-13 08:00:00.000+00:00" in [text.value for text in sound(at).text]
    at.button(key="operations.details_newer").click().run()
    at.button(key="operations.details_newer").click().run()
    assert "cid · 2024-05-14 12:00:00.000+00:00" in [text.value for text in sound(at).text]
    assert at.button(key="operations.details_newer").disabled


def test_a_record_that_is_not_there_is_told(app: App, acme: int) -> None:
    at = sound(app("pat", "operation_log", operation="77", **WEEK))
    assert "This record is not there" in at.info[0].value


@pytest.mark.spec("O3")
def test_a_reading_is_recorded_once_for_each_filter(app: App, acme: int, sqlite_store: Store) -> None:
    at = sound(app("pat", "operation_log", **WEEK))
    at.run()
    at.button(key="refresh").click().run()
    at.text_input(key="address.oplog.search").set_value("看").run()
    with sqlite_store.read(acme) as session:
        told = select(Operation.operator, Operation.channel).where(Operation.module == "operation_log")
        assert session.execute(told).all() == [("pat", "ui"), ("pat", "ui")]


@pytest.mark.spec("O5")
def test_a_tree_of_organizations_shows_the_operations_below_one(app: App, acme: int, sqlite_store: Store) -> None:
    assert not list(app("pat", "operation_log", **WEEK).radio)
    with sqlite_store.write(EVERY_TENANT) as session:
        session.get_one(Tenant, acme).has_data_permission = True
        top = Organization(tenant_id=acme, key="head", name="Head")
        session.add(top)
        session.flush()
        below = Organization(tenant_id=acme, key="lab", name="Lab", parent_id=top.id)
        session.add(below)
        session.flush()
        ids = top.id, below.id
    add_log(
        sqlite_store,
        acme,
        replace(BASE, operator="above", organization="Head", organization_id=ids[0]),
        replace(BASE, operator="below", organization="Lab", organization_id=ids[1]),
    )
    at = sound(app("pat", "operation_log", **WEEK))
    tree = at.radio(key="oplog.organization")
    assert tree.options == ["All organizations", "Head", "\u2003Lab"]
    tree.set_value(ids[0]).run()
    assert sorted(operators(sound(at))) == ["above", "below"]
    at.radio(key="oplog.organization").set_value(ids[1]).run()
    assert operators(sound(at)) == ["below"]
    assert at.query_params["organization"] == str(ids[1])


@pytest.mark.spec("A5")
def test_a_system_administrator_chooses_tenants_and_nobody_else_does(
    app: App, acme: int, sqlite_store: Store
) -> None:
    add_log(sqlite_store, add_tenant(sqlite_store, "globex"), replace(BASE, operator="other", occurred_at=NOON))
    add_viewer(sqlite_store, "root", None, AccountType.SYSTEM)
    assert "other" not in operators(app("root", "operation_log", tenant="acme", **WEEK))
    at = sound(app("root", "operation_log", tenant="acme", tenants="every", **WEEK))
    assert sorted(operators(at)) == ["Bob", "Bob", "amy", "cid", "other"]
    at = sound(app("root", "operation_log", tenant="acme", tenants="globex", **WEEK))
    assert operators(at) == ["other"]
    at = app("pat", "operation_log", tenants="globex", **WEEK)
    assert "other" not in operators(at)


@pytest.mark.spec("A4", "A5", "A6")
def test_delegates_see_the_log_of_the_applications_they_hold_where_the_tenant_delegates(
    app: App, acme: int, sqlite_store: Store
) -> None:
    add_viewer(sqlite_store, "dee", acme, permissions=[Permission.OPERATION_LOG_READ])
    with pytest.raises(ValueError, match="operation_log"):
        app("dee", "operation_log", **WEEK)
    with sqlite_store.write(EVERY_TENANT) as session:
        session.get_one(Tenant, acme).delegates_operation_log = True
    assert len(operators(sound(app("dee", "operation_log", **WEEK)))) == 4


@pytest.mark.spec("P1")
def test_it_speaks_chinese(app: App, acme: int) -> None:
    at = app("pat", "operation_log", **WEEK)
    at.selectbox(key="account_language").set_value("zh").run()
    assert sound(at).title[0].value == "操作日志"
    assert rows(at, "module", "action", "result")[2] == ("看板", "编辑", "成功")
    assert facet(at, "operation_class", "addition").label == "新增 :gray[1]"


def test_a_hostile_text_is_shown_and_not_run(app: App, acme: int, sqlite_store: Store) -> None:
    bad = "[x](javascript:alert(1)) ![y](http://e.example/z.png) **b** :red[c] $a$ <b>"
    texts = dict.fromkeys(("operator", "object_name", "content", "module", "action", "organization", "role"), bad)
    record: Any = replace(BASE, occurred_at=datetime(2024, 5, 18, tzinfo=UTC), old={bad: bad}, new={bad: 1})
    add_log(sqlite_store, acme, replace(record, **texts))
    at = open_record(sound(app("pat", "operation_log", **WEEK)), sqlite_store, bad, bad)
    for text in (*(each.value for each in at.markdown), *(each.value for each in at.caption)):
        assert "![y](" not in text
    assert all("![y](" not in label for label in (each.label for each in (*at.checkbox, *at.button)))
    assert all("[x](" not in cell for table in at.table for row in table.value.values.tolist() for cell in row)
    assert operators(at)[0] == bad


def test_an_empty_log_says_what_to_do(app: App, sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "pat", add_tenant(sqlite_store, "acme"), AccountType.PLATFORM)
    at = sound(app("pat", "operation_log", period="2020-01-01..2020-01-31"))
    assert "No operation matches" in at.info[0].value
    assert total(at) == "0 operations"


def test_the_log_is_also_reached_from_the_account_menu_by_those_who_may(
    app: App, acme: int, sqlite_store: Store
) -> None:
    add_viewer(sqlite_store, "amy", acme, permissions=[Permission.USAGE_READ])
    assert "Operation log" in [link.proto.label for link in app("pat").get("page_link")]
    assert "Operation log" not in [link.proto.label for link in app("amy").get("page_link")]


@pytest.mark.spec("O9")
def test_the_proof_tab_verifies_the_log_and_names_what_was_altered(
    app: App, acme: int, home: Settings, sqlite_store: Store
) -> None:
    at = sound(app("pat", "operation_log", tab="proof"))
    assert any("Nothing is sealed yet" in each.value for each in at.info)
    command(home, "seal")
    at = sound(at.run())
    assert at.dataframe[0].value["size"].tolist()[0] >= 4
    button(at, "Verify now").click().run()
    assert "Nothing was altered" in sound(at).success[0].value
    with sqlite_store.write(EVERY_TENANT) as session:
        for name in session.scalars(sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(sql(f'DROP TRIGGER "{name}"'))
        session.execute(update(Operation).where(Operation.operator == "amy").values(operator="eve"))
    button(at, "Verify now").click().run()
    assert "Findings: 1, in" in at.error[0].value
    assert at.dataframe[0].value["kind"].tolist() == ["Column edited"]


@pytest.mark.spec("O9")
def test_who_manages_retention_sets_it_and_makes_and_lifts_legal_holds(app: App, acme: int) -> None:
    at = sound(app("pat", "operation_log", tab="proof"))
    next(each for each in at.text_input if each.label == "Reason").set_value("Case 7")
    button(at, "Put under hold").click().run()
    assert sound(at).dataframe[0].value["reason"].tolist() == ["Case 7"]
    button(at, "Lift").click().run()
    assert sound(at).dataframe[0].value["lifted_by"].tolist() == ["pat"]
    at.number_input[0].set_value(200)
    button(at, "Save").click().run()
    assert "Saved." in [each.value for each in sound(at).success]


def button(at: AppTest, label: str) -> Any:
    """A button by what stands on it."""
    return next(each for each in at.button if each.label == label)
