"""What came in, and whether the figures are what a recount says (SPEC T5, T6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from sqlalchemy import select

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT, ApplicationScope, Viewer
from lib.errors import BadInput, Busy, NotPermitted
from lib.jobs.refresh import refresh
from lib.queries.reconciling import Reconciling
from lib.settings import Settings
from lib.store import Store, intake_tallies, ledger
from lib.store.intake_tallies import Sent
from lib.store.locks import job_lock
from lib.store.tables import Application, IngestKey
from lib.usage.buckets import of_dates
from lib.usage.intake import Intake
from lib.usage.lake import Lake
from tests.lib.companies import make_companies, viewer
from tests.lib.events import event, events
from tests.lib.test_refresh import add_tenant, viewer_of

TEN = datetime(2024, 5, 12, 10, tzinfo=UTC)
DAY = of_dates(date(2024, 5, 12), date(2024, 5, 12), "UTC")


def _reader(tenant: int) -> Viewer:
    seen = viewer_of(tenant)
    return replace(seen, permissions=seen.permissions | {Permission.STATUS_READ})


def _progress(done: int, of: int) -> None:
    assert 0 <= done < of


@pytest.mark.spec("I1")
def test_what_each_key_and_library_sent_is_summed_by_outcome(store: Store, home: Settings) -> None:
    make_companies(store)
    acme, globex = (viewer(store, f"{name}-platform", name) for name in ("acme", "globex"))
    with store.read(EVERY_TENANT) as session:
        ours, theirs = (
            session.scalars(select(IngestKey).where(IngestKey.tenant_id == seen.tenant_id)).one()
            for seen in (acme, globex)
        )
    counts = {Sent(ours.id, "analytics-python/2"): 7, Sent(ours.id, "analytics-python/2", "bad_time"): 2}
    with store.write(EVERY_TENANT) as session:
        intake_tallies.add(session, acme.tenant_id, TEN, counts)
        intake_tallies.add(session, acme.tenant_id, TEN + timedelta(hours=1), counts)
        intake_tallies.add(session, acme.tenant_id, TEN + timedelta(days=1), counts)
        intake_tallies.add(session, globex.tenant_id, TEN, {Sent(theirs.id, "other"): 1})
    hour = TEN + timedelta(hours=1)
    expected = [
        (ours.prefix, "shop of acme", "analytics-python/2", "accepted", 14, hour),
        (ours.prefix, "shop of acme", "analytics-python/2", "bad_time", 4, hour),
    ]
    assert Reconciling(acme, store, home.lake).senders(DAY).rows() == expected
    of_acme = select(Application.id).where(Application.tenant_id == acme.tenant_id)
    with store.read(EVERY_TENANT) as session:
        web, app = (session.scalars(of_acme.where(Application.key == key)).one() for key in ("web", "app"))
    for held, seen in ((web, 2), (app, 0)):
        listed = replace(acme, applications=ApplicationScope(every=False, ids=frozenset({held})))
        assert Reconciling(listed, store, home.lake).senders(DAY).height == seen


@pytest.mark.spec("T5")
def test_the_ledger_is_summed_by_when_it_was_recorded(store: Store, home: Settings) -> None:
    tenant, other = add_tenant(store), add_tenant(store, key="globex")
    with store.write(EVERY_TENANT) as session:
        later = (tenant, TEN + timedelta(hours=1), 4, 0, 2, -1)
        rows = [(tenant, TEN, 5, 2, 1, 3), later, (other, TEN, 90, 90, 90, 90)]
        ledger.record_publication(session, 1, [ledger.LedgerRow(*row) for row in rows])
    asked = Reconciling(_reader(tenant), store, home.lake)
    today = of_dates(datetime.now(UTC).date(), datetime.now(UTC).date(), "UTC")
    counted = asked.ledgered(today)
    assert (counted.added, counted.late, counted.repeated, counted.excluded) == (9, 2, 3, 2)
    assert asked.ledgered(DAY).added == 0


@pytest.fixture
def counted(sqlite_store: Store, home: Settings) -> Reconciling:
    """A tenant with three page views, counted."""
    tenant = add_tenant(sqlite_store)
    rows = events(event(0), event(60, page="/pay"), event(90, visitor="bob"))
    Intake(sqlite_store, home.lake).accept(tenant, "usage", "test", rows)
    refresh(home, sqlite_store)
    return Reconciling(_reader(tenant), sqlite_store, home.lake)


@pytest.mark.spec("T6")
def test_a_recount_names_the_figures_that_differ(counted: Reconciling, home: Settings) -> None:
    lake = Lake(home.lake)
    path = lake.path(lake.manifest().tenants[counted.viewer.tenant_id].days["2024-05-12"].tables["counts"][0])
    pl.read_parquet(path).with_columns(pl.col("opens") + 5).write_parquet(path)
    found = counted.recount(DAY, _progress)
    assert found.differing == 1
    (row,) = found.differences.rows()
    noon = datetime(2024, 5, 12, 12, tzinfo=UTC)
    assert row == ("counts", noon, "app", "shop", None, "opens", 7, 2)


@pytest.mark.spec("T6")
def test_one_recount_runs_at_a_time(counted: Reconciling) -> None:
    with job_lock(counted.store, "recount"), pytest.raises(Busy):
        counted.recount(DAY, _progress)
    found = counted.recount(DAY, _progress)
    assert (found.differing, found.differences.height) == (0, 0)
    assert found.compared > 10


@pytest.mark.spec("A4", "A5")
def test_a_recount_is_for_those_who_read_the_status_of_every_application(counted: Reconciling) -> None:
    counted.viewer = replace(counted.viewer, applications=ApplicationScope(every=False, ids=frozenset({1})))
    with pytest.raises(BadInput):
        counted.recount(DAY, _progress)
    counted.viewer = replace(counted.viewer, permissions=frozenset({Permission.USAGE_READ}))
    for asked in (counted.senders, counted.ledgered):
        with pytest.raises(NotPermitted):
            asked(DAY)
