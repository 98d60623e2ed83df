"""The demo: a company to look at, the same each time, removed without a trace but its record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from sqlalchemy import func, select

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_APPLICATION, EVERY_TENANT, Viewer
from lib.errors import BadInput, NotFound
from lib.feedback.records import KEEPS_LOGS
from lib.feedback.types import KIND_BY_KEY, TYPE_BY_KEY
from lib.jobs import demo
from lib.jobs.demo_company import HOSTS, INCIDENT, PROGRAMS, SYSTEMS
from lib.jobs.demo_feedback import add_feedback
from lib.jobs.demo_usage import DAYS, last_closed, usage_until
from lib.queries.usage import UsageFilter, UsageQueries
from lib.settings import Settings
from lib.store import Store, catalogue
from lib.store.tables import Application, Base, Feedback, FeedbackLog, Link, MiniProgram, Operation, Tenant
from lib.usage.buckets import Period
from lib.usage.lake import Lake
from tests.accounts import add_tenant

NOW = datetime(2026, 3, 2, 10, 44, 12, tzinfo=UTC)
UNTIL = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=DAYS)


@pytest.fixture(scope="module")
def events() -> pl.DataFrame:
    return usage_until(UNTIL)


def test_the_same_end_gives_the_same_events_and_another_end_gives_others(events: pl.DataFrame) -> None:
    assert events.equals(usage_until(UNTIL))
    assert not events.equals(usage_until(UNTIL + timedelta(minutes=30)))


def test_the_events_fill_ninety_days_up_to_the_last_closed_half_hour(events: pl.DataFrame) -> None:
    assert last_closed(NOW) == UNTIL
    first, last = events["at"].min(), events["at"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    assert SINCE <= first < SINCE + timedelta(hours=1)
    assert UNTIL - timedelta(hours=1) < last < UNTIL
    assert 150_000 < events.height < 260_000
    assert events["key"].is_unique().all()


def test_every_host_program_system_and_kind_is_seen(events: pl.DataFrame) -> None:
    assert set(events["application"].unique()) == {host.key for host in HOSTS}
    assert set(events["mini_program"].unique()) == {program.key for program in PROGRAMS}
    assert set(events["os"].unique()) == {name for name, _ in SYSTEMS}
    assert set(events["kind"].unique()) == {"open", "page_view", "share"}


def test_a_host_is_nearly_away_for_the_hours_of_the_incident(events: pl.DataFrame) -> None:
    day = (UNTIL + timedelta(hours=8)).date() - timedelta(days=INCIDENT.days_before)
    local = pl.col("at").dt.convert_time_zone("Asia/Shanghai")
    evening = events.filter(
        pl.col("application") == INCIDENT.host, local.dt.hour().is_between(18, 21), pl.col("kind") == "open"
    )
    by_day = evening.group_by(local.dt.date().alias("day")).len().sort("day")
    usual = by_day.filter(pl.col("day") != day)["len"].min()
    hit = by_day.filter(pl.col("day") == day)["len"].sum()
    assert hit * 4 < usual


def figures(settings: Settings, store: Store, tenant: Tenant) -> dict[str, float | int | None]:
    """The whole of the tenant's usage as its administrator sees it."""
    viewer = Viewer(
        account_id=1,
        account_name="amy",
        account_type=AccountType.PLATFORM,
        tenant_id=tenant.id,
        tenant_key=tenant.key,
        tenant_name=tenant.name,
        permissions=frozenset({Permission.USAGE_READ}),
        applications=EVERY_APPLICATION,
    )
    return UsageQueries(viewer, store, settings.lake).totals(UsageFilter(Period(SINCE, UNTIL)))


def rows_left(store: Store) -> dict[str, int]:
    """How many rows of tenants each table has, where it has any."""
    with store.read(EVERY_TENANT) as session:
        tables = [table for table in Base.metadata.sorted_tables if "tenant_id" in table.columns]
        tables.append(Base.metadata.tables["tenant"])
        counts = {table.name: session.scalar(select(func.count()).select_from(table)) for table in tables}
    return {name: count for name, count in counts.items() if count}


