"""An honest month of a tenant, and what can be planted in it, for tests of findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.logs.append import append
from lib.logs.rows import OperationRecord
from lib.store import Store
from lib.store.tables import Finding, SignIn, Tenant

DAY = datetime(2024, 5, 30, tzinfo=UTC)
"""A Thursday: the last of the month's days."""

NOW = DAY + timedelta(days=1, minutes=1)
PEOPLE = ("amy", "bob", "陈晨")


def watched_tenant(store: Store, key: str = "acme") -> int:
    """A tenant without anything."""
    with store.write(EVERY_TENANT) as session:
        tenant = Tenant(key=key, name=key.title(), created_at=DAY)
        session.add(tenant)
        session.flush()
        return tenant.id


def at(hour: float, days_ago: int = 0) -> datetime:
    """An instant of the last day, or of a day before it."""
    return DAY - timedelta(days=days_ago) + timedelta(hours=hour)


def operation(operator: str, occurred_at: datetime, **given: Any) -> OperationRecord:
    """Somebody reads something in the console."""
    told = {"module": "dashboard", "submodule": "dashboard", "action": "edit", "operation_class": "modification"}
    told |= {"product": "datafinder", "channel": "ui", "address": f"10.0.{PEOPLE.index(operator)}.7"} | given
    return OperationRecord(occurred_at=occurred_at, operator=operator, **told)


def export(operator: str, occurred_at: datetime, rows: int, **given: Any) -> OperationRecord:
    """Somebody takes rows away."""
    told = {"product": "daybook", "module": "export", "submodule": "", "action": "create", "new": {"rows": rows}}
    told |= {"operation_class": "querying", "object_type": "operations", "object_name": "log.csv"}
    return operation(operator, occurred_at, **(told | given))


def call(occurred_at: datetime, action: str = "openapi_request", **given: Any) -> OperationRecord:
    """The integration calls the open API."""
    told = {"module": "advanced_analysis", "submodule": "analysis_models", "action": action, "channel": "openapi"}
    return replace(operation("amy", occurred_at, **(told | {"address": "10.9.9.9"} | given)), operator="robot")


def honest_month() -> Iterator[OperationRecord]:
    """People work from 9 to 17 on weekdays and take a little away; the integration calls around the clock."""
    for days_ago in range(30):
        for hour in range(0, 24, 2):
            yield from (call(at(hour, days_ago)) for _ in range(2))
        if at(0, days_ago).weekday() >= 5:
            continue
        for operator in PEOPLE:
            yield from (operation(operator, at(hour, days_ago)) for hour in (9, 11.5, 14, 16.5))
            yield export(operator, at(15, days_ago), 200)


def keep(store: Store, tenant_id: int, records: Iterable[OperationRecord]) -> None:
    """Let these be in the tenant's log."""
    with store.write(tenant_id) as session:
        append(session, tenant_id, list(records))


def tries(store: Store, tenant_id: int | None, attempts: Iterable[tuple[datetime, str, str, str]]) -> None:
    """Attempts to sign in: when, name, address, result."""
    with store.write(EVERY_TENANT) as session:
        for occurred_at, name, address, result in attempts:
            row = SignIn(tenant_id=tenant_id, account_name=name, occurred_at=occurred_at, address=address)
            row.user_agent, row.result = "", result
            session.add(row)


def found(store: Store, tenant_id: int) -> list[Finding]:
    """The tenant's findings, in the order in which they were made."""
    with store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(Finding).where(Finding.tenant_id == tenant_id).order_by(Finding.id)))
