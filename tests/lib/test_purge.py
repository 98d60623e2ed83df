"""The purge: what goes, what stays, what is told of it, and when it runs."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.errors import Busy
from lib.jobs import schedule
from lib.jobs.purge import Purged, purge
from lib.settings import Settings
from lib.store import Store
from lib.store.locks import job_lock
from lib.store.tables import AccountSession, JobRun, Operation, SignIn
from tests.accounts import add_tenant, add_viewer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def _session(address: str, expires_at: datetime, revoked_at: datetime | None = None) -> AccountSession:
    begun = {"created_at": _days_ago(90), "last_seen_at": _days_ago(90)}
    return AccountSession(account_id=1, address=address, expires_at=expires_at, revoked_at=revoked_at, **begun)


def _tried(tenant_id: int | None, name: str, occurred_at: datetime) -> SignIn:
    row = SignIn(tenant_id=tenant_id, account_name=name, occurred_at=occurred_at, address="", user_agent="")
    row.result = "failure"
    return row


@pytest.mark.spec("O3")
def test_what_ended_long_ago_goes_and_is_recorded_and_the_rest_stays(store: Store, home: Settings) -> None:
    tenant_id = add_tenant(store, "acme")
    account_id = add_viewer(store, "amy", tenant_id)
    sessions = [
        _session("expired long ago", _days_ago(31)),
        _session("expired lately", _days_ago(29)),
        _session("revoked long ago", _days_ago(-1), _days_ago(31)),
        _session("revoked lately", _days_ago(-1), _days_ago(29)),
        _session("open", _days_ago(-1)),
    ]
    with store.write(EVERY_TENANT) as session:
        for row in sessions:
            row.account_id = account_id
        session.add_all(sessions)
        session.add_all(_tried(tenant_id, "amy", _days_ago(days)) for days in (401, 500, 399))
        session.add_all(_tried(None, "ghost", _days_ago(days)) for days in (401, 1))
    assert purge(home, store, NOW) == Purged(sessions=2, sign_ins=3)
    with store.read(EVERY_TENANT) as session:
        kept = list(session.scalars(select(AccountSession.address).order_by(AccountSession.id)))
        tries = [tuple(row) for row in session.execute(select(SignIn.account_name, SignIn.occurred_at))]
        told = [
            (row.tenant_id, row.operator, row.channel, row.action, row.object_type, json.loads(row.old_value or "{}"))
            for row in session.scalars(select(Operation).order_by(Operation.id))
        ]
        (run,) = session.scalars(select(JobRun)).all()
    assert kept == ["expired lately", "revoked lately", "open"]
    assert sorted(tries) == [("amy", _days_ago(399)), ("ghost", _days_ago(1))]
    of_sessions = {"before": "2026-01-30T12:00:00+00:00", "count": 2}
    before = "2025-01-25T12:00:00+00:00"
    by_us = ("schedule", "system", "purge")
    assert told == [
        (0, *by_us, "account_session", of_sessions),
        (0, *by_us, "sign_in", {"before": before, "count": 1}),
        (tenant_id, *by_us, "sign_in", {"before": before, "count": 2}),
    ]
    figures = {"sessions": 2, "sign_ins": 3, "events": 0, "visits": 0, "operations": 0, "feedback_logs": 0}
    assert (run.job, run.status, run.figures) == ("purge", "done", figures)


def test_where_nothing_is_old_nothing_is_recorded(sqlite_store: Store, home: Settings) -> None:
    assert purge(home, sqlite_store) == Purged(0, 0)
    with sqlite_store.read(EVERY_TENANT) as session:
        assert session.scalars(select(Operation)).all() == []


def test_one_purge_runs_at_a_time(sqlite_store: Store, home: Settings) -> None:
    with job_lock(sqlite_store, "purge"), pytest.raises(Busy, match="purge is already running"):
        purge(home, sqlite_store)


def test_the_schedule_purges_after_a_refresh_once_a_day(
    home: Settings, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))

    def runs() -> int:
        with sqlite_store.read(EVERY_TENANT) as session:
            return len(session.scalars(select(JobRun.id).where(JobRun.job == "purge")).all())

    async def until(count: int) -> None:
        # With nothing counted yet the schedule refreshes again at once: each round asks whether a purge is due.
        stop, quick = asyncio.Event(), (sys.executable, "-S", "-c", "")
        running = asyncio.create_task(schedule.run(stop, home, quick))
        while runs() < count:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        stop.set()
        await running

    asyncio.run(asyncio.wait_for(until(1), 60))
    assert runs() == 1
    with sqlite_store.write(EVERY_TENANT) as session:
        purged = session.scalars(select(JobRun).where(JobRun.job == "purge")).one()
        purged.started_at -= timedelta(days=1, seconds=1)
    asyncio.run(asyncio.wait_for(until(2), 60))
    assert runs() == 2
