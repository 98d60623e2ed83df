"""Visits as each kind of viewer sees them: pages by cursor, filters, companies, tops, details, and what is refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from lib.access.permissions import AccountType, Permission, of_type
from lib.access.viewer import EVERY_APPLICATION, NO_APPLICATION, Viewer
from lib.errors import BadInput, NotFound, NotPermitted
from lib.jobs.event_retention import remove_old_rows
from lib.jobs.refresh import refresh
from lib.queries.console import Console
from lib.queries.rooms import room
from lib.queries.sign_ins import SignInFilter
from lib.queries.tenancy import EVERY
from lib.queries.visit_rows import ROW, TOLD
from lib.queries.visits import VisitFilter, VisitQueries
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Tenant
from lib.usage.buckets import Grain
from lib.usage.intake import Intake
from lib.usage.lake import Lake
from lib.usage.visits import STORED, VISIT
from lib.words import Language

DAY = datetime(2026, 5, 12, tzinfo=UTC)
ASKED = VisitFilter(DAY, DAY + timedelta(days=3))
ALL = ASKED.for_tenants(EVERY)


def visits(*told: dict[str, Any], schema: dict[str, pl.DataType] = STORED) -> pl.DataFrame:
    """Visits with what is told of them, and the usual for the rest; `at` is in hours from DAY."""
    rows = []
    for number, each in enumerate(told):
        usual = {"key": number, "seq": number, "address": "202.96.128.86", "method": "GET", "target": "/"}
        row = {**usual, "status": 200, "user_agent": "curl", **each}
        rows.append({**row, "at": DAY + timedelta(hours=row["at"])})
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema)


def viewer(tenant_id: int, key: str, type_: AccountType = AccountType.SYSTEM, *held: Permission) -> Viewer:
    """Somebody of a type, looking at a tenant."""
    return Viewer(1, "amy", type_, tenant_id, key, key.title(), of_type(type_) | {*held}, EVERY_APPLICATION)


ACME = (
    {"at": 1, "account": "amy", "target": "/cart?id=1", "duration_ms": 12},
    {"at": 2, "account": "bob", "target": "/cart", "status": 404, "address": "8.8.8.8"},
    {"at": 26, "target": "/cartoons", "status": 503, "address": "10.0.0.1", "method": "POST"},
    {"at": 27, "target": "/购物车", "address": "not an address", "user_agent": "Mozilla/5.0 (compatible)"},
    {"at": 50, "target": "/[a-z]+.*", "address": None, "status": None, "user_agent": None},
)


@pytest.fixture
def told(home: Settings, store: Store) -> Console:
    """A system administrator before the visits, on each kind of database."""
    return with_visits(home, store)


@pytest.fixture
def mine(home: Settings, sqlite_store: Store) -> Console:
    """The same on SQLite: what is not asked of the database is the same on the other."""
    return with_visits(home, sqlite_store)


def with_visits(home: Settings, store: Store) -> Console:
    """Acme's five visits, two of them filed, Globex' one and one of nobody's."""
    with store.write(EVERY) as session:
        for key, memo in (("acme", "Shanghai 上海 branch"), ("globex", "")):
            session.add(Tenant(key=key, name=f"{key.title()} Ltd", memo=memo, created_at=DAY))
    intake = Intake(store, home.lake)
    whole = visits(*ACME)
    intake.accept(1, "visit", "test", whole[:2])
    intake.accept(2, "visit", "test", visits({"at": 2, "target": "/globex"}))
    refresh(home, store)
    intake.accept(1, "visit", "test", whole[2:])
    # Written again, as after a crash: what is filed already counts once.
    intake.append(1, "visit", "test", whole[1:3])
    intake.append(0, "visit", "console", visits({"at": 3, "account": "root", "target": "/admin"}))
    return Console(viewer(1, "acme"), store, home)


def targets(frame: pl.DataFrame) -> list[str]:
    return frame["target"].to_list()


@pytest.mark.spec("L1")
def test_a_row_tells_whose_it_is_and_where_from(told: Console) -> None:
    page = told.visits.page(replace(ASKED, zone="Asia/Shanghai"))
    assert page.rows.columns == list(ROW)
    assert targets(page.rows) == ["/[a-z]+.*", "/购物车", "/cartoons", "/cart", "/cart?id=1"]
    row = page.rows.row(4, named=True)
    assert row["at"].isoformat() == "2026-05-12T09:00:00+08:00"
    assert (row["account"], row["duration_ms"]) == ("amy", 12)
    assert (row["country"], row["region"]) == ("CN", "CN-GD")
    assert (row["tenant"], row["company"], row["memo"]) == ("acme", "Acme Ltd", "Shanghai 上海 branch")
    assert page.rows["country"].to_list() == ["unknown", "unknown", "private", "US", "CN"]
    details = told.visits.details(row["id"])
    assert details == {**row, "at": DAY + timedelta(hours=1)}


