"""How many events each ingest key sent with each client library: accepted, or refused and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lib.store.tables import IngestKey, IntakeTally

_KEY = ("tenant_id", "bucket_at", "ingest_key_id", "library", "reason")


@dataclass(frozen=True, order=True)
class Sent:
    """What is counted apart: a key (its number), a client library, and why it was refused (empty: accepted)."""

    ingest_key_id: int
    library: str
    reason: str = ""


@dataclass(frozen=True)
class Tally:
    """What one key sent in the half hour that begins at `bucket_at`. `prefix` is what people know the key by."""

    bucket_at: datetime
    ingest_key_id: int
    prefix: str
    library: str
    reason: str
    event_count: int


def add(session: Session, tenant_id: int, bucket_at: datetime, counts: Mapping[Sent, int]) -> None:
    """Add to what was counted in a half hour. Others may add to it at the same time."""
    if not counts:
        return
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [
        {
            "tenant_id": tenant_id,
            "bucket_at": bucket_at,
            "ingest_key_id": sent.ingest_key_id,
            "library": sent.library,
            "reason": sent.reason,
            "event_count": count,
        }
        # In one order everywhere, so that two who add cannot wait for each other.
        for sent, count in sorted(counts.items())
    ]
    adding = insert(IntakeTally).values(rows)
    summed = {"event_count": IntakeTally.event_count + adding.excluded.event_count}
    session.execute(adding.on_conflict_do_update(index_elements=_KEY, set_=summed))


def tallies(session: Session, tenant_id: int, since: datetime, until: datetime) -> list[Tally]:
    """What a tenant's keys sent in the half hours that begin in [since, until), oldest first."""
    asked = (
        select(
            IntakeTally.bucket_at,
            IntakeTally.ingest_key_id,
            IngestKey.prefix,
            IntakeTally.library,
            IntakeTally.reason,
            IntakeTally.event_count,
        )
        .join(IngestKey, IntakeTally.ingest_key_id == IngestKey.id)
        .where(IntakeTally.tenant_id == tenant_id, IntakeTally.bucket_at >= since, IntakeTally.bucket_at < until)
        .order_by(IntakeTally.bucket_at, IntakeTally.ingest_key_id, IntakeTally.library, IntakeTally.reason)
    )
    return [Tally(*row) for row in session.execute(asked)]
