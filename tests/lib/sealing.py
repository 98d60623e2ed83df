"""Operation logs for tests of sealing and verifying: real rows, added as Daybook adds them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from lib.access.viewer import EVERY_TENANT
from lib.jobs.seal import seal
from lib.logs.append import append
from lib.logs.rows import OperationRecord
from lib.settings import Settings
from lib.store import Store

NOW = datetime.now(UTC)
_numbers = itertools.count(1)


def an_operation(occurred_at: datetime | None = None, **told: Any) -> OperationRecord:
    """An operation unlike every other."""
    number = next(_numbers)
    facts: dict[str, Any] = {
        "occurred_at": occurred_at or NOW - timedelta(days=1) + timedelta(seconds=number),
        "operator": "amy",
        "role": "管理员",
        "module": "dashboard",
        "action": "edit",
        "operation_class": "modification",
        "channel": "ui",
        "object_name": f"Dashboard {number}",
        "old": {"title": "旧"},
        "new": {"title": "new", "n": number},
    }
    return OperationRecord(**facts | told)


def record_some(store: Store, tenant_id: int, count: int, at: datetime | None = None, **told: Any) -> None:
    """So many operations, in one transaction."""
    with store.write(tenant_id) as session:
        append(session, tenant_id, [an_operation(at, **told) for _ in range(count)])


def record_and_seal(store: Store, settings: Settings, tenant_id: int, *counts: int) -> None:
    """So many operations, then a seal, and again."""
    for count in counts:
        record_some(store, tenant_id, count)
        seal(store, settings)


def tamper(store: Store, *statements: str, **facts: Any) -> None:
    """Change the database as somebody would who owns it: no guard, no trigger, no role stands in the way."""
    with store.engine.begin() as connection:
        if store.is_postgresql:
            connection.exec_driver_sql(f"SET LOCAL app.tenant = '{EVERY_TENANT}'")
        else:
            named = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            triggers = connection.exec_driver_sql(named).all()
            for name, _ in triggers:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(sa.text(statement), facts)
        if not store.is_postgresql:
            for _, made in triggers:
                connection.exec_driver_sql(made)
