"""Exclusion rules in administration: seen before they hold, recorded, and taken back after a second question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT
from lib.jobs.refresh import refresh
from lib.queries.exclusions import ExclusionQueries
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Tenant
from lib.usage.exclusions import Rule
from lib.usage.intake import Intake
from tests.accounts import add_tenant, add_viewer
from tests.lib.companies import operations
from tests.lib.events import event, events
from tests.lib.test_refresh import viewer_of
from tests.pages.conftest import App

pytestmark = pytest.mark.spec("U8")

HOSTILE = "[bot](http://evil.example) *x*"


@pytest.fixture
def keeper(home: Settings, sqlite_store: Store) -> str:
    """Somebody who may only keep rules, in a tenant with four events of yesterday, three of them a robot's."""
    tenant = add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "kim", tenant, permissions=[Permission.EXCLUSION_MANAGE])
    noon = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    robot = [
        event(visitor=f"bot{n % 2}", user_agent=HOSTILE, at=noon + timedelta(seconds=n), event_id=f"r{n}")
        for n in range(3)
    ]
    person = event(user_agent="Mozilla/5.0", at=noon, event_id="person")
    Intake(sqlite_store, home.lake).accept(tenant, "usage", "test", events(*robot, person))
    refresh(home, sqlite_store)
    return "kim"


def _dialog(at: AppTest, button: str = "", **fields: str) -> AppTest:
    """The dialog for a new rule with what was typed, after a click on a button in it.

    A test's run is always of the whole page, and so opens the dialog anew: as the same opening, its fields stay.
    """
    at.session_state["administer.opening"] = 0
    for name, value in fields.items():
        at.session_state[f"administer.rule_{name}.1"] = value
    if button:
        at.button(key=f"administer.rule_{button}.1").click()
    return at.button(key="administer.exclusions.add").click().run()


def _keys(at: AppTest) -> list[str | None]:
    return [button.key for button in at.button]


def _rows(at: AppTest) -> list[tuple[str, str, str]]:
    rows = at.dataframe[0].value.itertuples(index=False, name=None)
    return [(row[0].removeprefix(":material/chevron_right: "), row[1], row[2]) for row in rows]


def test_a_rule_is_added_only_after_its_preview(app: App, sqlite_store: Store, keeper: str) -> None:
    at = _dialog(app(keeper, "administration"), kind="user_agent", pattern="EVIL", memo="crawlers")
    assert [tab.label for tab in at.tabs] == ["Exclusion rules"]
    assert "administer.rule_add.1" not in _keys(at)
    at = _dialog(at, "preview")
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    said = f"Of 4 events counted since {yesterday} (UTC), it would take out 3 (75.0 %), of 2 visitors."
    assert [each.value for each in at.warning] == [said]
    assert at.dataframe[-1].value.to_numpy().tolist() == [[HOSTILE, 3]]
    at = _dialog(at, pattern="evil.example")
    assert "administer.rule_add.1" not in _keys(at)
    at = _dialog(_dialog(at, "preview"), "add")
    assert operations(sqlite_store)[-1].new_value == (
        '{"kind": "user_agent", "memo": "crawlers", "pattern": "evil.example"}'
    )
    at = app(keeper, "administration")
    assert _rows(at) == [("evil.example", "User agent", "crawlers")]


def test_a_rule_that_meets_nothing_says_so_and_one_that_is_none_is_refused(app: App, keeper: str) -> None:
    at = _dialog(app(keeper, "administration"), kind="user_agent", pattern="nobody")
    at = _dialog(at, "preview")
    assert at.info[-1].value.startswith("It would take nothing out of 4 events counted since ")
    at = _dialog(_dialog(at, kind="address"), "preview")
    assert "is not a rule of that kind" in at.error[0].value
    assert "administer.rule_add.1" not in _keys(at)


def test_a_rule_is_taken_back_after_a_second_question(
    app: App, home: Settings, sqlite_store: Store, keeper: str
) -> None:
    with sqlite_store.read(EVERY_TENANT) as session:
        tenant = session.scalars(select(Tenant)).one().id
    ExclusionQueries(viewer_of(tenant), sqlite_store, home.lake).add(Rule("user_agent", "evil"), "crawlers")
    at = app(keeper, "administration")
    at.session_state["table.administered_exclusions.pattern"] = {"row": 0, "label": ""}
    at.run()
    assert [text.value for text in at.text][-3:-1] == ["User agent: evil", "crawlers"]
    at.session_state["administer.opening"] = 0
    at.session_state["table.administered_exclusions.pattern"] = {"row": 0, "label": ""}
    at.button(key="administer.take_back_sure.1").click().run()
    assert at.success[0].value == "The rule evil is taken back. The figures follow with the next refresh."
    assert [each.action for each in operations(sqlite_store)] == ["add", "sign_in", "remove"]
    assert at.dataframe[0].value.iloc[0, 4] is not None


@pytest.mark.parametrize("pattern", ["a\x00b", "two\nlines"])
def test_a_pattern_with_control_characters_is_refused(pattern: str) -> None:
    with pytest.raises(Exception, match="is not a rule of that kind"):
        Rule("visitor", pattern)
