"""Rules take events out of the figures for all of history, and give them back (SPEC U8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from lib.access.viewer import EVERY_TENANT, ApplicationScope
from lib.errors import BadInput, NotFound
from lib.jobs.refresh import refresh
from lib.queries.exclusions import ExclusionQueries
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import BucketLedger, Operation
from lib.usage.exclusions import EXCLUSION_KINDS, Rule, matched
from lib.usage.intake import Intake
from tests.lib.events import NOON, Shelf, event, events
from tests.lib.test_refresh import add_tenant, viewer_of, views

pytestmark = pytest.mark.spec("U8")

ROBOT = {
    "visitor": "bot",
    "user_agent": "Mozilla/5.0 (compatible; FooBot/1.0)",
    "address": "10.1.2.3",
    "version": "0-test",
}
PERSON = {"visitor": "ann", "user_agent": "Mozilla/5.0", "address": "192.0.2.7", "version": "1.2"}


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("address", "10.0.0.0/8"),
        ("address", "10.1.2.3"),
        ("user_agent", "foobot"),
        ("visitor", "bot"),
        ("version", "0-test"),
    ],
)
def test_a_rule_meets_what_it_says(kind: str, pattern: str) -> None:
    rows = events(event(0, **ROBOT), event(1, **PERSON), event(2, user_agent=None, address="not an address"))
    assert matched(rows, [Rule(kind, pattern)]).to_list() == [True, False, False]


@pytest.mark.parametrize(
    ("kind", "pattern"), [("address", "10.0.0.0/99"), ("address", "x"), ("visitor", " "), ("moon", "full")]
)
def test_a_rule_that_is_none_is_refused(kind: str, pattern: str) -> None:
    with pytest.raises(BadInput):
        Rule(kind, pattern)


def test_an_ipv6_range_is_a_range() -> None:
    rows = events(event(0, address="2001:db8::1"), event(1, address="2001:db9::1"))
    assert matched(rows, [Rule("address", "2001:db8::/32")]).to_list() == [True, False]


def test_every_kind_looks_at_a_column_of_the_event() -> None:
    assert {kind.column for kind in EXCLUSION_KINDS} <= set(events(event()).columns)


def test_history_is_as_if_the_excluded_had_not_happened_and_comes_back_to_the_bit(tmp_path: Path) -> None:
    bridge = event(1200, **{**ROBOT, "visitor": "ann"})  # without it, 40 minutes of silence part the session
    rows = events(event(0, **PERSON), bridge, event(2400, **PERSON), event(10, **ROBOT))
    shelf, without = Shelf(tmp_path / "all"), Shelf(tmp_path / "without")
    shelf.add(rows)
    before = shelf.tables()
    ledger = shelf.exclude(("user_agent", "foobot"))
    assert ledger["excluded"].sum() == 2
    without.add(rows[[0, 2]])
    expected = without.tables()
    assert shelf.summed() == without.summed()
    for name in expected.keys() - {"2024-05-12 events"}:
        assert shelf.tables()[name].equals(expected[name]), name
    assert shelf.exclude()["excluded"].sum() == -2
    for name, table in before.items():
        assert shelf.tables()[name].equals(table), name


def test_what_comes_later_is_excluded_too(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add(events(event(0, **PERSON)))
    shelf.exclude(("visitor", "bot"))
    ledger = shelf.add(events(event(5, event_id="later", **ROBOT)))
    assert ledger.select("added", "excluded").row(0) == (1, 1)
    assert shelf.summed()["page_views"] == 1


def test_a_rule_is_previewed_added_recorded_counted_and_taken_back(store: Store, home: Settings) -> None:
    tenant = add_tenant(store)
    rows = events(event(0, **PERSON), event(1, **ROBOT), event(2, **ROBOT))
    Intake(store, home.lake).accept(tenant, "usage", "test", rows)
    refresh(home, store, now=NOON + timedelta(hours=1))
    rules = ExclusionQueries(viewer_of(tenant), store, home.lake)
    preview = rules.preview(Rule("user_agent", "bot"))
    assert (preview.event_count, preview.excluded_count, preview.visitor_count) == (3, 2, 1)
    assert preview.examples.rows() == [(ROBOT["user_agent"], 2)]
    assert (preview.first, preview.is_whole) == ("2024-05-12", True)
    rules.add(Rule("user_agent", "bot"), "crawlers")
    with pytest.raises(BadInput):
        rules.add(Rule("user_agent", "bot"))
    assert views(store, home, tenant) == 3
    refresh(home, store, now=NOON + timedelta(hours=1))
    assert views(store, home, tenant) == 1
    rules.remove(rules.listing()["id"][0])
    with pytest.raises(NotFound):
        rules.remove(rules.listing()["id"][0])
    refresh(home, store, now=NOON + timedelta(hours=1))
    assert views(store, home, tenant) == 3
    with store.read(EVERY_TENANT) as session:
        assert session.scalars(select(Operation.action).order_by(Operation.id)).all() == ["add", "remove"]
        assert session.scalar(select(func.sum(BucketLedger.rows_excluded))) == 0


def test_a_preview_sees_what_is_old_and_says_where_it_stopped(
    sqlite_store: Store, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = add_tenant(sqlite_store)
    rows = events(*(event(-86_400 * day, **(ROBOT if day == 39 else PERSON)) for day in range(40)))
    Intake(sqlite_store, home.lake).accept(tenant, "usage", "test", rows)
    refresh(home, sqlite_store, now=NOON + timedelta(hours=1))
    rules = ExclusionQueries(viewer_of(tenant), sqlite_store, home.lake)
    whole = rules.preview(Rule("visitor", ROBOT["visitor"]))
    assert (whole.event_count, whole.excluded_count, whole.first, whole.is_whole) == (40, 1, "2024-04-03", True)
    monkeypatch.setattr("lib.queries.exclusions.PREVIEW_SECONDS", 0.0)
    part = rules.preview(Rule("user_agent", "bot"))
    assert (part.event_count, part.excluded_count, part.first, part.is_whole) == (30, 0, "2024-04-13", False)


def test_rules_are_for_those_who_hold_every_application(sqlite_store: Store, home: Settings) -> None:
    viewer = replace(viewer_of(add_tenant(sqlite_store)), applications=ApplicationScope(every=False))
    with pytest.raises(BadInput):
        ExclusionQueries(viewer, sqlite_store, home.lake).add(Rule("visitor", "bot"))
