"""`/api/v1/operations`: the rows of the page, under the page's permission, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lib.access.permissions import Permission
from lib.api.operations import OPERATIONS
from lib.store.catalogue import tenant_of
from tests.accounts import add_tenant, add_viewer
from tests.lib.api import Api, made_company, opened
from tests.lib.operation_log import RECORDS, WEEK, add_log

pytestmark = pytest.mark.spec("I4", "O4")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    made = opened(made_company(tmp_path_factory.mktemp("company")))
    with made.store.read("every") as session:
        acme, globex = (tenant_of(session, key).id for key in ("acme", "globex"))
    add_log(made.store, acme)
    add_log(made.store, globex, RECORDS[0])
    yield made
    made.store.dispose()


@pytest.fixture(scope="module")
def boss(api: Api) -> str:
    return api.token("boss")


def test_operations_come_newest_first_with_old_and_new_values(api: Api, boss: str) -> None:
    status, rows = api.ask("operations", boss, **WEEK)
    assert status == 200
    assert [(row["operator"], row["action"], row["result"], row["is_catalogued"]) for row in rows] == [
        ("cid", "draw", "success", False),
        ("Bob", "download", "failure", True),
        ("Bob", "edit", "success", True),
        ("amy", "create", "success", True),
    ]
    assert (rows[2]["old"]["status"], rows[2]["new"]["status"]) == ("enabled", "disabled")
    assert (rows[3]["old"], rows[3]["new"]) == (None, {"name": "Sales 看板", "status": "enabled"})
    assert rows[2]["occurred_at"] == "2024-05-13T08:00:00+00:00"
    assert rows[0]["object_name"] == "=1+1 [x](http://x)"
    assert isinstance(rows[0]["id"], str)


def test_the_id_of_the_last_row_leads_to_the_next_page(api: Api, boss: str) -> None:
    whole = [row["id"] for row in api.ask("operations", boss, **WEEK)[1]]
    found: list[str] = []
    while rows := api.ask("operations", boss, limit="1", **WEEK, **({"before": found[-1]} if found else {}))[1]:
        found += [row["id"] for row in rows]
    assert found == whole


@pytest.mark.parametrize(
    ("query", "operators"),
    [
        ({"operator": "Bob"}, ["Bob", "Bob"]),
        ({"keyword": "看"}, ["Bob", "amy"]),
        ({"keyword": "bOB"}, ["Bob", "Bob"]),
        ({"class": "querying"}, ["Bob"]),
        ({"result": "failure"}, ["Bob"]),
        ({"module": "dashboard", "action": "edit"}, ["Bob"]),
        ({"object_type": "dashboard", "object_id": "710034"}, ["Bob", "amy"]),
        ({"application": "web", "product": "dmhub"}, ["cid"]),
        ({"keyword": "nobody did this"}, []),
    ],
)
def test_filters_narrow_it_down(api: Api, boss: str, query: dict[str, str], operators: list[str]) -> None:
    assert [row["operator"] for row in api.ask("operations", boss, **WEEK, **query)[1]] == operators


def test_by_a_grain_it_counts(api: Api, boss: str) -> None:
    assert api.ask("operations", boss, grain="day", zone="Asia/Shanghai", **WEEK)[1] == [
        {"bucket": "2024-05-12T00:00:00+08:00", "operations": 1, "failures": 0},
        {"bucket": "2024-05-13T00:00:00+08:00", "operations": 2, "failures": 1},
        {"bucket": "2024-05-14T00:00:00+08:00", "operations": 1, "failures": 0},
    ]
    assert api.ask("operations", boss, grain="period", **WEEK)[1] == [{"operations": 4, "failures": 1}]


@pytest.mark.spec("O3")
def test_reading_is_recorded_once_for_all_its_pages(api: Api, boss: str) -> None:
    today = {"since": "2026-01-01", "until": "2039-01-01", "action": "read", "channel": "openapi"}
    before = len(api.ask("operations", boss, **today, limit="1000")[1])
    rows = api.ask("operations", boss, limit="2", keyword="看", **WEEK)[1]
    api.ask("operations", boss, limit="2", keyword="看", before=rows[-1]["id"], **WEEK)
    found = api.ask("operations", boss, **today, limit="1000")[1]
    assert len(found) == before + 2
    assert found[0]["new"]["filter"]["keyword"] == "看"
    assert (found[0]["operator"], found[0]["module"], found[0]["address"]) == ("boss", "operation_log", "127.0.0.1")


@pytest.mark.spec("O3")
def test_who_begins_with_a_cursor_is_recorded_too(api: Api, boss: str) -> None:
    today = {"since": "2026-01-01", "until": "2039-01-01", "action": "read", "channel": "openapi"}
    before = len(api.ask("operations", boss, **today, limit="1000")[1])
    assert len(api.ask("operations", boss, keyword="a", before="9" * 19, **WEEK)[1]) > 0
    api.ask("operations", boss, keyword="a", grain="day", before="9" * 19, **WEEK)
    found = api.ask("operations", boss, **today, limit="1000")[1]
    assert len(found) == before + 3
    assert [row["new"]["filter"].get("keyword") for row in found[:3]] == ["a", "a", None]


def test_the_cursor_is_described_as_ids_are() -> None:
    before = next(parameter for parameter in OPERATIONS.parameters if parameter.name == "before")
    assert re.search(before.schema["pattern"], str(before.example))
    assert re.search(before.schema["pattern"], str((1 << 63) - 1))


@pytest.mark.spec("A4", "A5", "A6")
def test_only_those_who_may_read_the_log_get_it(api: Api) -> None:
    assert api.ask("operations", None, **WEEK)[0] == 401
    assert api.ask("operations", api.token("reader"), **WEEK)[0] == 403
    assert api.ask("operations", api.token("boss"), tenant="globex", **WEEK)[0] == 404
    assert len(api.ask("operations", api.token("root"), tenant="globex", **WEEK)[1]) == 1
    tenant_id = add_tenant(api.store, "initech")
    add_viewer(api.store, "granted", tenant_id, permissions=[Permission.OPERATION_LOG_READ])
    assert api.ask("operations", api.token("granted"), **WEEK)[0] == 403
    tenant_id = add_tenant(api.store, "umbrella", delegates_operation_log=True)
    add_viewer(api.store, "delegate", tenant_id, permissions=[Permission.OPERATION_LOG_READ])
    assert api.ask("operations", api.token("delegate"), **WEEK) == (200, [])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"before": "x"}, "before is the id of an operation"),
        ({"before": "9" * 20}, "before is the id of an operation"),
        ({"before": "0"}, "before is the id of an operation"),
        ({"class": "magic"}, "is no class"),
        ({"limit": "1001"}, "from 1 to 1,000"),
        ({"until": "2024-05-11"}, "after"),
        ({"colour": "red"}, "no parameter"),
    ],
)
def test_what_is_wrong_is_said(api: Api, boss: str, query: dict[str, str], said: str) -> None:
    status, answer = api.ask("operations", boss, **{**WEEK, **query})
    assert (status, answer["error"]) == (400, "bad_input")
    assert said in answer["message"]
