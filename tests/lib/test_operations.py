"""The operation log as its queries tell it, against a plain reading of the same records."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT, ApplicationScope, Viewer
from lib.errors import BadInput, NotFound, NotPermitted
from lib.jobs import operation_retention
from lib.jobs.operation_retention import remove_old_operations
from lib.jobs.seal import seal
from lib.logs import sidecar
from lib.logs.append import append
from lib.logs.rows import OperationRecord
from lib.logs.sidecar import filing
from lib.queries.operation_filter import EVERY, OperationFilter
from lib.queries.operations import FACETS, OperationQueries
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Application, Organization, Tenant
from lib.usage.buckets import Grain
from tests.accounts import add_tenant

BEGIN = datetime(2026, 1, 20, tzinfo=UTC)
END = BEGIN + timedelta(days=50)
OPERATORS = ("amy", "Bob", "陈静", "dora@example.com")
OBJECTS = ("销售看板", "Sales dashboard", "ＦＵＬＬ width", "é accent", "50%_off", "")


@dataclass(frozen=True)
class Log:
    """Two tenants' records, some of them filed, some sealed, some neither; and how to ask."""

    store: Store
    settings: Settings
    records: dict[str, list[OperationRecord]]
    ids: dict[str, int]

    def ask(self, tenant: str = "acme", **changes: object) -> OperationQueries:
        viewer = Viewer(
            account_id=1,
            account_name="root",
            account_type=AccountType.PLATFORM,
            tenant_id=self.ids[tenant],
            tenant_key=tenant,
            tenant_name=tenant,
            permissions=frozenset({Permission.OPERATION_LOG_READ}),
            applications=ApplicationScope(every=True),
        )
        return OperationQueries(replace(viewer, **changes), self.store, self.settings.lake)  # type: ignore[arg-type]


def a_record(chance: random.Random, number: int) -> OperationRecord:
    return OperationRecord(
        occurred_at=BEGIN + timedelta(milliseconds=chance.randrange(50 * 86_400_000)),
        operator=chance.choice(OPERATORS),
        product=chance.choice(["datafinder", "dmhub", "daybook"]),
        module=chance.choice(["dashboard", "asset", "account"]),
        action=chance.choice(["create", "delete", "disable"]),
        operation_class=chance.choice(["addition", "deletion"]),
        channel=chance.choice(["ui", "openapi"]),
        application=chance.choice(["web", "app", ""]),
        organization=chance.choice(["North", "South", ""]),
        object_type="dashboard",
        object_id=str(chance.randrange(9)),
        object_name=chance.choice(OBJECTS),
        result=chance.choice(["success", "success", "failure"]),
        content=f"第 {number} 次 edit {'停用' if number % 50 == 0 else ''}",
        old={"n": number},
        new={"n": number + 1},
        source="test",
        event_id=str(number),
    )


