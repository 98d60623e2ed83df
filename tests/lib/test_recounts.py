"""Which points of a trend changed after they were first published (SPEC T5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from lib.access.viewer import EVERY_TENANT, ApplicationScope
from lib.queries.recounts import RecountQueries
from lib.store import Store, ledger
from lib.usage.buckets import Grain, of_dates
from tests.lib.test_refresh import add_tenant, viewer_of

pytestmark = pytest.mark.spec("T5")

TEN = datetime(2024, 5, 12, 10, tzinfo=UTC)
HALF = timedelta(minutes=30)


def _publish(store: Store, number: int, *rows: tuple[int, datetime, int, int]) -> None:
    """A publication: tenant, half hour, late rows, excluded rows."""
    with store.write(EVERY_TENANT) as session:
        told = [ledger.LedgerRow(tenant, at, 5, late, 0, excluded) for tenant, at, late, excluded in rows]
        ledger.record_publication(session, number, told)


def test_only_what_changed_after_its_first_publication_is_marked(store: Store) -> None:
    tenant, other = add_tenant(store), add_tenant(store, key="globex")
    _publish(store, 1, (tenant, TEN, 3, 1), (tenant, TEN + HALF, 0, 0), (other, TEN, 0, 0))
    _publish(store, 2, (tenant, TEN, 2, 0), (tenant, TEN + HALF, 0, 0), (other, TEN + HALF, 0, 0))
    _publish(store, 3, (tenant, TEN, 0, 4), (other, TEN, 9, 0), (tenant, TEN + timedelta(days=1), 7, 0))
    _publish(store, 4, (tenant, TEN, 0, -1), (tenant, TEN + HALF, 0, 6))
    _publish(store, 5, (tenant, TEN + HALF, 0, -6))
    asked = RecountQueries(viewer_of(tenant), store)
    day = of_dates(date(2024, 5, 12), date(2024, 5, 13), "Asia/Shanghai")
    by_half_hour = asked.on_trend(day, Grain.HALF_HOUR)
    shanghai = [bucket.isoformat() for bucket in by_half_hour["bucket"]]
    assert shanghai == ["2024-05-12T18:00:00+08:00"]
    assert by_half_hour.select("rows_late", "rows_excluded").rows() == [(2, 3)]
    assert abs(by_half_hour["recorded_at"][0] - datetime.now(UTC)) < timedelta(minutes=5)
    assert [bucket.isoformat() for bucket in asked.on_trend(day, Grain.DAY)["bucket"]] == ["2024-05-12T00:00:00+08:00"]
    assert asked.on_trend(of_dates(date(2024, 5, 14), date(2024, 5, 14), "UTC"), Grain.HOUR).is_empty()


def test_a_publication_more_is_seen_by_who_asks_again(store: Store) -> None:
    tenant = add_tenant(store)
    asked = RecountQueries(viewer_of(tenant), store)
    day = of_dates(date(2024, 5, 12), date(2024, 5, 12), "UTC")

    def late() -> list[int]:
        return asked.on_trend(day, Grain.DAY)["rows_late"].to_list()

    assert late() == []
    _publish(store, 1, (tenant, TEN, 3, 0))
    assert late() == []
    _publish(store, 2, (tenant, TEN, 2, 0))
    assert late() == [2]
    _publish(store, 2, (tenant, TEN, 4, 0))
    assert late() == [4]


def test_who_holds_some_applications_is_told_nothing_of_the_others(sqlite_store: Store) -> None:
    tenant = add_tenant(sqlite_store)
    _publish(sqlite_store, 1, (tenant, TEN, 0, 0))
    _publish(sqlite_store, 2, (tenant, TEN, 1, 0))
    viewer = replace(viewer_of(tenant), applications=ApplicationScope(every=False, ids=frozenset({1})))
    day = of_dates(date(2024, 5, 12), date(2024, 5, 12), "UTC")
    assert RecountQueries(viewer, sqlite_store).on_trend(day, Grain.DAY).is_empty()