@pytest.mark.spec("L2")
def test_pages_follow_each_other_in_both_directions(mine: Console) -> None:
    whole = mine.visits.page(ALL).rows
    assert whole.height == 7
    ids = whole["id"].to_list()
    seen, before = [], None
    for _ in range(4):
        page = mine.visits.page(ALL, before=before, size=2)
        seen += page.rows["id"].to_list()
        assert page.newer == (None if before is None else page.rows["id"][0])
        before = page.older
    assert (seen, before) == (ids, None)
    back = mine.visits.page(ALL, after=ids[4], size=2)
    assert (back.rows["id"].to_list(), back.newer, back.older) == (ids[2:4], ids[2], ids[3])
    assert mine.visits.page(ALL, after=ids[2], size=2).newer is None
    assert [mine.visits.newer_count(ALL, each) for each in ids] == list(range(7))


FILTERS: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({"account": "amy"}, ["/cart?id=1"]),
    ({"address": "8.8.8.8"}, ["/cart"]),
    ({"method": "POST"}, ["/cartoons"]),
    ({"status": "4xx"}, ["/cart"]),
    ({"status": "503"}, ["/cartoons"]),
    ({"result": "failure"}, ["/cartoons", "/cart"]),
    ({"result": "success"}, ["/购物车", "/cart?id=1"]),
    ({"path": "/cart"}, ["/cart", "/cart?id=1"]),
    ({"country": "CN"}, ["/cart?id=1"]),
    ({"country": "unknown"}, ["/[a-z]+.*", "/购物车"]),
    ({"region": "CN-GD"}, ["/cart?id=1"]),
    ({"region": "CN-BJ"}, []),
    ({"keyword": "CART"}, ["/cartoons", "/cart", "/cart?id=1"]),
    ({"keyword": "购"}, ["/购物车"]),
    ({"keyword": "[a-z]+.*"}, ["/[a-z]+.*"]),
    ({"keyword": "(COMPAT"}, ["/购物车"]),
    ({"keyword": "8.8.8"}, ["/cart"]),
    ({"keyword": "bob"}, ["/cart"]),
    ({"keyword": "acme ltd"}, ["/[a-z]+.*", "/购物车", "/cartoons", "/cart", "/cart?id=1"]),
    ({"keyword": "上海", "status": "404"}, ["/cart"]),
    ({"keyword": "'; DROP TABLE visit; --"}, []),
    ({"since": DAY + timedelta(hours=2), "until": DAY + timedelta(hours=26)}, ["/cart"]),
)


@pytest.mark.spec("L2")
def test_each_filter_lets_through_what_it_says(mine: Console) -> None:
    for asked, found in FILTERS:
        wanted = replace(ASKED, **asked)
        assert (asked, targets(mine.visits.page(wanted).rows)) == (asked, found)
        assert mine.visits.count(wanted) == len(found)
        assert mine.visits.histogram(wanted, Grain.HOUR)["visits"].sum() == len(found)
        assert VisitFilter.from_json(wanted.as_json()) == wanted
    assert targets(mine.visits.rows(replace(ASKED, status="4xx"))) == ["/cart"]


@pytest.mark.spec("L2")
def test_whose_visits_are_seen(told: Console) -> None:
    def seen(tenant: str, type_: AccountType, *tenants: str) -> list[str]:
        who = viewer({"acme": 1, "globex": 2}[tenant], tenant, type_, Permission.VISIT_READ)
        return targets(VisitQueries(who, told.store, told.settings.lake).rows(ASKED.for_tenants(*tenants)))

    assert len(seen("acme", AccountType.SYSTEM, EVERY)) == 7
    assert seen("acme", AccountType.SYSTEM, "globex") == ["/globex"]
    assert seen("acme", AccountType.SYSTEM, "") == ["/admin"]
    for type_ in (AccountType.PLATFORM, AccountType.ORDINARY):
        assert seen("globex", type_) == seen("globex", type_, "globex") == ["/globex"]
        for tenants in ((EVERY,), ("acme",), ("",), ("acme", "globex")):
            with pytest.raises(BadInput):
                seen("globex", type_, *tenants)
    with pytest.raises(NotFound):
        seen("acme", AccountType.SYSTEM, "nowhere")
    alien = told.visits.page(ASKED.for_tenants("globex")).rows["id"][0]
    acme = VisitQueries(viewer(1, "acme", AccountType.PLATFORM), told.store, told.settings.lake)
    with pytest.raises(NotFound):
        acme.details(alien)


