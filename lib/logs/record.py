"""Recording an operation in the transaction of the act: no act without its record, no record without its act (SPEC
O3)."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from lib.access.viewer import Viewer
from lib.store.tables import Operation

SYSTEM_TENANT = 0
"""The tenant of operations that belong to none, such as making one."""

_counter = itertools.count()


@dataclass(frozen=True)
class Operator:
    """Who did it, as they are now: the log keeps the role and organization that they had."""

    name: str
    account_id: int | None = None
    role: str = ""
    organization: str = ""
    channel: str = "ui"
    address: str = ""

    @classmethod
    def of(cls, viewer: Viewer) -> Operator:
        """The operator that a viewer is."""
        roles = ", ".join(viewer.roles) or viewer.account_type.value
        return cls(viewer.account_name, viewer.account_id, roles, viewer.organization, "ui", viewer.address)


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


def record(session: Session, tenant_id: int | None, operator: Operator, act: Act) -> None:
    """Add an operation to the transaction that does it. What must stay secret does not belong in `old` and `new`."""
    session.add(
        Operation(
            id=next_id(),
            tenant_id=SYSTEM_TENANT if tenant_id is None else tenant_id,
            occurred_at=datetime.now(UTC),
            operator_id=operator.account_id,
            operator=operator.name,
            role=operator.role,
            organization=operator.organization,
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
            old_value=_json(act.old),
            new_value=_json(act.new),
            content=act.content,
        )
    )


def next_id() -> int:
    """A 63-bit number that grows with time: milliseconds, then the process, then a counter."""
    return (time.time_ns() // 1_000_000) << 22 | (os.getpid() & 0x3FF) << 12 | (next(_counter) & 0xFFF)


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
