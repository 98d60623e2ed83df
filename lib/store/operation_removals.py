"""Removing operations by the retention rule, and the legal holds that keep them (lib.jobs.operation_retention)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.store.proof_guards import REMOVE
from lib.store.tables import OperationHold, OperationRemoval, OperationSeal, Tenant


@dataclass(frozen=True)
class Extent:
    """Operations with ids below `below_id` among the first `tree_size` leaves of a tenant's tree."""

    below_id: int = 0
    tree_size: int = 0


def keeps_days(session: Session, tenant_id: int, otherwise: int) -> int | None:
    """How many days a tenant keeps its operations, None: for ever; `otherwise` where there is no such tenant."""
    tenant = session.get(Tenant, tenant_id)
    return otherwise if tenant is None else tenant.keeps_operations_days


def holds_now(session: Session, tenant_id: int) -> list[OperationHold]:
    """The legal holds of a tenant that are not lifted."""
    told = sa.select(OperationHold).where(OperationHold.tenant_id == tenant_id, OperationHold.lifted_at.is_(None))
    return list(session.scalars(told.order_by(OperationHold.id)))


def last_removed(session: Session, tenant_id: int) -> Extent:
    """What the newest removal of a tenant covers."""
    told = sa.select(OperationRemoval).where(OperationRemoval.tenant_id == tenant_id)
    newest = session.scalar(told.order_by(OperationRemoval.id.desc()).limit(1))
    return Extent() if newest is None else Extent(newest.below_id, newest.tree_size)


def unfinished(session: Session, tenant_id: int) -> OperationRemoval | None:
    """The removal of a tenant that was begun and not finished."""
    told = sa.select(OperationRemoval).where(
        OperationRemoval.tenant_id == tenant_id, OperationRemoval.finished_at.is_(None)
    )
    return session.scalar(told.order_by(OperationRemoval.id).limit(1))


def sealed_ids(session: Session, tenant_id: int, extent: Extent, without: Extent) -> Iterator[list[int]]:
    """The ids of an extent that are not in another one, seal by seal."""
    told = sa.select(OperationSeal.first_position, OperationSeal.ids).where(
        OperationSeal.tenant_id == tenant_id,
        OperationSeal.first_id < extent.below_id,
        OperationSeal.until_position <= extent.tree_size,
        sa.not_(sa.and_(OperationSeal.last_id < without.below_id, OperationSeal.until_position <= without.tree_size)),
    )
    for first, blob in session.execute(told.execution_options(yield_per=16)):
        ids = np.frombuffer(blob, "<i8")
        gone = (ids < without.below_id) & (np.arange(first, first + len(ids)) < without.tree_size)
        if found := ids[(ids < extent.below_id) & ~gone].tolist():
            yield found


def begin(session: Session, tenant_id: int, operation_id: int, extent: Extent) -> None:
    """Say what is going to be removed: before it, the database lets nothing go."""
    row = OperationRemoval(
        tenant_id=tenant_id,
        operation_id=operation_id,
        below_id=extent.below_id,
        tree_size=extent.tree_size,
        begun_at=datetime.now(UTC),
    )
    session.add(row)


def finish(session: Session, removal_id: int) -> None:
    """Say that all of a removal is gone: from now on the database lets nothing of it go any more."""
    ended = sa.update(OperationRemoval).where(OperationRemoval.id == removal_id)
    session.execute(ended.values(finished_at=datetime.now(UTC)))


def remove(session: Session, tenant_id: int, ids: Sequence[int]) -> int:
    """Remove those of the operations that a removal under way covers; says how many went."""
    if session.get_bind().dialect.name != "sqlite":
        gone = sa.text(f"SELECT {REMOVE}(:tenant, CAST(:ids AS bigint[]))")
        return int(session.scalar(gone, {"tenant": tenant_id, "ids": list(ids)}) or 0)
    listed = sa.text("DELETE FROM operation WHERE tenant_id = :tenant AND id IN (SELECT value FROM json_each(:ids))")
    done = cast(sa.CursorResult[Any], session.execute(listed, {"tenant": tenant_id, "ids": json.dumps(list(ids))}))
    return int(done.rowcount)