_METHODS: dict[str, Callable[[Console], object]] = {
    "visits.page": lambda console: console.visits.page(ASKED),
    "visits.rows": lambda console: console.visits.rows(ASKED),
    "visits.frames": lambda console: list(console.visits.frames(ASKED)),
    "visits.count": lambda console: console.visits.count(ASKED),
    "visits.newer_count": lambda console: console.visits.newer_count(ASKED, "1.0.0.0"),
    "visits.histogram": lambda console: console.visits.histogram(ASKED, Grain.DAY),
    "visits.top": lambda console: console.visits.top(ASKED, "target"),
    "visits.details": lambda console: console.visits.details("1.0.0.0"),
    "visits.export": lambda console: list(room("visits").exportable(console, ASKED.as_json()).rows()),
    "sign_ins.page": lambda console: console.sign_ins.page(SIGN_INS),
    "sign_ins.rows": lambda console: console.sign_ins.rows(SIGN_INS),
    "sign_ins.frames": lambda console: list(console.sign_ins.frames(SIGN_INS)),
    "sign_ins.count": lambda console: console.sign_ins.count(SIGN_INS),
    "sign_ins.newer_count": lambda console: console.sign_ins.newer_count(SIGN_INS, "0.0"),
    "sign_ins.histogram": lambda console: console.sign_ins.histogram(SIGN_INS, Grain.DAY),
    "sign_ins.top": lambda console: console.sign_ins.top(SIGN_INS, "account"),
    "sign_ins.export": lambda console: list(room("sign_ins").exportable(console, SIGN_INS.as_json()).rows()),
}
SIGN_INS = SignInFilter(DAY, DAY + timedelta(days=3))


@pytest.mark.spec("A4", "L2")
def test_whoever_lacks_the_permission_is_refused(home: Settings, sqlite_store: Store) -> None:
    for name, ask in _METHODS.items():
        other = Permission.SIGN_IN_READ if name.startswith("visits") else Permission.VISIT_READ
        for held in ((), (other, Permission.USAGE_READ, Permission.EXPORT_CREATE)):
            console = Console(viewer(1, "acme", AccountType.ORDINARY, *held), sqlite_store, home)
            with pytest.raises(NotPermitted):
                ask(console)


@pytest.mark.spec("A5")
def test_whoever_holds_some_applications_sees_no_visit(mine: Console) -> None:
    who = replace(viewer(1, "acme", AccountType.ORDINARY, Permission.VISIT_READ), applications=NO_APPLICATION)
    queries = VisitQueries(who, mine.store, mine.settings.lake)
    assert queries.count(ASKED) == 0
    assert queries.page(ASKED).rows.is_empty()
    assert queries.histogram(ASKED, Grain.DAY, filled=True)["visits"].to_list() == [0, 0, 0]
    assert queries.top(ASKED, "country").is_empty()


@pytest.mark.spec("L2")
def test_the_most_frequent_values(mine: Console) -> None:
    def top(column: str) -> list[tuple[str, int, int]]:
        return mine.visits.top(ALL, column).rows()

    assert top("target")[0] == ("/cart", 2, 1)
    assert top("country") == [("CN", 3, 0), ("unknown", 2, 0), ("US", 1, 1), ("private", 1, 1)]
    assert top("region") == [("CN-GD", 3, 0)]
    assert top("account") == [("amy", 1, 0), ("bob", 1, 1), ("root", 1, 0)]
    assert top("status") == [("200", 4, 0), ("404", 1, 1), ("503", 1, 1)]
    assert top("tenant") == [("acme", 5, 2), ("", 1, 0), ("globex", 1, 0)]
    assert mine.visits.top(ALL, "address", 1).rows() == [("202.96.128.86", 3, 0)]
    with pytest.raises(BadInput):
        mine.visits.top(ALL, "key")


@pytest.mark.spec("L2")
def test_an_answer_is_new_as_soon_as_a_visit_is(mine: Console) -> None:
    assert mine.visits.count(ASKED) == mine.visits.count(ASKED) == 5
    Intake(mine.store, mine.settings.lake).append(1, "visit", "test", visits({"at": 4, "key": 99}))
    assert mine.visits.count(ASKED) == 6
    assert mine.visits.histogram(ASKED, Grain.DAY, filled=True)["visits"].to_list() == [3, 2, 1]
    refresh(mine.settings, mine.store)
    assert mine.visits.count(ALL) == 8


@pytest.mark.spec("O8", "P1")
def test_an_export_has_the_rows_and_names_of_places(mine: Console) -> None:
    console = replace(mine, viewer=replace(mine.viewer, language=Language.ZH))
    listed = room("visits").exportable(console, replace(ALL, keyword="cart").as_json())
    rows = pl.concat(listed.rows())
    assert (rows.columns, rows.height) == (list(TOLD), listed.count())
    assert rows["country"].to_list() == ["内网", "美国", "中国"]
    assert rows["region"].to_list() == [None, None, "广东"]
    assert pl.concat(listed.only(["target", "memo"]).rows()).columns == ["target", "memo"]


