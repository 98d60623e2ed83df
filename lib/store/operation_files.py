"""Which files the sidecar of the operation log has, how far they go, and the rows that are in none yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.store import operation_reading
from lib.store.tables import Operation, OperationChunk, OperationFiled, OperationPending, OperationSeal


@dataclass(frozen=True)
class FileRow:
    """A file of operations that occurred in a UTC month (202611), with ids in [first_id, last_id]."""

    month: int
    row_count: int
    first_id: int
    last_id: int
    file: str


def files(session: Session) -> list[FileRow]:
    """The current files, newest month first."""
    told = sa.select(OperationChunk).order_by(OperationChunk.month.desc(), OperationChunk.id)
    return [FileRow(row.month, row.row_count, row.first_id, row.last_id, row.file) for row in session.scalars(told)]


def unfiled(session: Session, tenant_ids: Sequence[int] | None, *, pending: bool = True) -> dict[int, list[int]]:
    """The ids of each tenant's operations that are in no file: sealed since, and (if asked) not sealed yet.

    `tenant_ids` null means every tenant that the session may see.
    """
    sealed = (
        sa.select(OperationSeal.tenant_id, OperationSeal.ids)
        .outerjoin(OperationFiled, OperationFiled.tenant_id == OperationSeal.tenant_id)
        .where(OperationSeal.until_position > sa.func.coalesce(OperationFiled.until_position, 0))
    )
    waiting = sa.select(OperationPending.tenant_id, OperationPending.id)
    if tenant_ids is not None:
        sealed = sealed.where(OperationSeal.tenant_id.in_(tenant_ids))
        waiting = waiting.where(OperationPending.tenant_id.in_(tenant_ids))
    found: dict[int, list[int]] = {}
    for tenant_id, ids in session.execute(sealed):
        found.setdefault(tenant_id, []).extend(np.frombuffer(ids, "<i8").tolist())
    if pending:
        for tenant_id, operation_id in session.execute(waiting):
            found.setdefault(tenant_id, []).append(operation_id)
    return found


@dataclass(frozen=True)
class Batch:
    """A sealed batch that is not filed."""

    tenant_id: int
    until_position: int
    sealed_at: datetime
    ids: list[int]


def batches(session: Session, limit: int) -> Iterator[Batch]:
    """The sealed batches that are in no file, each tenant's in order; at most as many as hold `limit` rows, or one."""
    told = (
        sa.select(OperationSeal.tenant_id, OperationSeal.until_position, OperationSeal.sealed_at, OperationSeal.ids)
        .outerjoin(OperationFiled, OperationFiled.tenant_id == OperationSeal.tenant_id)
        .where(OperationSeal.until_position > sa.func.coalesce(OperationFiled.until_position, 0))
        .order_by(OperationSeal.tenant_id, OperationSeal.until_position)
    )
    taken = 0
    with session.execute(told.execution_options(yield_per=50)) as rows:
        for tenant_id, until, sealed_at, ids in rows:
            yield Batch(tenant_id, until, sealed_at, np.frombuffer(ids, "<i8").tolist())
            taken += len(ids) // 8
            if taken >= limit:
                return


def sealed_until(session: Session) -> dict[int, int]:
    """How many leaves each tenant's tree has."""
    told = sa.select(OperationSeal.tenant_id, sa.func.max(OperationSeal.until_position))
    return {row[0]: row[1] for row in session.execute(told.group_by(OperationSeal.tenant_id))}


def rows_by_id(session: Session, ids: dict[int, list[int]], columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of the given ids by tenant, some thousands at a time, in no order; those that were removed are left out."""
    for tenant_id, of_tenant in ids.items():
        yield from operation_reading.rows_by_id(session, tenant_id, of_tenant, columns)


def ids_before(session: Session, tenant_id: int, before_id: int) -> list[int]:
    """The ids of a tenant's operations below one."""
    told = sa.select(Operation.id).where(Operation.tenant_id == tenant_id, Operation.id < before_id)
    return list(session.scalars(told))


def publish(session: Session, made: Iterable[FileRow], replaced: Iterable[str], filed: dict[int, int]) -> None:
    """Name new files, forget those that they replace, and say how far each tenant is in them."""
    session.execute(sa.delete(OperationChunk).where(OperationChunk.file.in_(list(replaced))))
    now = datetime.now(UTC)
    session.add_all(OperationChunk(**vars(row), filed_at=now) for row in made)
    for tenant_id, until in filed.items():
        session.merge(OperationFiled(tenant_id=tenant_id, until_position=until))


def forget_all(session: Session) -> None:
    """Begin again: every file is made anew."""
    session.execute(sa.delete(OperationChunk))
    session.execute(sa.delete(OperationFiled))
