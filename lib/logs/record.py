"""Recording an operation in the transaction of the act: no act without its record, no record without its act (SPEC
O3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from lib.access.viewer import Viewer
from lib.logs.catalogue import catalogued
from lib.logs.rows import OperationRecord, next_id, row_of
from lib.store.tables import Operation, OperationPending

SYSTEM_TENANT = 0
"""The tenant of operations that belong to none, such as making one."""


@dataclass(frozen=True)
class Operator:
    """Who did it, as they are now: the log keeps the role and organization that they had."""

    name: str
    account_id: int | None = None
    role: str = ""
    organization: str = ""
    organization_id: int | None = None
    channel: str = "ui"
    address: str = ""

    @classmethod
    def of(cls, viewer: Viewer) -> Operator:
        """The operator that a viewer is."""
        roles = ", ".join(viewer.roles) or viewer.account_type.value
        return cls(
            name=viewer.account_name,
            account_id=viewer.account_id,
            role=roles,
            organization=viewer.organization,
            organization_id=viewer.organization_id,
            address=viewer.address,
        )


COMMAND = Operator("command line", role="system", channel="system")
"""Whoever runs the `daybook` command on the server."""

SCHEDULE = Operator("schedule", role="system", channel="system")
"""Daybook's own jobs."""


@dataclass(frozen=True)
class Act:
    """What was done to what. `operation_class` is addition, deletion, modification or querying (SPEC O1)."""

    module: str
    action: str
    operation_class: str
    object_type: str = ""
    object_name: str = ""
    object_id: str = ""
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    content: str = ""
    result: str = "success"
    submodule: str = ""
    application: str = ""
    project: str = ""


def record(session: Session, tenant_id: int | None, operator: Operator, act: Act) -> int:
    """Add an operation to the transaction that does it; gives its id.

    What must stay secret does not belong in `old` and `new`.
    """
    tenant_id = SYSTEM_TENANT if tenant_id is None else tenant_id
    now = datetime.now(UTC)
    row = row_of(_told(operator, act, now), tenant_id, next_id(now), now)
    session.add(Operation(**row))
    session.add(OperationPending(tenant_id=tenant_id, id=row["id"]))
    return int(row["id"])


def _told(operator: Operator, act: Act, now: datetime) -> OperationRecord:
    return OperationRecord(
        occurred_at=now,
        operator_id=operator.account_id,
        operator=operator.name,
        role=operator.role,
        organization_id=operator.organization_id,
        organization=operator.organization,
        project=act.project,
        application=act.application,
        module=act.module,
        submodule=act.submodule,
        action=act.action,
        operation_class=act.operation_class,
        object_type=act.object_type,
        object_name=act.object_name,
        object_id=act.object_id,
        channel=operator.channel,
        result=act.result,
        address=operator.address,
        old=act.old,
        new=act.new,
        content=act.content,
        is_catalogued=catalogued("daybook", act.module, act.submodule, act.action) is not None,
    )