def test_it_is_loaded_once_counted_exactly_and_removed_whole(
    home: Settings, store: Store, events: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store.is_postgresql:  # the files beside the database are the same: a tenth of the people shows what is not
        some = events["visitor"].unique().sort().gather_every(10)
        events = events.filter(pl.col("visitor").is_in(some.implode()))
        monkeypatch.setattr(demo, "usage_until", lambda _until: events)
    loaded = demo.load(home, store, now=NOW)
    assert (loaded.accepted, loaded.repeated) == (events.height, 0)
    with store.read(EVERY_TENANT) as session:
        tenant = catalogue.tenant_of(session, "demo")
        assert tenant.is_demo
        session.expunge(tenant)
        assert session.scalar(select(func.count()).select_from(Application)) == 3
        assert session.scalar(select(func.count()).select_from(MiniProgram)) == 8
        ended = list(session.scalars(select(Link.unlinked_at).where(Link.unlinked_at.is_not(None))))
    assert ended == [UNTIL - timedelta(days=24)]

    counted = figures(home, store, tenant)
    kinds = dict(events.group_by("kind").len().iter_rows())
    assert counted["opens"] == kinds["open"]
    assert counted["page_views"] == kinds["page_view"]
    assert counted["shares"] == kinds["share"]
    assert counted["active_users"] == counted["new_users"] == events["visitor"].n_unique()

    again = demo.load(home, store, now=NOW + timedelta(days=3))
    assert (again.accepted, again.repeated) == (0, events.height)
    assert figures(home, store, tenant) == counted

    demo.remove(home, store)
    assert rows_left(store).keys() <= {"operation", "operation_pending", "operation_origin", "job_run"}
    assert not list(Lake(home.lake).folder.glob(f"{tenant.id}/**/*.parquet"))
    assert Lake(home.lake).manifest().tenants == {}
    with store.read(EVERY_TENANT) as session:
        told = select(Operation.action, Operation.object_type, Operation.object_name)
        last = session.execute(told.order_by(Operation.id.desc())).first()
    assert last == ("delete", "tenant", tenant.name)
    with pytest.raises(NotFound):
        demo.remove(home, store)


def test_a_company_of_ones_own_with_the_key_of_the_demo_is_left_alone(home: Settings, sqlite_store: Store) -> None:
    with sqlite_store.write(EVERY_TENANT) as session:
        session.add(Tenant(key="demo", name="Our own", created_at=NOW))
    for attempt in (demo.load, demo.remove):
        with pytest.raises(BadInput, match="not a demo"):
            attempt(home, sqlite_store)
    assert rows_left(sqlite_store) == {"tenant": 1}


@pytest.mark.spec("F1", "F3")
def test_its_users_told_something_of_every_kind_with_pictures_and_logs(home: Settings, sqlite_store: Store) -> None:
    tenant_id = add_tenant(sqlite_store, "demo")
    for _ in range(2):
        add_feedback(home, sqlite_store, tenant_id, UNTIL, NOW)
    with sqlite_store.read(tenant_id) as session:
        rows = list(session.scalars(select(Feedback)))
        logs = list(session.scalars(select(FeedbackLog)))
    assert 400 < len(rows) < 600
    assert {row.type for row in rows} == set(TYPE_BY_KEY)
    assert {row.kind for row in rows} == {"", *KIND_BY_KEY}
    assert {"3.5.0", "3.6.0"} <= {row.mini_program_version for row in rows}
    assert max(row.occurred_at for row in rows) < UNTIL
    assert 5 < len(logs) < 60
    assert all(log.uploaded_at > NOW - KEEPS_LOGS for log in logs)
    linked = {row.log_id for row in rows} - {None}
    assert linked == {log.id for log in logs}
    assert sum(row.image_count for row in rows) > 20
    picture = next(home.feedback_dir.glob("??/*"))
    assert picture.stat().st_size