def test_what_is_no_id_is_refused(mine: Console) -> None:
    for id_ in ("", "1", "1.2.3", "a.b.c.d", "1.2.3.4.5", "-1.0.0.0", f"1.{'9' * 18}.0.0", "1.0.9999999999.0"):
        with pytest.raises(NotFound):
            mine.visits.details(id_)
        with pytest.raises(BadInput):
            mine.visits.page(ASKED, before=id_)


def test_files_of_an_earlier_version_are_read_and_written_on(home: Settings, sqlite_store: Store) -> None:
    with sqlite_store.write(EVERY) as session:
        session.add(Tenant(key="acme", name="Acme", created_at=DAY))
    intake = Intake(sqlite_store, home.lake)
    intake.accept(1, "visit", "test", visits({"at": 1}, schema=VISIT))
    refresh(home, sqlite_store)
    lake = Lake(home.lake)
    (file,) = (lake.path(each.visits) for each in lake.manifest().tenants[1].visits.values())
    pl.read_parquet(file).drop("duration_ms").write_parquet(file)
    queries = VisitQueries(viewer(1, "acme"), sqlite_store, home.lake)
    assert queries.rows(ASKED)["duration_ms"].to_list() == [None]
    intake.append(1, "visit", "test", visits({"at": 2, "key": 7, "duration_ms": 5}))
    intake.append(1, "visit", "test", visits({"at": 3, "key": 8}, schema=VISIT))
    assert queries.rows(ASKED)["duration_ms"].to_list() == [None, 5, None]
    refresh(home, sqlite_store)
    assert queries.rows(ASKED)["duration_ms"].to_list() == [None, 5, None]


def test_visits_of_nobody_are_removed_after_400_days(mine: Console) -> None:
    refresh(mine.settings, mine.store)
    assert remove_old_rows(mine.settings, mine.store, DAY + timedelta(days=400)).visits == 0
    assert remove_old_rows(mine.settings, mine.store, DAY + timedelta(days=401)).visits == 1
    assert mine.visits.count(ALL) == 6


@pytest.mark.spec("L2")
def test_what_waits_is_counted_with_what_is_filed_however_it_came(home: Settings, sqlite_store: Store) -> None:
    with sqlite_store.write(EVERY) as session:
        session.add(Tenant(key="acme", name="Acme", created_at=DAY))
    chance = random.Random(3)
    whole = visits(
        *(
            {
                "key": number,
                "at": chance.randrange(0, 72 * 4) / 4,
                "address": f"8.8.{chance.randrange(3)}.{chance.randrange(9)}",
                "target": f"/{chance.randrange(5)}?{number}",
                "status": chance.choice((200, 404)),
                "user_agent": chance.choice(("curl", "wget", None)),
                "size_bytes": number,
            }
            for number in range(600)
        )
    )
    intake, queries = Intake(sqlite_store, home.lake), VisitQueries(viewer(1, "acme"), sqlite_store, home.lake)

    def told(asked: VisitFilter) -> list[Any]:
        grains = (Grain.HALF_HOUR, Grain.HOUR, Grain.DAY, Grain.WEEK, Grain.PERIOD)
        counts = [queries.histogram(asked, grain).rows() for grain in grains]
        tops = [queries.top(asked, column, 1_000).rows() for column in ("target", "address", "country", "status")]
        return [queries.count(asked), counts, tops, queries.rows(asked).rows()]

    some = replace(ASKED, since=DAY + timedelta(hours=5, minutes=7), until=DAY + timedelta(hours=60, minutes=1))
    for part in range(3):
        intake.append(1, "visit", "test", whole[part * 200 : part * 200 + 250])
        before = [told(asked) for asked in (ASKED, some, replace(some, keyword="CURL", zone="Asia/Shanghai"))]
        if part == 1:
            assert told(ASKED) == before[0]
        refresh(home, sqlite_store)
        assert [told(asked) for asked in (ASKED, some, replace(some, keyword="CURL", zone="Asia/Shanghai"))] == before
    assert queries.count(ASKED) == 600
    expected = whole.filter(pl.col("at") < DAY + timedelta(days=3))
    days = queries.histogram(ASKED, Grain.DAY)
    exact = expected.group_by(pl.col("at").dt.date()).agg(
        pl.struct("address", "user_agent").n_unique().alias("visitors"), pl.col("size_bytes").sum().alias("bytes")
    )
    assert days.select("visitors", "bytes").rows() == exact.sort("at").select("visitors", "bytes").rows()
