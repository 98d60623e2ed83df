"""Instants go into the database and come out as the same instants, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import StatementError

from lib.access.viewer import EVERY_TENANT
from lib.store import Store
from lib.store.tables import JobRun

INSTANTS = [
    datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC),
    datetime(2024, 2, 29, 7, 59, 59, 999999, tzinfo=ZoneInfo("Asia/Shanghai")),
    datetime(2024, 11, 3, 1, 30, tzinfo=ZoneInfo("America/New_York"), fold=0),
    datetime(2024, 11, 3, 1, 30, tzinfo=ZoneInfo("America/New_York"), fold=1),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2100, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=5, minutes=45))),
]


def test_an_instant_comes_back_as_it_went_in_and_in_order(store: Store) -> None:
    with store.write(EVERY_TENANT) as session:
        session.add_all(JobRun(job=str(n), started_at=instant, status="done") for n, instant in enumerate(INSTANTS))
    with store.read(EVERY_TENANT) as session:
        kept = session.scalars(sa.select(JobRun.started_at).order_by(JobRun.id)).all()
        ordered = session.scalars(sa.select(JobRun.started_at).order_by(JobRun.started_at)).all()
        of_2024 = JobRun.started_at >= datetime(2024, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
        assert len(session.scalars(sa.select(JobRun.id).where(of_2024)).all()) == 5
    in_utc = [instant.astimezone(UTC) for instant in INSTANTS]
    assert kept == in_utc
    assert all(instant.tzinfo is UTC for instant in kept)
    assert ordered == sorted(in_utc)


def test_an_instant_without_a_zone_is_refused(store: Store) -> None:
    naive = datetime(2024, 2, 29, 12, 30)  # noqa: DTZ001
    with pytest.raises(StatementError, match="an instant needs a zone"), store.write(EVERY_TENANT) as session:
        session.add(JobRun(job="refresh", started_at=naive, status="done"))
