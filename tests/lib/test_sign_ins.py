"""Attempts to sign in as each kind of viewer sees them, and those that services send in."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.cli import main
from lib.errors import BadInput, NotFound
from lib.queries.console import Console
from lib.queries.entrance import Entrance
from lib.queries.rooms import room
from lib.queries.sign_ins import REASONS, ROW, SignInFilter, SignInQueries
from lib.queries.tenancy import EVERY
from lib.queries.visits import VisitFilter
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import SignIn
from lib.usage.buckets import Grain
from lib.words import Language, catalogue
from tests.accounts import add_tenant, add_viewer, open_session
from tests.lib.collecting import Collecting
from tests.lib.test_visits import viewer

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
ASKED = SignInFilter(NOON - timedelta(days=1), NOON + timedelta(days=1))
ALL = replace(ASKED, tenants=(EVERY,))

ATTEMPTS = (
    (1, "amy", 0, "202.96.128.86", "success", ""),
    (1, "amy", 40, "8.8.8.8", "failure", "password"),
    (1, "amy", 41, "8.8.8.8", "locked", "lock"),
    (1, "bob", 42, "10.0.0.1", "checking", ""),
    (1, "bob", 43, "10.0.0.1", "unlocked", ""),
    (2, "gus", 44, "2001:db8::/64", "success", "oidc"),
    (None, "ro…0a1b2c3d", 45, "8.8.8.8", "failure", "unknown"),
    (None, "root", 46, "", "success", ""),
)


@pytest.fixture
def told(home: Settings, store: Store) -> Console:
    """A system administrator of two companies with their attempts, by minutes after noon."""
    add_tenant(store, "acme")
    add_tenant(store, "globex", "全球公司")
    with store.write(EVERY_TENANT) as session:
        for tenant, name, minute, address, result, reason in ATTEMPTS:
            row = SignIn(tenant_id=tenant, account_name=name, occurred_at=NOON + timedelta(minutes=minute))
            row.address, row.user_agent, row.result, row.reason = address, "curl", result, reason
            session.add(row)
    return Console(viewer(1, "acme"), store, home)


def seen(console: Console, asked: SignInFilter) -> list[tuple[str, str, str]]:
    """Account, result and reason of what matches."""
    page = console.sign_ins.page(asked).rows
    assert console.sign_ins.count(asked) == page.height
    assert console.sign_ins.histogram(asked, Grain.HALF_HOUR)["sign_ins"].sum() == page.height
    assert SignInFilter.from_json(asked.as_json()) == asked
    return page.select("account", "result", "reason").rows()


ROOT, STRANGER = ("root", "success", ""), ("ro…0a1b2c3d", "failure", "unknown")
GUS = ("gus", "success", "oidc")
OF_ACME = [
    ("bob", "failure", "unfinished"),
    ("amy", "locked", "lock"),
    ("amy", "failure", "password"),
    ("amy", "success", ""),
]


@pytest.mark.spec("L1", "L2")
def test_sign_ins_are_those_of_whoever_may_see_them(told: Console) -> None:
    assert seen(told, ASKED) == OF_ACME
    assert seen(told, ALL) == [ROOT, STRANGER, GUS, *OF_ACME]
    assert seen(told, replace(ASKED, tenants=("",))) == [ROOT, STRANGER]
    assert seen(told, replace(ASKED, tenants=("globex",))) == [GUS]
    for type_ in (AccountType.PLATFORM, AccountType.ORDINARY):
        who: Viewer = viewer(2, "globex", type_, Permission.SIGN_IN_READ)
        mine = replace(told, viewer=who)
        assert seen(mine, ASKED) == seen(mine, replace(ASKED, tenants=("globex",))) == [GUS]
        for tenants in ((EVERY,), ("acme",), ("",)):
            with pytest.raises(BadInput):
                SignInQueries(who, told.store).rows(replace(ASKED, tenants=tenants))
    with pytest.raises(NotFound):
        told.sign_ins.rows(replace(ASKED, tenants=("nowhere",)))
    filters: list[tuple[dict[str, Any], list[tuple[str, str, str]]]] = [
        ({"account": "amy"}, [OF_ACME[1], OF_ACME[2], OF_ACME[3]]),
        ({"result": "failure"}, [STRANGER, OF_ACME[0], OF_ACME[2]]),
        ({"result": "locked"}, [OF_ACME[1]]),
        ({"address": "8.8.8.8"}, [STRANGER, OF_ACME[1], OF_ACME[2]]),
        ({"country": "CN"}, [OF_ACME[3]]),
        ({"region": "CN-GD"}, [OF_ACME[3]]),
        ({"country": "unknown"}, [ROOT]),
        ({"keyword": "GU"}, [GUS]),
        ({"keyword": "全球"}, [GUS]),
        ({"keyword": "10.0"}, [OF_ACME[0]]),
        ({"keyword": "%' OR 1=1 --"}, []),
        ({"since": NOON + timedelta(minutes=45)}, [ROOT, STRANGER]),
    ]
    for asked, found in filters:
        assert (asked, seen(told, replace(ALL, **asked))) == (asked, found)
    for wrong in ({"result": "checking"}, {"until": ASKED.since}, {"keyword": "x" * 201}, {"zone": "Mars"}):
        with pytest.raises(BadInput):
            replace(ASKED, **wrong)


@pytest.mark.spec("L1")
def test_a_sign_in_tells_where_from_and_pages_follow_each_other(told: Console) -> None:
    whole = told.sign_ins.page(replace(ALL, zone="Asia/Shanghai")).rows
    assert whole.columns == list(ROW)
    assert whole["country"].to_list() == ["unknown", "US", "reserved", "private", "US", "US", "CN"]
    assert whole.row(6, named=True)["at"].isoformat() == "2026-05-12T20:00:00+08:00"
    assert whole.select("tenant", "company").row(2) == ("globex", "全球公司")
    ids = whole["id"].to_list()
    first = told.sign_ins.page(ALL, size=3)
    then = told.sign_ins.page(ALL, before=first.older, size=3)
    assert (first.newer, then.rows["id"].to_list(), then.newer, then.older) == (None, ids[3:6], ids[3], ids[5])
    back = told.sign_ins.page(ALL, after=ids[3], size=3)
    assert (back.rows["id"].to_list(), back.newer) == (ids[:3], None)
    assert [told.sign_ins.newer_count(ALL, each) for each in ids] == list(range(7))
    for wrong in ("", "x", "1", "1.x", f"{'9' * 18}.1"):
        with pytest.raises(BadInput):
            told.sign_ins.page(ALL, before=wrong)
    assert told.sign_ins.top(ALL, "country").rows() == [
        ("US", 3, 3),
        ("CN", 1, 0),
        ("private", 1, 1),
        ("reserved", 1, 0),
        ("unknown", 1, 0),
    ]
    assert told.sign_ins.top(ALL, "account", 1).rows() == [("amy", 3, 2)]
    with pytest.raises(BadInput):
        told.sign_ins.top(ALL, "number")
    hours = told.sign_ins.histogram(replace(ALL, since=NOON, until=NOON + timedelta(hours=2)), Grain.HOUR, filled=True)
    assert hours.drop("bucket").rows() == [(7, 4, 5, 5), (0, 0, 0, 0)]


@pytest.mark.spec("O8", "P1")
def test_sign_ins_are_taken_away_in_words(told: Console) -> None:
    console = replace(told, viewer=replace(told.viewer, language=Language.ZH))
    listed = room("sign_ins").exportable(console, ASKED.as_json())
    rows = pl.concat(listed.rows())
    assert listed.count() == rows.height == 4
    assert rows["result"].to_list() == ["失败", "等待期内被拒", "失败", "成功"]
    assert rows["reason"].to_list() == ["未完成", "失败次数过多，已锁定", "密码错误", ""]
    assert {f"sign_in_reason.{reason}" for reason in REASONS} <= set(catalogue())


def test_the_command_shows_what_the_query_does(home: Settings, sqlite_store: Store) -> None:
    add_viewer(sqlite_store, "amy", add_tenant(sqlite_store, "acme"))
    open_session(sqlite_store, "amy")
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    words = ["show", "sign-ins", "--tenant", "acme", "--since", "2020-01-01", "--until", f"{day}T23:59:59Z"]

    def show(*more: str) -> Any:
        given = {"DAYBOOK_HOME": str(home.home), "DAYBOOK_DATABASE_URL": None}
        result = CliRunner().invoke(main, [*words, *more], env=given, catch_exceptions=False)
        assert result.exit_code == 0
        return json.loads(result.stdout) if "json" in more else result.stdout

    (row,) = show("--format", "json", "--result", "success")
    assert (row["account"], row["result"], row["tenant"]) == ("amy", "success", "acme")
    assert show("--format", "json", "--result", "failure") == []
    assert show("--format", "json", "--grain", "period") == [
        {"sign_ins": 1, "failures": 0, "accounts": 1, "addresses": 1}
    ]
    assert show("--format", "csv").splitlines()[0].startswith("at,account,address,country,region,result,reason")


VISITS = VisitFilter(ASKED.since, ASKED.until)
SIGN_IN = {"account": "amy", "result": "failure", "reason": "wrong one-time code", "address": "8.8.8.8"}


def event(id_: str, type_: str, data: object, **more: Any) -> dict[str, Any]:
    """A CloudEvent at noon."""
    usual = {"specversion": "1.0", "id": id_, "source": "https://crm.example", "type": type_, "time": NOON.isoformat()}
    return {**usual, "data": data, **more}


@pytest.mark.spec("I2", "A7")
def test_services_send_sign_ins_once_and_lock_nobody_out(collecting: Collecting) -> None:
    batch = [event(f"e{number}", "daybook.sign_in.v1", {**SIGN_IN, "account": "acme-platform"}) for number in range(20)]
    for _ in range(2):
        headers = {"X-Daybook-Key": collecting.key, "Content-Type": "application/cloudevents-batch+json"}
        answer = collecting.http.post("/v1/events", content=json.dumps([*batch, batch[0]]), headers=headers)
        assert answer.status_code == 200
    queries = SignInQueries(viewer(1, "acme", AccountType.PLATFORM), collecting.store)
    rows = queries.rows(ASKED)
    assert (rows.height, rows["reason"].unique().to_list()) == (20, ["wrong one-time code"])
    assert rows.select("at", "account", "address", "country", "result").row(0) == (
        NOON,
        "acme-platform",
        "8.8.8.8",
        "US",
        "failure",
    )
    now = datetime.now(UTC)
    with collecting.store.write(EVERY_TENANT) as session:
        for row in session.query(SignIn):
            row.occurred_at = now - timedelta(seconds=1)
    assert Entrance(collecting.store).attempt("acme-platform", "8.8.8.8").wait is None


VISIT = {
    "address": "202.96.128.86",
    "path": "/orders?id=7",
    "method": "POST",
    "status": 503,
    "duration_ms": 41,
    "account": "李雷",
    "user_agent": "Mozilla/5.0",
    "size_bytes": 12,
}


@pytest.mark.spec("I2", "L3")
def test_services_send_visits_once(collecting: Collecting, home: Settings) -> None:
    headers = {"X-Daybook-Key": collecting.key, "Content-Type": "application/cloudevents+json"}
    sent = [event("e1", "daybook.visit.v1", VISIT), event("e2", "daybook.visit.v1", {"address": "::1", "path": "/"})]
    later = {**VISIT, "path": "/later", "occurred_at": "2026-05-12T13:00:00+08:00"}
    for each in (*sent, event("e1", "daybook.visit.v1", later)):
        assert collecting.http.post("/v1/events", content=json.dumps(each), headers=headers).status_code == 200
    console = Console(viewer(1, "acme", AccountType.PLATFORM), collecting.store, home)
    rows = console.visits.rows(VISITS)
    assert rows.drop("at", "company", "memo").sort("target").rows(named=True)[1] == {
        "address": "202.96.128.86",
        "account": "李雷",
        "method": "POST",
        "target": "/orders?id=7",
        "protocol": None,
        "status": 503,
        "size_bytes": 12,
        "referrer": None,
        "user_agent": "Mozilla/5.0",
        "duration_ms": 41,
        "country": "CN",
        "region": "CN-GD",
        "tenant": "acme",
    }
    assert (rows.height, rows["at"].unique().to_list()) == (2, [NOON])


@pytest.mark.spec("I2")
def test_what_is_wrong_with_a_visit_or_a_sign_in_is_named(collecting: Collecting) -> None:
    wrong: list[tuple[str, object, str]] = [
        ("daybook.visit.v1", None, "data"),
        ("daybook.visit.v1", {"path": "/"}, "data.address"),
        ("daybook.visit.v1", {"address": "::1"}, "data.path"),
        ("daybook.visit.v1", {**VISIT, "stauts": 200}, "data.stauts"),
        ("daybook.visit.v1", {**VISIT, "status": "200"}, "data.status"),
        ("daybook.visit.v1", {**VISIT, "status": 99}, "data.status"),
        ("daybook.visit.v1", {**VISIT, "status": True}, "data.status"),
        ("daybook.visit.v1", {**VISIT, "duration_ms": -1}, "data.duration_ms"),
        ("daybook.visit.v1", {**VISIT, "account": "a\0"}, "data.account"),
        ("daybook.visit.v1", {**VISIT, "path": "/" * 8_001}, "data.path"),
        ("daybook.visit.v1", {**VISIT, "occurred_at": "1999-01-01T00:00:00Z"}, "data.occurred_at"),
        ("daybook.visit.v1", {**VISIT, "occurred_at": "2999-01-01T00:00:00Z"}, "data.occurred_at"),
        ("daybook.sign_in.v1", {**SIGN_IN, "result": "checking"}, "data.result"),
        ("daybook.sign_in.v1", {**SIGN_IN, "account": ""}, "data.account"),
        ("daybook.sign_in.v1", {**SIGN_IN, "password": "x"}, "data.password"),
    ]
    headers = {"X-Daybook-Key": collecting.key, "Content-Type": "application/cloudevents+json"}
    for type_, data, field in wrong:
        answer = collecting.http.post("/v1/events", content=json.dumps(event("e", type_, data)), headers=headers)
        assert (answer.status_code, answer.json()["field"]) == (400, field)
