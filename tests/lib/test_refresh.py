"""From the inbox to a publication: once each, whatever dies in between."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import func, select, update

from lib.access.permissions import AccountType, of_type
from lib.access.viewer import EVERY_APPLICATION, EVERY_TENANT, ApplicationScope, Viewer
from lib.errors import BadInput, Busy, NotFound, NotPermitted, Unavailable
from lib.jobs.refresh import refresh, settle
from lib.jobs.schedule import AFTER_CLOSE, next_start
from lib.queries.status import StatusQueries
from lib.queries.usage import UsageFilter, UsageQueries
from lib.queries.visits import VisitFilter, VisitQueries
from lib.settings import PROJECT_DIR, Settings
from lib.store import Store, catalogue
from lib.store.locks import job_lock
from lib.store.tables import BucketLedger, Inbox, Tenant
from lib.usage.buckets import Grain, Period
from lib.usage.events import key_of_id
from lib.usage.intake import Accepted, Intake
from lib.usage.lake import Lake
from lib.usage.visits import VISIT
from tests.lib.events import NOON, event, events

DAY = Period(NOON - timedelta(hours=12), NOON + timedelta(hours=12))


@pytest.fixture
def settings(home: Settings) -> Settings:
    return home


def add_tenant(store: Store, key: str = "acme") -> int:
    """A tenant with the application web and the mini program shop."""
    with store.write(EVERY_TENANT) as session:
        tenant = Tenant(key=key, name=key.title(), created_at=datetime.now(UTC))
        session.add(tenant)
        session.flush()
        catalogue.ensured_applications(session, tenant.id, ["web", "app"], "test")
        catalogue.ensured_mini_programs(session, tenant.id, ["shop"], "test")
        return tenant.id


def viewer_of(tenant_id: int) -> Viewer:
    """Its platform administrator."""
    permissions = of_type(AccountType.PLATFORM)
    return Viewer(1, "ann", AccountType.PLATFORM, tenant_id, "acme", "Acme", permissions, EVERY_APPLICATION)


def usage_of(store: Store, settings: Settings, tenant_id: int) -> UsageQueries:
    return UsageQueries(viewer_of(tenant_id), store, settings.lake)


def views(store: Store, settings: Settings, tenant_id: int) -> object:
    return usage_of(store, settings, tenant_id).totals(UsageFilter(DAY))["page_views"]


@pytest.mark.spec("T1", "T5")
def test_a_batch_is_counted_once_and_leaves_the_inbox(store: Store, settings: Settings) -> None:
    tenant = add_tenant(store)
    intake = Intake(store, settings.lake)
    assert intake.accept(tenant, "usage", "test", events(event(0), event(60))) == Accepted(2, 0)
    assert intake.accept(tenant, "usage", "test", events(event(0), event(60), event(90))) == Accepted(1, 2)
    done = refresh(settings, store)
    assert (done.added, done.duplicate, done.batches) == (3, 0, 2)
    assert views(store, settings, tenant) == 3
    assert Intake(store, settings.lake).accept(tenant, "usage", "test", events(event(0))) == Accepted(0, 1)
    with store.read(EVERY_TENANT) as session:
        assert session.scalar(select(func.count()).select_from(Inbox)) == 0
        assert session.scalar(select(func.sum(BucketLedger.rows_added))) == 3


@pytest.mark.spec("T1")
def test_what_happens_in_the_open_bucket_is_shown_once_it_has_closed(store: Store, settings: Settings) -> None:
    tenant = add_tenant(store)
    Intake(store, settings.lake).accept(tenant, "usage", "test", events(event(0), event(1800)))
    refresh(settings, store, now=NOON + timedelta(minutes=40))
    assert usage_of(store, settings, tenant).as_of() == NOON + timedelta(minutes=30)
    assert views(store, settings, tenant) == 1
    refresh(settings, store, now=NOON + timedelta(minutes=61))
    assert views(store, settings, tenant) == 2


@pytest.mark.spec("T5")
def test_a_batch_that_cannot_be_read_stops_the_refresh_with_a_sentence_and_stays(
    sqlite_store: Store, settings: Settings
) -> None:
    tenant = add_tenant(sqlite_store)
    Intake(sqlite_store, settings.lake).accept(tenant, "usage", "test", events(event(0)))
    with sqlite_store.write(tenant) as session:
        whole = session.scalars(select(Inbox.payload)).one()
        session.execute(update(Inbox).values(payload=whole[:60]))
    with pytest.raises(Unavailable, match="The batch 1 of the inbox cannot be read"):
        refresh(settings, sqlite_store, now=NOON + timedelta(hours=1))
    with sqlite_store.write(tenant) as session:
        session.execute(update(Inbox).values(payload=whole))
    refresh(settings, sqlite_store, now=NOON + timedelta(hours=1))
    assert views(sqlite_store, settings, tenant) == 1


@pytest.mark.spec("T1")
def test_a_clock_set_back_closes_no_bucket_again(sqlite_store: Store, settings: Settings) -> None:
    add_tenant(sqlite_store)
    refresh(settings, sqlite_store, now=NOON)
    assert refresh(settings, sqlite_store, now=NOON - timedelta(days=1)).as_of == NOON


@pytest.mark.spec("T5")
def test_a_batch_that_was_published_but_not_removed_is_not_counted_twice(
    sqlite_store: Store, settings: Settings
) -> None:
    tenant = add_tenant(sqlite_store)
    Intake(sqlite_store, settings.lake).accept(tenant, "usage", "test", events(event(0)))
    database = settings.home / "daybook.sqlite"
    with sqlite_store.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    before = shutil.copy(database, settings.home / "before")
    refresh(settings, sqlite_store)
    sqlite_store.dispose()
    for left in settings.home.glob("daybook.sqlite-wal"):
        left.unlink()
    shutil.copy(before, database)  # the publication stands, the database did not hear of it
    again = Store(settings.database_url)
    assert refresh(settings, again).added == 0
    assert views(again, settings, tenant) == 1
    with again.read(EVERY_TENANT) as session:
        assert session.scalar(select(func.count()).select_from(Inbox)) == 0
        assert session.scalar(select(func.sum(BucketLedger.rows_added))) == 1


def test_settling_twice_writes_the_ledger_once(store: Store, settings: Settings) -> None:
    tenant = add_tenant(store)
    Intake(store, settings.lake).accept(tenant, "usage", "test", events(event(0), event(1800)))
    refresh(settings, store)
    settle(Lake(settings.lake), store)
    with store.read(EVERY_TENANT) as session:
        assert session.scalar(select(func.count()).select_from(BucketLedger)) == 2


def test_one_refresh_runs_at_a_time(store: Store, settings: Settings) -> None:
    with job_lock(store, "refresh"), pytest.raises(Busy):
        refresh(settings, store)


@pytest.mark.spec("A5")
def test_a_tenant_sees_its_own_usage_only(store: Store, settings: Settings) -> None:
    ours, others = add_tenant(store), add_tenant(store, "other")
    intake = Intake(store, settings.lake)
    intake.accept(ours, "usage", "test", events(event(0)))
    intake.accept(others, "usage", "test", events(event(0), event(1), event(2)))
    refresh(settings, store)
    assert (views(store, settings, ours), views(store, settings, others)) == (1, 3)


@pytest.mark.spec("A5", "T3")
def test_a_viewer_sees_the_applications_it_holds_and_users_are_counted_in_them(
    sqlite_store: Store, settings: Settings
) -> None:
    tenant = add_tenant(sqlite_store)
    with sqlite_store.read(tenant) as session:
        ids = catalogue.ensured_applications(session, tenant, ["web", "app"], "test")
    in_app = {"application_id": ids["app"], "application": "app"}
    rows = events(
        event(0, application_id=ids["web"]),
        event(1, **in_app),
        event(2, visitor="ben", **in_app),
        event(3, visitor="cy", application_id=ids["web"]),
    )
    Intake(sqlite_store, settings.lake).accept(tenant, "usage", "test", rows)
    refresh(settings, sqlite_store)
    everything = viewer_of(tenant)

    def users(viewer: Viewer, application: str | None = None) -> object:
        queries = UsageQueries(viewer, sqlite_store, settings.lake)
        return queries.totals(UsageFilter(DAY, application=application))["active_users"]

    holds_app = replace(everything, applications=ApplicationScope(every=False, ids=frozenset({ids["app"]})))
    holds_both = replace(everything, applications=ApplicationScope(every=False, ids=frozenset(ids.values())))
    holds_none = replace(everything, applications=ApplicationScope(every=False))
    assert [users(viewer) for viewer in (everything, holds_both, holds_app, holds_none)] == [3, 3, 2, 0]
    with pytest.raises(NotFound):
        users(holds_app, "web")


@pytest.mark.spec("A4")
def test_usage_needs_its_permission(sqlite_store: Store, settings: Settings) -> None:
    stranger = replace(viewer_of(add_tenant(sqlite_store)), permissions=frozenset())
    with pytest.raises(NotPermitted):
        UsageQueries(stranger, sqlite_store, settings.lake).totals(UsageFilter(DAY))


@pytest.mark.spec("T4")
def test_nothing_over_nothing_is_no_figure(sqlite_store: Store, settings: Settings) -> None:
    tenant = add_tenant(sqlite_store)
    refresh(settings, sqlite_store)
    totals = usage_of(sqlite_store, settings, tenant).totals(UsageFilter(DAY))
    assert (totals["opens"], totals["active_users"], totals["opens_per_user"]) == (0, 0, None)


@pytest.mark.spec("U1")
def test_a_filled_trend_has_every_bucket_up_to_the_last_closed_one(sqlite_store: Store, settings: Settings) -> None:
    tenant = add_tenant(sqlite_store)
    Intake(sqlite_store, settings.lake).accept(tenant, "usage", "test", events(event(0), event(3600)))
    refresh(settings, sqlite_store, now=NOON + timedelta(hours=2))
    trend = usage_of(sqlite_store, settings, tenant).trend(UsageFilter(DAY), Grain.HOUR)
    assert trend["page_views"].to_list() == [0] * 12 + [1, 1]
    assert trend["cumulative_users"].to_list() == [0] * 12 + [1, 1]


@pytest.mark.spec("L3")
def test_visits_are_read_before_and_after_the_refresh_alike(store: Store, settings: Settings) -> None:
    tenant = add_tenant(store)
    rows = pl.DataFrame(
        {
            "key": [1, 2, 3],
            "at": [NOON, NOON + timedelta(seconds=1), NOON + timedelta(days=1)],
            "address": ["10.0.0.1", "10.0.0.1", "10.0.0.2"],
            "status": [200, 404, 500],
            "size_bytes": [10, None, 5],
        },
        schema_overrides={"at": VISIT["at"], "key": VISIT["key"]},
    )
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in VISIT.items() if name not in rows.columns]
    whole = rows.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in VISIT.items())
    Intake(store, settings.lake).accept(tenant, "visit", "test", whole)
    queries = VisitQueries(viewer_of(tenant), store, settings.lake)
    asked = VisitFilter(DAY.since, DAY.until)
    before = queries.histogram(asked, Grain.DAY)
    assert before.drop("bucket").rows() == [(2, 1, 1, 1, 10)]
    refresh(settings, store)
    assert queries.histogram(asked, Grain.DAY).equals(before)
    assert queries.rows(asked)["status"].to_list() == [404, 200]
    assert queries.rows(VisitFilter(DAY.since, DAY.until, status="4xx")).height == 1


def test_files_that_are_no_longer_current_are_swept_after_a_while(sqlite_store: Store, settings: Settings) -> None:
    tenant = add_tenant(sqlite_store)
    for second in (0, 1):
        batch = events(event(second, event_id=f"e{second}"))
        Intake(sqlite_store, settings.lake).accept(tenant, "usage", "test", batch)
        refresh(settings, sqlite_store)
    lake = Lake(settings.lake)
    files = {place.relative_to(lake.folder).as_posix() for place in lake.folder.rglob("*") if place.is_file()}
    assert files > lake.manifest().paths()
    lake.sweep(grace_seconds=-1)
    files = {place.relative_to(lake.folder).as_posix() for place in lake.folder.rglob("*") if place.is_file()}
    assert files == lake.manifest().paths() | {"current", "manifests/2.json"}


@pytest.mark.spec("T5")
def test_a_refresh_that_is_killed_loses_nothing_and_counts_nothing_twice(
    sqlite_store: Store, settings: Settings
) -> None:
    tenant = add_tenant(sqlite_store)
    chance = random.Random(7)
    rows = events(*(event(chance.randrange(40_000), f"v{chance.randrange(50)}") for _ in range(2_000)))
    intake = Intake(sqlite_store, settings.lake)
    command = [sys.executable, "-m", "lib.cli", "refresh"]
    environment = {**os.environ, "DAYBOOK_HOME": str(settings.home)}
    for part in range(4):
        intake.accept(tenant, "usage", "test", rows[part * 500 : (part + 1) * 500])
        running = subprocess.Popen(command, cwd=PROJECT_DIR, env=environment, stderr=subprocess.DEVNULL)
        time.sleep(0.9 + 0.15 * part)
        running.send_signal(signal.SIGKILL)
        running.wait()
    refresh(settings, sqlite_store)
    assert views(sqlite_store, settings, tenant) == 2_000
    with sqlite_store.read(EVERY_TENANT) as session:
        assert session.scalar(select(func.sum(BucketLedger.rows_added))) == 2_000


def test_the_schedule_waits_for_the_next_half_hour_to_close() -> None:
    now = NOON + timedelta(minutes=10)
    assert next_start(now, None) == now
    assert next_start(now, NOON - timedelta(minutes=30)) == now
    assert next_start(now, NOON) == NOON + timedelta(minutes=30) + AFTER_CLOSE
    assert next_start(NOON + timedelta(seconds=5), NOON - timedelta(minutes=30)) == NOON + AFTER_CLOSE


def test_the_home_of_a_lake_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    from lib.errors import Unavailable

    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        Lake(tmp_path / "file").write("x", lambda beside: beside.write_text(""))


@pytest.mark.spec("A5")
def test_what_counts_all_applications_together_is_for_those_who_hold_them_all(
    sqlite_store: Store, settings: Settings
) -> None:
    tenant = add_tenant(sqlite_store)
    intake = Intake(sqlite_store, settings.lake)
    intake.accept(tenant, "usage", "test", events(event(0)))
    refresh(settings, sqlite_store)
    intake.accept(tenant, "usage", "test", events(event(1, event_id="later")))
    holds_one = replace(viewer_of(tenant), applications=ApplicationScope(every=False, ids=frozenset({1})))
    seen = [StatusQueries(viewer, sqlite_store, settings.lake) for viewer in (viewer_of(tenant), holds_one)]
    assert [status.freshness().waiting_rows for status in seen] == [1, 0]
    assert [status.ledger().height for status in seen] == [1, 0]
    visits = VisitQueries(holds_one, sqlite_store, settings.lake)
    assert visits.rows(VisitFilter(DAY.since, DAY.until)).is_empty()


@pytest.mark.spec("A5")
def test_a_mini_program_that_is_not_held_answers_as_one_that_is_not_there(
    sqlite_store: Store, settings: Settings
) -> None:
    tenant = add_tenant(sqlite_store)
    holds_one = replace(viewer_of(tenant), applications=ApplicationScope(every=False, ids=frozenset({1})))
    queries = UsageQueries(holds_one, sqlite_store, settings.lake)
    for key in ("shop", "nothing"):
        with pytest.raises(NotFound):
            queries.totals(UsageFilter(DAY, mini_program=key))


@pytest.mark.parametrize("name", ["localtime", "Factory", "../../etc/passwd", "", "Moon/Base"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        Period(DAY.since, DAY.until, name)


@pytest.mark.spec("T3")
def test_a_period_may_begin_with_all_time(sqlite_store: Store, settings: Settings) -> None:
    tenant = add_tenant(sqlite_store)
    Intake(sqlite_store, settings.lake).accept(tenant, "usage", "test", events(event(0), event(1, visitor="ben")))
    refresh(settings, sqlite_store)
    all_time = Period(datetime(1970, 1, 1, tzinfo=UTC), DAY.until)
    totals = usage_of(sqlite_store, settings, tenant).totals(UsageFilter(all_time))
    assert (totals["active_users"], totals["new_users"]) == (2, 2)
    with pytest.raises(BadInput):
        Period(datetime(1, 1, 1, tzinfo=UTC), DAY.until)


@pytest.mark.spec("T5")
def test_tables_of_an_older_version_are_made_again_from_the_raw_events(
    sqlite_store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    tenant = add_tenant(sqlite_store)
    intake, lake = Intake(sqlite_store, settings.lake), Lake(settings.lake)
    intake.accept(tenant, "usage", "test", events(event(0), event(60)))
    refresh(settings, sqlite_store, now=NOON + timedelta(hours=1))
    day = "2024-05-12"
    (name,) = lake.manifest().tenants[tenant].days[day].events or ()
    older = pl.read_parquet(lake.path(name)).with_columns(
        key=key_of_id(pl.col("event_id")), stream_id=pl.coalesce("stream_id", "session_id")
    )
    older.write_parquet(lake.path(f"{tenant}/older.parquet"))
    place = settings.lake / "manifests" / f"{lake.version()}.json"
    kept = json.loads(place.read_text())
    del kept["format"]
    files = kept["tenants"][str(tenant)]
    files |= {"recency": ["of-all"], "page_recency": ["of-pages"]}
    files["days"][day] |= {"events": f"{tenant}/older.parquet", "counts": "c", "pages": "p", "presence": "r"}
    del files["days"][day]["tables"]
    kept["publication"] += 1
    (place.parent / f"{kept['publication']}.json").write_text(json.dumps(kept))
    (settings.lake / "current").write_text(str(kept["publication"]))
    assert usage_of(sqlite_store, settings, tenant).as_of() is None
    assert views(sqlite_store, settings, tenant) == 0
    intake.accept(tenant, "usage", "test", events(event(0), event(60), event(90)))
    done = refresh(settings, sqlite_store, now=NOON + timedelta(hours=1))
    assert (done.added, views(sqlite_store, settings, tenant)) == (1, 3)
    assert "all events are counted again" in caplog.text
