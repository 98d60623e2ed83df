"""Retention of the operation log: what goes, what stays, what is told of it, and that it is not taken for tampering."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from lib.access.viewer import EVERY_TENANT
from lib.errors import BadInput
from lib.jobs import operation_retention
from lib.jobs.operation_retention import month_before
from lib.jobs.seal import seal
from lib.logs import Operator
from lib.logs.checkpoints import folders
from lib.logs.verify.findings import Finding, Kind
from lib.logs.verify.run import Question, verify
from lib.queries.keeping import OPERATIONS_KEPT, change_retention
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Operation, OperationHold, OperationRemoval, OperationSeal, Tenant
from tests.accounts import add_tenant
from tests.lib.sealing import NOW, record_some, tamper

pytestmark = pytest.mark.spec("O9")

on_sqlite = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


def _ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture(autouse=True)
def _sealed_long_ago(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test seals now may go at once, as if it had been here long enough."""
    if "late_ones_stay" not in request.node.name:
        monkeypatch.setattr(operation_retention, "HERE_AT_LEAST", timedelta(0))


def remove_old_operations(store: Store, now: datetime | None = None) -> int:
    """Where nothing is filed in the sidecar; test_operations.py has what is."""
    return operation_retention.remove_old_operations(store, Path("no-lake"), now)


@pytest.fixture
def acme(store: Store, home: Settings) -> int:
    """A tenant with operations of 600, 500, 410 and 300 days ago and of yesterday, two of each, sealed by fours."""
    tenant_id = add_tenant(store, "acme")
    for days in (600, 500, 435, 300, 1):
        record_some(store, tenant_id, 2, _ago(days))
    seal(store, home, batch=4)
    return tenant_id


def _days_there(store: Store, tenant_id: int) -> list[int]:
    with store.read(EVERY_TENANT) as session:
        told = select(Operation.occurred_at).where(Operation.tenant_id == tenant_id, Operation.operator == "amy")
        return sorted({round((NOW - at).total_seconds() / 86400) for at in session.scalars(told)}, reverse=True)


def _findings(store: Store, settings: Settings, tenant_id: int) -> list[Finding]:
    return verify(store, tenant_id, Question(folders(settings))).findings


def test_whole_months_go_and_are_recorded_and_nothing_looks_like_tampering(
    store: Store, home: Settings, acme: int
) -> None:
    assert remove_old_operations(store) == 6
    assert _days_there(store, acme) == [300, 1]
    with store.read(EVERY_TENANT) as session:
        removal = session.scalars(select(OperationRemoval)).one()
        recorded = session.scalars(select(Operation).where(Operation.id == removal.operation_id)).one()
        root = session.scalars(select(OperationSeal.root).order_by(OperationSeal.until_position.desc())).first()
    before = month_before(datetime.now(UTC), 400)
    assert (recorded.operator, recorded.module, recorded.action) == ("schedule", "operation_log", "remove")
    assert json.loads(recorded.old_value or "") == {
        "before": before.isoformat(),
        "below_id": str(removal.below_id),
        "count": 6,
        "keeps_days": 400,
        "root": (root or b"").hex(),
        "tree_size": 10,
    }
    assert removal.finished_at is not None
    assert _findings(store, home, acme) == []
    seal(store, home)
    assert _findings(store, home, acme) == []
    assert remove_old_operations(store) == 0
    record_some(store, acme, 2, _ago(450))
    assert remove_old_operations(store) == 0
    seal(store, home)
    assert remove_old_operations(store) == 2
    seal(store, home)
    assert _findings(store, home, acme) == []


def test_a_deletion_outside_of_a_removal_is_tampering(store: Store, home: Settings, acme: int) -> None:
    remove_old_operations(store)
    record_some(store, acme, 1, _ago(450))
    seal(store, home)
    tamper(store, f"DELETE FROM operation WHERE tenant_id = {acme} AND operator = 'amy'")
    assert sorted((each.kind, each.position) for each in _findings(store, home, acme)) == sorted(
        (Kind.DELETED, position) for position in (6, 7, 8, 9, 10)
    )


@pytest.mark.parametrize("column", ["below_id", "operation_id", "tree_size"])
@on_sqlite
def test_a_removal_that_no_record_tells_of_covers_nothing(store: Store, home: Settings, acme: int, column: str) -> None:
    remove_old_operations(store)
    seal(store, home)
    tamper(store, f"UPDATE operation_removal SET {column} = {column} + 4194304")
    found = _findings(store, home, acme)
    assert {each.words for each in found} == {"unrecorded_removal", "deleted"}
    assert sum(each.kind is Kind.DELETED for each in found) == 6


