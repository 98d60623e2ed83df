"""The page of the access log: visits and sign-ins, by whom each is seen, its filters and its address."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Operation, SignIn
from tests.accounts import add_tenant, add_viewer
from tests.pages.conftest import App, command

pytestmark = pytest.mark.spec("L2")

DAY = {"period": "2024-05-12..2024-05-12", "zone": "UTC"}

AGENT = "Mozilla/5.0 [x](javascript:alert(1))"
LINES = (
    f'203.0.113.9 - amy [12/May/2024:08:00:00 +0000] "GET /home HTTP/1.1" 200 512 "-" "{AGENT}"',
    f'8.8.8.8 - - [12/May/2024:08:10:00 +0000] "GET /home?a=1 HTTP/1.1" 404 12 "-" "{AGENT}"',
    f'8.8.8.8 - - [12/May/2024:10:40:00 +0000] "POST /pay HTTP/1.1" 503 12 "https://e.example/" "{AGENT}"',
    f'114.114.114.114 - bob [12/May/2024:23:59:00 +0000] "GET /价格 HTTP/1.1" 200 77 "-" "{AGENT}"',
)


@pytest.fixture
def acme(home: Settings, sqlite_store: Store, tmp_path: Path) -> int:
    """The tenant acme with LINES, two attempts to sign in, and pat, its administrator."""
    tenant_id = add_tenant(sqlite_store, "acme", "Acme 公司")
    pat = add_viewer(sqlite_store, "pat", tenant_id, AccountType.PLATFORM)
    (tmp_path / "access.log").write_text("".join(f"{line}\n" for line in LINES), "utf-8")
    command(home, "import", "visits", str(tmp_path / "access.log"), "--tenant", "acme")
    with sqlite_store.write(EVERY_TENANT) as session:
        for minute, result, reason in ((0, "failure", "password"), (1, "success", "")):
            row = SignIn(tenant_id=tenant_id, account_id=pat, account_name="pat", result=result, reason=reason)
            row.occurred_at = datetime(2024, 5, 12, 9, minute, tzinfo=UTC)
            row.address, row.user_agent = "8.8.8.8", AGENT
            session.add(row)
    return tenant_id


def sound(at: AppTest) -> AppTest:
    assert [each.value for each in at.exception] == []
    assert [error.value for error in at.error] == []
    return at


def drawn(at: AppTest, component: str) -> list[dict[str, Any]]:
    """What the browser is given for each component of a name."""
    protos = [each.proto for each in at.get("bidi_component")]
    return [json.loads(proto.json) for proto in protos if proto.component_name.endswith(component)]


def rows(at: AppTest, *columns: str) -> list[tuple[str, ...]]:
    """The cells of the list in these columns, what stands below on a line of its own."""
    (found,) = drawn(at, "record_list")
    keys = [column["key"] for column in found["columns"]]
    cells = [[row["cells"][keys.index(column)] for column in columns] for row in found["rows"]]
    return [tuple("\n".join(filter(None, (c["text"], c.get("below")))) for c in row) for row in cells]


def show(at: AppTest, query: dict[str, str]) -> None:
    """Open the address of the day with this query and the columns that were chosen."""
    kept = {"columns": at.query_params["columns"]} if "columns" in at.query_params else {}
    at.query_params.clear()
    for name, value in {**DAY, **kept, **query}.items():
        at.query_params[name] = value
    at.run()


def details(at: AppTest) -> dict[str, str]:
    """What the panel of the first row tells."""
    at.query_params["record"] = drawn(at, "record_list")[0]["rows"][0]["id"]
    return dict(sound(at.run()).table[0].value.values.tolist())


def total(at: AppTest) -> str:
    return next(text.value for text in at.markdown if "visit" in text.value or "sign-in" in text.value).strip("*")


@pytest.mark.spec("L1", "P1")
def test_visits_stand_newest_first_with_their_place_and_what_there_is_most_of(app: App, acme: int) -> None:
    at = sound(app("pat", "access_log", **DAY))
    assert total(at) == "4 visits, 2 with an error"
    assert rows(at, "at", "account", "request", "status", "address_place") == [
        ("2024-05-12 23:59:00", "bob", "GET /价格", "200", "114.114.114.114\nChina, Jiangsu"),
        ("2024-05-12 10:40:00", "", "POST /pay", "503", "8.8.8.8\nUnited States"),
        ("2024-05-12 08:10:00", "", "GET /home?a=1", "404", "8.8.8.8\nUnited States"),
        ("2024-05-12 08:00:00", "amy", "GET /home", "200", "203.0.113.9\nReserved address"),
    ]
    paths, addresses, places = (ranked["rows"] for ranked in drawn(at, "ranked_values"))
    assert [(row["text"], row["told"], row["failed"]) for row in paths] == [
        ("/home", "2", 0.5),
        ("/pay", "1", 0.5),
        ("/价格", "1", 0.0),
    ]
    assert addresses[0]["title"] == "8.8.8.8: 2 visits, 2 with an error"
    assert places[0]["text"] == "United States"
    at.selectbox(key="account_language").set_value("zh").run()
    assert sound(at).title[0].value == "访问日志"
    assert rows(at, "address_place")[0] == ("114.114.114.114\n中国江苏",)


@pytest.mark.spec("U5", "O3")
def test_every_filter_stands_in_the_address_and_each_reading_is_recorded_once(
    app: App, acme: int, sqlite_store: Store
) -> None:
    at = sound(app("pat", "access_log", columns="target", **DAY))
    asked: tuple[tuple[dict[str, str], list[str]], ...] = (
        ({"status": "4xx"}, ["/home?a=1"]),
        ({"status": "503"}, ["/pay"]),
        ({"result": "failure"}, ["/pay", "/home?a=1"]),
        ({"account": "amy"}, ["/home"]),
        ({"method": "POST"}, ["/pay"]),
        ({"path": "/home"}, ["/home?a=1", "/home"]),
        ({"address": "8.8.8.8"}, ["/pay", "/home?a=1"]),
        ({"country": "US"}, ["/pay", "/home?a=1"]),
        ({"region": "CN-JS"}, ["/价格"]),
        ({"search": "价"}, ["/价格"]),
        ({"search": "公司", "status": "4xx"}, ["/home?a=1"]),
        ({"period": "2024-05-12T10:30..2024-05-12T11:00"}, ["/pay"]),
    )
    for query, found in asked:
        show(at, query)
        assert rows(sound(at), "target") == [(path,) for path in found], query
    show(at, {"search": "nowhere"})
    assert "Nothing matches" in sound(at).info[0].value
    with sqlite_store.read(EVERY_TENANT) as session:
        read = select(Operation.object_type).where(Operation.module == "visits", Operation.action == "read")
        assert session.scalars(read).all() == ["visit"] * (len(asked) + 2)


@pytest.mark.spec("U5")
def test_a_click_on_a_status_filters_a_chip_takes_it_back_and_nonsense_is_left_out(app: App, acme: int) -> None:
    at = sound(app("pat", "access_log", **DAY))
    at.pills(key="address.visits.status").set_value("4xx").run()
    assert total(sound(at)) == "1 visit, 1 with an error"
    assert "".join(at.query_params["status"]) == "4xx"
    at.button(key="visits.clear").click().run()
    assert total(sound(at)) == "4 visits, 2 with an error"
    nonsense = {"status": "9xx", "country": "Atlantis", "region": "CN-ZZ", "record": "x" * 80, "before": "1;2"}
    nonsense |= {"columns": "at,wings", "result": "perhaps", "tenants": "globex", "period": "soon"}
    show(at, nonsense)
    (told,) = [each.value for each in sound(at).warning]
    assert [name for name in nonsense if name not in told] == []


@pytest.mark.spec("L1")
def test_sign_ins_are_a_tab_with_result_and_reason_and_details_lead_on(app: App, acme: int) -> None:
    at = sound(app("pat", "access_log", tab="sign_ins", **DAY))
    assert total(at) == "2 sign-ins, 1 failed"
    assert rows(at, "at", "account", "result", "reason", "address_place") == [
        ("2024-05-12 09:01:00", "pat", "Success", "", "8.8.8.8\nUnited States"),
        ("2024-05-12 09:00:00", "pat", "Failure", "Wrong password", "8.8.8.8\nUnited States"),
    ]
    at.pills(key="address.sign_ins.result").set_value("failure").run()
    assert total(sound(at)) == "1 sign-in, 1 failed"
    assert details(at)["Reason"] == "Wrong password"
    at.button(key="access_log.details.address").click().run()
    assert total(sound(at)) == "2 sign-ins, 1 failed"
    show(at, {"status": "503"})
    told = details(at)
    assert (told["Place"], told["Company"], told["Requested"]) == ("United States", "Acme 公司", r"\/pay")
    assert told["User agent"] == r"Mozilla\/5.0 \[x\]\(javascript\:alert\(1\)\)"
    at.button(key="access_log.details.address").click().run()
    assert total(sound(at)) == "2 visits, 2 with an error"
    assert {"status", "record"}.isdisjoint(at.query_params)


def test_a_system_administrator_sees_every_tenant_and_an_administrator_the_own(
    app: App, acme: int, home: Settings, sqlite_store: Store, tmp_path: Path
) -> None:
    add_tenant(sqlite_store, "globex", "Globex")
    add_viewer(sqlite_store, "root", None, AccountType.SYSTEM)
    (tmp_path / "other.log").write_text(LINES[0].replace("/home", "/other") + "\n", "utf-8")
    command(home, "import", "visits", str(tmp_path / "other.log"), "--tenant", "globex")
    at = sound(app("root", "access_log", tenant="acme", **DAY))
    assert total(at) == "5 visits, 2 with an error"
    assert {row[0].split("\n")[-1] for row in rows(at, "account_company")} == {"Acme 公司", "Globex"}
    at = sound(app("root", "access_log", tenant="acme", tenants="globex", **DAY))
    assert rows(at, "request") == [("GET /other",)]
    record = drawn(at, "record_list")[0]["rows"][0]["id"]
    at = sound(app("pat", "access_log", tenants="globex", record=record, **DAY))
    assert total(at) == "4 visits, 2 with an error"
    assert "not yours to see" in at.info[0].value


@pytest.mark.spec("A4")
def test_each_tab_is_only_for_those_who_hold_its_permission(app: App, acme: int, sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "vic", acme, permissions=[Permission.VISIT_READ])
    add_viewer(sqlite_store, "sue", acme, permissions=[Permission.SIGN_IN_READ])
    add_viewer(sqlite_store, "amy", acme, permissions=[Permission.USAGE_READ])
    with pytest.raises(ValueError, match="access_log"):
        app("amy", "access_log", **DAY)
    for name, mine, other in (("vic", "Visits", "sign_ins"), ("sue", "Sign-ins", "visits")):
        at = sound(app(name, "access_log", **DAY))
        assert [tab.label for tab in at.tabs] == [mine]
        at.query_params["tab"] = other
        at.run()
        assert "You do not have the permission" in at.error[0].value
        assert drawn(at, "record_list") == []


@pytest.mark.spec("P3")
def test_an_empty_log_says_how_to_fill_it_and_an_empty_period_where_there_is_something(
    app: App, acme: int, sqlite_store: Store
) -> None:
    add_viewer(sqlite_store, "gil", add_tenant(sqlite_store, "globex"), AccountType.PLATFORM)
    at = sound(app("gil", "access_log", **DAY))
    assert at.subheader[0].value == "No visits yet"
    assert at.code[0].value == "daybook import visits access.log.gz --tenant globex"
    at = sound(app("pat", "access_log", period="2024-01-01..2024-01-02"))
    assert at.subheader[0].value == "Nothing in this period"
    at.button(key="visits.go_there").click().run()
    assert total(sound(at)) == "4 visits, 2 with an error"
