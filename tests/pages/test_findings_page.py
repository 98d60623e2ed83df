"""The page of findings: what was found, acknowledging it, and the thresholds with their preview (SPEC O10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.errors import BadInput, NotFound, NotPermitted
from lib.jobs.findings import look
from lib.logs.rows import OperationRecord
from lib.queries.findings import FindingFilter, FindingQueries
from lib.queries.operation_filter import OperationFilter
from lib.queries.operations import OperationQueries
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Account, Tenant
from tests.accounts import add_tenant, add_viewer
from tests.lib.companies import operations, viewer
from tests.lib.watched import found, keep, tries
from tests.pages.conftest import App

pytestmark = pytest.mark.spec("O10")

HOSTILE = "[eve](http://evil.example) <b>*x*"
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)


def export(operator: str, at: datetime, rows: int) -> OperationRecord:
    """Somebody takes rows away."""
    told = {"module": "export", "action": "create", "operation_class": "querying", "channel": "ui"}
    return OperationRecord(at, operator, object_name="log.csv", new={"rows": rows}, **told)  # type: ignore[arg-type]


@pytest.fixture
def acme(sqlite_store: Store) -> int:
    """A tenant with somebody who takes 1,000 rows a day, and 60,000 two days ago; kim keeps it, root all of them."""
    tenant_id = add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "kim", tenant_id, AccountType.PLATFORM)
    add_viewer(sqlite_store, "rea", tenant_id, permissions=[Permission.FINDING_READ])
    add_viewer(sqlite_store, "root", None, AccountType.SYSTEM)
    before = [export(HOSTILE, NOON - timedelta(days=day), 1000) for day in range(1, 9)]
    keep(sqlite_store, tenant_id, [*before, export(HOSTILE, NOON, 60_000)])
    tries(sqlite_store, None, [(NOON, f"name…{n}", "198.51.100.1", "failure") for n in range(5)])
    look(sqlite_store)
    return tenant_id


def asked(**narrowed: str) -> FindingFilter:
    return FindingFilter(NOON - timedelta(days=30), NOON + timedelta(days=2), **narrowed)


def queries(store: Store, name: str) -> FindingQueries:
    return FindingQueries(viewer(store, name, "acme"), store)


def texts(at: AppTest) -> list[tuple[Any, ...]]:
    rows = at.dataframe[0].value.itertuples(index=False, name=None)
    return [(row[0].removeprefix(":material/chevron_right: "), row[1], row[2], *row[4:]) for row in rows]


def test_the_list_says_which_rule_who_and_how_far_above_the_usual(app: App, acme: int) -> None:
    at = app("kim", "findings")
    assert texts(at) == [("Mass export", "High", HOSTILE, "60,000 rows", "60 times the usual", "Open")]
    assert "1 open" in [caption.value for caption in at.caption]


@pytest.mark.spec("P1")
def test_it_says_so_in_chinese(app: App, sqlite_store: Store, acme: int) -> None:
    with sqlite_store.write(EVERY_TENANT) as session:
        session.execute(update(Account).values(language="zh"))
    at = app("kim", "findings")
    assert texts(at) == [("大量导出", "高", HOSTILE, "60,000 行", "平时的 60 倍", "待处理")]


def test_filters_in_the_address_narrow_the_list(app: App, acme: int) -> None:
    assert texts(app("kim", "findings", rule="mass_export", state="open"))
    for narrowed in ({"rule": "odd_hours"}, {"state": "acknowledged"}, {"period": "2020-01-01..2020-01-02"}):
        at = app("kim", "findings", **narrowed)
        assert "Nothing was found in this period." in at.info[0].value


def test_a_finding_opens_from_its_address_leads_to_its_records_and_is_acknowledged_by_name(
    app: App, home: Settings, sqlite_store: Store, acme: int
) -> None:
    (row,) = found(sqlite_store, acme)
    at = app("kim", "findings", finding=str(row.id))
    assert at.markdown[-1].value.startswith("**\\[eve\\]") or any("60,000 rows" in each.value for each in at.markdown)
    at.text_area[0].set_value("Asked her: the yearly report.")
    next(button for button in at.button if button.label == "Acknowledge").click().run()
    assert at.success[0].value == "The finding is acknowledged."
    (row,) = found(sqlite_store, acme)
    assert (row.acknowledged_by, row.note) == ("kim", "Asked her: the yearly report.")
    (act,) = [act for act in operations(sqlite_store) if act.module == "finding"]
    told = (act.action, act.operator, act.object_id, act.object_name, act.new_value)
    name = f"mass_export: {HOSTILE}"
    assert told == ("acknowledge", "kim", str(row.id), name, '{"note": "Asked her: the yearly report."}')
    assert queries(sqlite_store, "kim").open_count() == 0
    with pytest.raises(BadInput, match="kim acknowledged this finding already"):
        queries(sqlite_store, "kim").acknowledge(row.id, "")


def test_the_records_of_a_finding_are_those_that_made_it(home: Settings, sqlite_store: Store, acme: int) -> None:
    (row,) = found(sqlite_store, acme)
    records = queries(sqlite_store, "kim").records(row.id)
    assert records == OperationFilter(
        NOON, NOON + timedelta(minutes=30), "UTC", operators=(HOSTILE,), actions=("create",)
    )
    log = OperationQueries(viewer(sqlite_store, "kim", "acme"), sqlite_store, home.lake)
    assert log.page(records).rows["object_name"].to_list() == ["log.csv"]


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "１２", "1; DROP TABLE finding"])
def test_an_address_with_nonsense_says_that_the_finding_is_not_here(app: App, acme: int, number: str) -> None:
    at = app("kim", "findings", finding=number, rule="<b>", state="none", period="yesterday..never", tab="moon")
    assert not at.exception
    assert "This finding is not here" in at.info[-1].value


def test_a_rule_is_set_after_its_preview_and_recorded(sqlite_store: Store, acme: int) -> None:
    ask = queries(sqlite_store, "kim")
    assert ask.fired()["mass_export"] == 1
    preview = ask.preview("mass_export", True, {"least": 1000, "times": 1})
    assert (preview.count, preview.count_now) == (9, 1)
    assert preview.examples.row(0) == (NOON, HOSTILE, 60_000, 1000.0)
    assert ask.preview("mass_export", False, {}).count == 0
    ask.change_threshold("mass_export", True, {"least": 1000, "times": 1})
    ask.change_threshold("mass_export", True, {"least": 1000, "times": 1})
    assert ask.fired()["mass_export"] == 9
    (act,) = [act for act in operations(sqlite_store) if act.module == "finding"]
    assert (act.action, act.object_type, act.object_id) == ("change_threshold", "rule", "mass_export")
    assert act.old_value == '{"is_on": true, "threshold": {"least": 50000, "times": 3}}'
    assert act.new_value == '{"is_on": true, "threshold": {"least": 1000, "times": 1}}'
    ask.change_threshold("mass_export", False, {"least": 1000, "times": 1})
    assert next((each.rule.key, each.is_on) for each in ask.settings()) == ("mass_export", False)
    assert ask.fired()["mass_export"] == 0


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("mass_export", {"least": 0}),
        ("mass_export", {"least": "many"}),
        ("mass_export", {"least": True}),
        ("odd_hours", {"from_hour": 24}),
        ("odd_hours", {"zone": "Moon/Base"}),
        ("first_address", {"ipv4_bits": 33}),
        ("nothing", {}),
    ],
)
def test_a_threshold_that_is_none_is_refused(sqlite_store: Store, acme: int, rule: str, said: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        queries(sqlite_store, "kim").preview(rule, True, said)
    with pytest.raises(BadInput):
        queries(sqlite_store, "kim").change_threshold(rule, True, said)


def test_the_rules_stand_in_a_tab_and_one_is_set_in_a_dialog(app: App, sqlite_store: Store, acme: int) -> None:
    at = app("kim", "findings", tab="rules")
    rows = list(at.dataframe[0].value.itertuples(index=False, name=None))
    assert len(rows) == 12
    assert rows[0][1:] == ("High", "On", "At least: 50,000, Times the usual: 3", 1)

    def opened() -> AppTest:
        at.session_state["administer.opening"] = 0
        at.session_state["table.finding_rules.name"] = {"row": 0, "label": ""}
        return at.run()

    opened()
    assert "How often it would have fired in the last 30 days: 1. As it is set now: 1." in at.info[-1].value
    at.number_input(key="administer.finding_least.1").set_value(1000)
    opened()
    at.number_input(key="administer.finding_times.1").set_value(1)
    opened()
    assert "How often it would have fired in the last 30 days: 9. As it is set now: 1." in at.info[-1].value
    at.button(key="administer.finding_save.1").click()
    opened()
    assert queries(sqlite_store, "kim").settings()[0].given == {"least": 1000, "times": 1}


@pytest.mark.spec("A5")
def test_findings_are_for_those_who_hold_every_application(app: App, sqlite_store: Store, acme: int) -> None:
    assert len(queries(sqlite_store, "rea").listing(asked())) == 1
    with sqlite_store.write(EVERY_TENANT) as session:
        session.execute(update(Account).where(Account.name == "rea").values(application_scope="listed"))
    ask, (row,) = queries(sqlite_store, "rea"), found(sqlite_store, acme)
    for question in (lambda: ask.listing(asked()), lambda: ask.one(row.id)):
        with pytest.raises(BadInput, match="holds only some applications"):
            question()
    assert ask.open_count() == 0
    at = app("rea", "findings")
    assert not at.dataframe
    assert "holds only some applications" in at.info[0].value


@pytest.mark.spec("A4")
def test_a_reader_acknowledges_nothing_sets_nothing_and_gets_no_way_to_the_log(
    app: App, sqlite_store: Store, acme: int
) -> None:
    (row,) = found(sqlite_store, acme)
    at = app("rea", "findings", finding=str(row.id), tab="rules")
    assert [tab.label for tab in at.tabs] == ["Findings"]
    assert not {"Acknowledge", "Show the records"} & {button.label for button in at.button}
    ask = queries(sqlite_store, "rea")
    for act in (
        lambda: ask.acknowledge(row.id, ""),
        lambda: ask.settings(),
        lambda: ask.fired(),
        lambda: ask.preview("mass_export", True, {}),
        lambda: ask.change_threshold("mass_export", False, {}),
        lambda: ask.records(row.id),
    ):
        with pytest.raises(NotPermitted):
            act()


@pytest.mark.spec("A5")
def test_of_another_tenant_nothing_is_seen_and_nothing_acknowledged(sqlite_store: Store, acme: int) -> None:
    other = add_tenant(sqlite_store, "globex")
    add_viewer(sqlite_store, "gil", other, AccountType.PLATFORM)
    ask, (row,) = queries(sqlite_store, "gil"), found(sqlite_store, acme)
    assert (len(ask.listing(asked())), ask.open_count(), ask.fired()["mass_export"]) == (0, 0, 0)
    for act in (lambda: ask.one(row.id), lambda: ask.acknowledge(row.id, ""), lambda: ask.records(row.id)):
        with pytest.raises(NotFound):
            act()


def test_system_administrators_see_what_belongs_to_no_tenant_too(app: App, sqlite_store: Store, acme: int) -> None:
    rows = queries(sqlite_store, "root").listing(asked())
    assert rows.select("tenant", "rule", "who").rows() == [
        ("acme", "mass_export", HOSTILE),
        ("", "names_tried", "198.51.100.1"),
    ]
    assert queries(sqlite_store, "root").records(rows["id"][1]).tenants == ("every",)
    assert queries(sqlite_store, "kim").listing(asked())["rule"].to_list() == ["mass_export"]


@pytest.mark.spec("A6")
def test_the_role_dialog_says_why_the_operation_log_is_not_offered(app: App, sqlite_store: Store, acme: int) -> None:
    told = "Not offered here: See the operation log. A system administrator first has to let roles"

    def captions() -> list[str]:
        at = app("kim", "administration", **{"administer.tab": "roles"})
        at.session_state["administer.tab"] = "Roles"
        at.run()
        at.button(key="administer.roles.add").click().run()
        return [caption.value for caption in at.caption]

    assert any(caption.startswith(told) for caption in captions())
    with sqlite_store.write(EVERY_TENANT) as session:
        session.execute(update(Tenant).values(delegates_operation_log=True))
    assert not any(caption.startswith("Not offered here") for caption in captions())
