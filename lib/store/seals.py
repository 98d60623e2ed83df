"""What the sealer reads and writes: pending operations, seals, the keys that signed them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, defer

from lib.store.tables import OperationKey, OperationPending, OperationSeal


class Waiting(NamedTuple):
    """An operation to be sealed; `body` is what is hashed."""

    id: int
    body: bytes


def tenants_with_pending(session: Session) -> list[int]:
    """The tenants of which something waits to be sealed."""
    # One step of the index a tenant, however many wait.
    found: list[int] = []
    least = sa.select(sa.func.min(OperationPending.tenant_id))
    tenant_id = session.scalar(least)
    while tenant_id is not None:
        found.append(tenant_id)
        tenant_id = session.scalar(least.where(OperationPending.tenant_id > tenant_id))
    return found


def more_pending_than(session: Session, count: int) -> bool:
    """Whether more than so many operations wait, of all tenants together."""
    one_more = sa.select(OperationPending.id).offset(count).limit(1)
    return session.scalar(one_more) is not None


def waiting(session: Session, tenant_id: int, most: int) -> list[Waiting]:
    """Pending operations of a tenant, oldest ids first. What this transaction sees is surely committed."""
    connection = session.connection()
    statement = _WAITING if connection.dialect.name == "sqlite" else _WAITING_POSTGRESQL
    return [Waiting(*row) for row in connection.exec_driver_sql(statement, (tenant_id, tenant_id, most)).fetchall()]


# By the driver itself, as bytes: texts would be decoded to be encoded again.
_WAITING = """SELECT operation_pending.id, CAST(body AS BLOB) FROM operation_pending
    JOIN operation ON operation.tenant_id = ? AND operation.id = operation_pending.id
    WHERE operation_pending.tenant_id = ? ORDER BY operation_pending.id LIMIT ?"""
_WAITING_POSTGRESQL = _WAITING.replace("?", "%s").replace("CAST(body AS BLOB)", "convert_to(body, 'UTF8')")


def last_seal(session: Session, tenant_id: int) -> OperationSeal | None:
    """The newest seal of a tenant, without its ids and hashes."""
    return next(iter(newest_seals(session, tenant_id, 1)), None)


def last_seal_before(session: Session, tenant_id: int, instant: datetime) -> tuple[int, bytes] | None:
    """The size and root of a tenant's tree as it was at an instant; null where nothing was sealed by then."""
    told = sa.select(OperationSeal.until_position, OperationSeal.root).where(
        OperationSeal.tenant_id == tenant_id, OperationSeal.sealed_at <= instant
    )
    row = session.execute(told.order_by(OperationSeal.until_position.desc()).limit(1)).first()
    return None if row is None else (row[0], row[1])


def add_seal(session: Session, seal: OperationSeal, ids: Sequence[int]) -> None:
    """Keep a seal, and take what it seals off the pending, in the one transaction."""
    session.add(seal)
    session.flush()
    these = json.dumps(list(ids))
    if session.get_bind().dialect.name == "sqlite":
        listed = "SELECT value FROM json_each(:ids)"
    else:
        listed = "SELECT value::bigint FROM json_array_elements_text(CAST(:ids AS json)) AS of(value)"
    gone = sa.text(f"DELETE FROM operation_pending WHERE tenant_id = :tenant AND id IN ({listed})")  # noqa: S608
    session.execute(gone, {"tenant": seal.tenant_id, "ids": these})


def checkpoints(session: Session, tenant_id: int, above: int = -1) -> Iterator[tuple[int, str]]:
    """(size, signed note) of a tenant's seals above a size, in their order."""
    told = sa.select(OperationSeal.until_position, OperationSeal.checkpoint)
    of_tenant = told.where(OperationSeal.tenant_id == tenant_id, OperationSeal.until_position > above)
    ordered = of_tenant.order_by(OperationSeal.until_position)
    yield from session.execute(ordered.execution_options(yield_per=1000))


def newest_seals(session: Session, tenant_id: int, most: int) -> list[OperationSeal]:
    """The newest seals of a tenant, newest first, without their ids and hashes."""
    told = sa.select(OperationSeal).where(OperationSeal.tenant_id == tenant_id)
    newest = told.order_by(OperationSeal.until_position.desc()).limit(most)
    return list(session.scalars(newest.options(defer(OperationSeal.ids), defer(OperationSeal.hashes))))


def checkpoint_at(session: Session, tenant_id: int, size: int) -> str | None:
    """The signed note of the seal after which the tree has this size."""
    told = sa.select(OperationSeal.checkpoint)
    return session.scalar(told.where(OperationSeal.tenant_id == tenant_id, OperationSeal.until_position == size))


def keys(session: Session) -> list[bytes]:
    """The public keys that seals were signed with, the first used first."""
    return list(session.scalars(sa.select(OperationKey.public_key).order_by(OperationKey.id)))


def add_key(session: Session, public_key: bytes) -> None:
    """Name a key as used from now on."""
    session.add(OperationKey(public_key=public_key, first_used_at=datetime.now(UTC)))