@pytest.fixture
def log(store: Store, home: Settings, monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setattr(filing, "AT_ONCE", 150)
    chance = random.Random(5)
    ids = {key: add_tenant(store, key) for key in ("acme", "bolt")}
    records: dict[str, list[OperationRecord]] = {key: [] for key in ids}
    for step in range(4):
        for key, tenant_id in ids.items():
            new = [a_record(chance, step * 200 + number) for number in range(200)]
            with store.write(tenant_id) as session:
                append(session, tenant_id, new)
            records[key] += new
        if step < 3:
            seal(store, home)
        if step < 2:
            assert sidecar.follow(store, home.lake, at_once=True) == 400
    return Log(store, home, records, ids)


EVERYTHING = OperationFilter(BEGIN, END)
FILTERS: list[tuple[dict[str, object], Callable[[OperationRecord], bool]]] = [
    ({}, lambda _: True),
    ({"operators": ("amy",)}, lambda r: r.operator == "amy"),
    ({"operators": ("amy", "陈静")}, lambda r: r.operator in {"amy", "陈静"}),
    (
        {"modules": ("dashboard",), "actions": ("disable", "create")},
        lambda r: r.module == "dashboard" and r.action != "delete",
    ),
    ({"results": ("failure",), "channels": ("openapi",)}, lambda r: (r.result, r.channel) == ("failure", "openapi")),
    ({"operators": ("nobody",)}, lambda _: False),
    ({"object_type": "dashboard", "object_id": "3"}, lambda r: r.object_id == "3"),
    ({"object_id": "3"}, lambda r: r.object_id == "3"),
    ({"object_type": "dashboard"}, lambda r: r.object_type == "dashboard"),
    ({"object_type": "chart"}, lambda _: False),
    ({"object_type": "chart", "object_id": "3"}, lambda _: False),
    ({"keyword": "停"}, lambda r: "停用" in r.content),
    ({"keyword": "停用"}, lambda r: "停用" in r.content),
    ({"keyword": "看板"}, lambda r: "看板" in r.object_name or r.module == "dashboard"),
    ({"keyword": "BOB"}, lambda r: r.operator == "Bob"),
    ({"keyword": "full WIDTH"}, lambda r: r.object_name == "ＦＵＬＬ width"),
    ({"keyword": "%_"}, lambda r: r.object_name == "50%_off"),
    ({"keyword": "e\u0301 a"}, lambda r: r.object_name == "é accent"),
    ({"keyword": "absent"}, lambda _: False),
    (
        {"since": BEGIN + timedelta(days=3, seconds=7), "until": BEGIN + timedelta(days=20)},
        lambda r: timedelta(days=3, seconds=7) <= r.occurred_at - BEGIN < timedelta(days=20),
    ),
    (
        {"keyword": "sales", "operators": ("Bob",), "until": BEGIN + timedelta(days=30)},
        lambda r: "Sales" in r.object_name and r.operator == "Bob" and r.occurred_at < BEGIN + timedelta(days=30),
    ),
]


@pytest.mark.spec("O4", "O6", "O8")
def test_pages_counts_and_rows_are_those_of_a_plain_reading(log: Log) -> None:
    for changes, meant in FILTERS:
        asked = replace(EVERYTHING, **changes)  # type: ignore[arg-type]
        expected = [record for record in log.records["acme"] if meant(record)]
        told = walked(log.ask(), asked)
        assert sorted(told) == sorted(record.content for record in expected), changes
        counts = log.ask().counts(asked)
        assert counts.total == len(expected) == log.ask().total(asked), changes
        assert counts.histogram["operations"].sum() == len(expected)
        assert counts.histogram["failures"].sum() == sum(record.result == "failure" for record in expected)
        for name in FACETS:
            assert dict(counts.facets[name].rows()) == Counter(getattr(record, name) for record in expected), name
        rows = [content for frame in log.ask().rows(asked, ["content"]) for content in frame["content"]]
        assert rows == told, changes


def walked(queries: OperationQueries, asked: OperationFilter) -> list[str]:
    """The contents of all pages to the last, and back to the first."""
    pages = [queries.page(asked, size=97)]
    while pages[-1].older is not None:
        pages.append(queries.page(asked, before=pages[-1].older, size=97))
    if pages[-1].rows.is_empty():
        pages.pop()
    for before, page in zip(pages[-2::-1], pages[:0:-1], strict=True):
        back = queries.page(asked, after=page.newer, size=97)
        assert back.rows["id"].to_list() == before.rows["id"].to_list()
    instants = [at for page in pages for at in page.rows["occurred_at"]]
    assert instants == sorted(instants, reverse=True)
    return [content for page in pages for content in page.rows["content"]]


@pytest.mark.spec("O6", "T2")
def test_the_histogram_counts_days_of_a_zone(log: Log) -> None:
    asked = replace(EVERYTHING, zone="Asia/Shanghai", operators=("amy",))
    told = log.ask().counts(asked, Grain.DAY).histogram
    expected = Counter(
        (record.occurred_at + timedelta(hours=8)).date() for record in log.records["acme"] if record.operator == "amy"
    )
    assert {at.date(): n for at, n in told.select("bucket", "operations").rows() if n} == expected


@pytest.mark.spec("A5", "L2")
def test_nobody_sees_more_than_their_own(log: Log) -> None:
    held = log.ask(applications=ApplicationScope(every=False, ids=frozenset()))
    assert held.total(EVERYTHING) == 0
    with log.store.write(EVERY_TENANT) as session:
        row = Application(tenant_id=log.ids["acme"], key="web", name="Web", source="console", created_at=BEGIN)
        session.add(row)
        session.flush()
        number = row.id
    of_web = [record for record in log.records["acme"] if record.application == "web"]
    held = log.ask(applications=ApplicationScope(every=False, ids=frozenset({number})))
    assert held.total(EVERYTHING) == len(of_web)
    assert held.total(replace(EVERYTHING, applications=("app",))) == 0
    other = log.ask().page(replace(EVERYTHING, applications=("app",)), size=1).rows["id"][0]
    with pytest.raises(NotFound):
        held.details(other)
    for tenants in (("bolt",), (EVERY,), ("acme", "bolt")):
        with pytest.raises(BadInput):
            log.ask().total(replace(EVERYTHING, tenants=tenants))
    theirs = log.ask("bolt").page(EVERYTHING, size=1).rows["id"][0]
    with pytest.raises(NotFound):
        log.ask().details(theirs)
    with pytest.raises(NotPermitted):
        log.ask(permissions=frozenset()).total(EVERYTHING)


@pytest.mark.spec("L2", "O4")
def test_a_system_administrator_sees_every_tenant(log: Log) -> None:
    root = log.ask(account_type=AccountType.SYSTEM)
    whole = replace(EVERYTHING, tenants=(EVERY,))
    counts = root.counts(whole)
    assert dict(counts.facets["tenant"].rows()) == {"acme": 800, "bolt": 800}
    assert len(walked(root, whole)) == 1600
    assert root.total(replace(EVERYTHING, tenants=("bolt",), keyword="停用")) == 16
    page = root.page(whole, size=30)
    assert set(page.rows["tenant"]) == {"acme", "bolt"}
    last = page.rows.row(-1, named=True)
    assert root.details(last["id"], last["tenant"]).fields["content"] == last["content"]


@pytest.mark.spec("O5")
def test_an_organization_stands_for_all_below_it(log: Log) -> None:
    with log.store.write(EVERY_TENANT) as session:
        top = Organization(tenant_id=log.ids["acme"], key="top", name="Company")
        session.add(top)
        session.flush()
        north = Organization(tenant_id=log.ids["acme"], key="north", name="North", parent_id=top.id)
        session.add(north)
        session.flush()
        numbers = (top.id, north.id)
    of_north = sum(record.organization == "North" for record in log.records["acme"])
    assert [log.ask().total(replace(EVERYTHING, organization_id=number)) for number in numbers] == [of_north] * 2
    with pytest.raises(NotFound):
        log.ask().total(replace(EVERYTHING, organization_id=99))


@pytest.mark.spec("O7")
def test_details_tell_everything_and_compare_the_values(log: Log) -> None:
    queries = log.ask()
    page = queries.page(EVERYTHING, size=3)
    first, second, third = page.rows["id"]
    record = next(r for r in log.records["acme"] if r.content == page.rows["content"][1])
    details = queries.details(second)
    assert details.fields["event_id"] == record.event_id
    assert [(change.path, change.old, change.new) for change in details.changes] == [
        ("n", record.old["n"], record.new["n"])
    ]
    assert '"content": ' in details.raw
    assert queries.neighbours(EVERYTHING, second) == (first, third)
    assert queries.newer_count(EVERYTHING, third) == 2


@pytest.mark.spec("O6")
def test_files_that_are_lost_are_made_anew(log: Log) -> None:
    for path in (log.settings.lake / "operations").glob("*.arrow"):
        path.unlink()
    assert sidecar.follow(log.store, log.settings.lake, at_once=True) == 1200
    assert log.ask().counts(EVERYTHING).total == 800


@pytest.mark.spec("O9")
def test_what_the_retention_rule_removes_leaves_the_files_too(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    with log.store.write(EVERY_TENANT) as session:
        session.get_one(Tenant, log.ids["acme"]).keeps_operations_days = 183
    monkeypatch.setattr(operation_retention, "HERE_AT_LEAST", timedelta(days=-365))
    february = datetime(2026, 2, 1, tzinfo=UTC)
    gone = remove_old_operations(log.store, log.settings.lake, february + timedelta(days=190))
    sealed, rest = log.records["acme"][:600], log.records["acme"][600:]
    kept = [record for record in sealed if record.occurred_at >= february] + rest
    assert gone == 800 - len(kept)
    assert log.ask().counts(EVERYTHING).total == len(kept) == len(walked(log.ask(), EVERYTHING))
    assert log.ask().total(replace(EVERYTHING, operators=("amy",))) == sum(r.operator == "amy" for r in kept)
    assert log.ask("bolt").counts(EVERYTHING).total == 800


@pytest.mark.spec("O4")
def test_a_record_that_is_sent_again_is_there_once(log: Log) -> None:
    tenant_id = log.ids["acme"]
    with log.store.write(tenant_id) as session:
        again = append(
            session, tenant_id, [log.records["acme"][3], log.records["acme"][799], a_record(random.Random(1), 4000)]
        )
    assert (again.accepted, again.repeated) == (1, 2)
    assert log.ask().counts(EVERYTHING).total == 801


def test_a_filter_survives_its_journey_as_json() -> None:
    asked = replace(EVERYTHING, operators=("陈静",), keyword="%", organization_id=3, tenants=(EVERY,))
    assert OperationFilter.from_json(asked.as_json()) == asked
    for wrong in ({}, {"since": 3, "until": 4}, {**asked.as_json(), "nonsense": 1}):
        with pytest.raises(BadInput):
            OperationFilter.from_json(wrong)
