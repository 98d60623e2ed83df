"""The inbox: batches that were acknowledged and are not yet in the lake."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import Table, delete, func, insert, select
from sqlalchemy.orm import Session

from lib.store.tables import Inbox

_APPENDING = insert(cast(Table, Inbox.__table__)).inline()
"""Nobody asks for the number of what was added."""


@dataclass(frozen=True)
class Batch:
    """A batch without its rows."""

    id: int
    tenant_id: int
    kind: str
    row_count: int


def append(session: Session, tenant_id: int, kind: str, source: str, keys: bytes, payload: bytes) -> None:
    """Add a batch: `keys` are its rows' 64-bit keys, `payload` an Arrow IPC stream of the rows."""
    batch = {
        "tenant_id": tenant_id,
        "kind": kind,
        "source": source,
        "received_at": datetime.now(UTC),
        "row_count": len(keys) // 8,
        "keys": keys,
        "payload": payload,
    }
    session.connection().execute(_APPENDING, batch)


def batches(session: Session) -> list[Batch]:
    """Every batch that stands there, in the order in which they came."""
    rows = session.execute(select(Inbox.id, Inbox.tenant_id, Inbox.kind, Inbox.row_count).order_by(Inbox.id))
    return [Batch(*row) for row in rows]


def payload_of(session: Session, batch_id: int) -> bytes:
    """The rows of a batch."""
    return session.scalars(select(Inbox.payload).where(Inbox.id == batch_id)).one()


def payloads_of(session: Session, tenant_id: int, kind: str, besides: Sequence[int]) -> list[bytes]:
    """The rows of a tenant's batches of a kind, but those that are in the lake already."""
    asked = select(Inbox.payload).where(Inbox.tenant_id == tenant_id, Inbox.kind == kind, Inbox.id.not_in(besides))
    return list(session.scalars(asked.order_by(Inbox.id)))


def batches_of(
    session: Session, kind: str, besides: Sequence[int], tenant_ids: Collection[int]
) -> dict[int, tuple[int, ...]]:
    """By tenant, the batches of a kind that wait, oldest first, but those that are in the lake already."""
    asked = select(Inbox.tenant_id, Inbox.id).where(Inbox.kind == kind, Inbox.id.not_in(besides))
    found: dict[int, tuple[int, ...]] = {}
    for tenant_id, batch_id in session.execute(asked.order_by(Inbox.id)):
        if tenant_id in tenant_ids:
            found[tenant_id] = (*found.get(tenant_id, ()), batch_id)
    return found


def tail(session: Session, tenant_id: int, kind: str, source: str, most_rows: int) -> list[int]:
    """A tenant's newest batches of a kind, oldest first: those of a source, until another's comes or rows are too many.

    A batch that alone has half of so many rows ends it too.
    """
    asked = select(Inbox.id, Inbox.source, Inbox.row_count).where(Inbox.tenant_id == tenant_id, Inbox.kind == kind)
    ids: list[int] = []
    rows = 0
    for batch_id, batch_source, row_count in session.execute(asked.order_by(Inbox.id.desc()).limit(2000)):
        rows += row_count
        if batch_source != source or rows > most_rows or row_count * 2 >= most_rows:
            break
        ids.append(batch_id)
    return ids[::-1]


def keys_after(session: Session, tenant_id: int, kind: str, after: int) -> list[tuple[int, bytes]]:
    """The keys of a tenant's batches of a kind that came after a batch, each with its number."""
    asked = select(Inbox.id, Inbox.keys).where(Inbox.tenant_id == tenant_id, Inbox.kind == kind, Inbox.id > after)
    return [(batch_id, keys) for batch_id, keys in session.execute(asked.order_by(Inbox.id))]


def remove(session: Session, ids: Sequence[int]) -> None:
    """Remove batches that are in the lake."""
    session.execute(delete(Inbox).where(Inbox.id.in_(ids)))


def waiting(session: Session, tenant_id: int, besides: Sequence[int]) -> tuple[int, int]:
    """How many batches and rows of a tenant wait for the refresh."""
    asked = select(func.count(), func.coalesce(func.sum(Inbox.row_count), 0))
    count, rows = session.execute(asked.where(Inbox.tenant_id == tenant_id, Inbox.id.not_in(besides))).one()
    return int(count), int(rows)