@on_sqlite
def test_a_removal_earlier_than_the_rule_is_tampering(store: Store, home: Settings, acme: int) -> None:
    remove_old_operations(store, NOW + timedelta(days=200))
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.words) == (Kind.REMOVED_AGAINST_RULE, "early_removal")


@on_sqlite
def test_a_tenant_says_how_long_and_not_under_half_a_year(store: Store, home: Settings, acme: int) -> None:
    operator = Operator("bob")
    with store.write(EVERY_TENANT) as session:
        change_retention(session, acme, operator, OPERATIONS_KEPT, 550)
        with pytest.raises(BadInput, match="183"):
            change_retention(session, acme, operator, OPERATIONS_KEPT, 182)
    assert remove_old_operations(store) == 2
    assert _days_there(store, acme) == [500, 435, 300, 1]
    with store.write(EVERY_TENANT) as session:
        change_retention(session, acme, operator, OPERATIONS_KEPT, None)
    assert remove_old_operations(store) == 0
    assert _findings(store, home, acme) == []


def test_nothing_goes_that_is_under_a_legal_hold(store: Store, home: Settings, acme: int) -> None:
    with store.write(EVERY_TENANT) as session:
        hold = OperationHold(tenant_id=acme, since=_ago(520), until=_ago(480), reason="a case", made_by="amy")
        hold.made_at = datetime.now(UTC)
        session.add(hold)
    assert remove_old_operations(store) == 2
    assert _days_there(store, acme) == [500, 435, 300, 1]
    with store.write(EVERY_TENANT) as session:
        session.get_one(OperationHold, hold.id).lifted_at = datetime.now(UTC)
    assert remove_old_operations(store) == 4
    seal(store, home)
    assert _findings(store, home, acme) == []


@on_sqlite
def test_a_removal_under_a_hold_is_tampering(store: Store, home: Settings, acme: int) -> None:
    remove_old_operations(store)
    with store.write(EVERY_TENANT) as session:
        session.add(OperationHold(tenant_id=acme, reason="a case", made_by="amy", made_at=_ago(3)))
    (finding,) = _findings(store, home, acme)
    assert (finding.kind, finding.words, finding.facts["reason"]) == (
        Kind.REMOVED_AGAINST_RULE,
        "removal_under_hold",
        "a case",
    )


def test_a_removal_that_was_interrupted_goes_on_and_raises_no_alarm(
    store: Store, home: Settings, acme: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    removing, gone = operation_retention.operation_removals.remove, []

    def dying(session: object, tenant_id: int, ids: list[int]) -> int:
        if gone:
            raise KeyboardInterrupt
        gone.append(ids)
        return removing(session, tenant_id, ids)  # type: ignore[arg-type]

    monkeypatch.setattr(operation_retention, "_AT_ONCE", 4)
    monkeypatch.setattr(operation_retention.operation_removals, "remove", dying)
    with pytest.raises(KeyboardInterrupt):
        remove_old_operations(store)
    assert _findings(store, home, acme) == []
    monkeypatch.undo()
    assert remove_old_operations(store) == 2
    assert _findings(store, home, acme) == []
    assert _days_there(store, acme) == [300, 1]


def test_the_database_lets_nothing_go_that_no_removal_under_way_covers(store: Store, home: Settings, acme: int) -> None:
    remove_old_operations(store)
    deletion = sa.delete(Operation).where(Operation.tenant_id == acme)
    with pytest.raises(DatabaseError), store.write(acme) as session:
        session.execute(deletion)
    if store.is_postgresql:
        with store.write(acme) as session:
            ids = list(session.scalars(select(Operation.id)))
            assert operation_retention.operation_removals.remove(session, acme, ids) == 0
    for table in (OperationSeal, OperationRemoval, OperationHold):
        with pytest.raises(DatabaseError), store.write(acme) as session:
            session.add(OperationHold(tenant_id=acme, reason="a case", made_by="amy", made_at=NOW))
            session.flush()
            session.execute(sa.delete(table))
    with pytest.raises(DatabaseError), store.write(acme) as session:
        session.execute(sa.update(OperationRemoval).values(below_id=1))
    with store.read(EVERY_TENANT) as session:
        assert session.scalar(select(Tenant.keeps_operations_days).where(Tenant.id == acme)) == 400


def test_late_ones_stay_until_they_were_here_long_enough(store: Store, home: Settings, acme: int) -> None:
    assert remove_old_operations(store) == 0
    soon, later = (datetime.now(UTC) + timedelta(days=days) for days in (182, 184))
    assert remove_old_operations(store, soon) == 0
    assert remove_old_operations(store, later) == 8
    seal(store, home)
    assert {each.kind for each in _findings(store, home, acme)} <= {Kind.REMOVED_AGAINST_RULE}
