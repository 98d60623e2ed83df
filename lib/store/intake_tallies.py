"""How many events each ingest key sent with each client library: accepted, or refused and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import cast

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lib.store.tables import IngestKey, IntakeTally

LIBRARIES = 10
"""How many client libraries of a key are told apart in a half hour: their names are whatever a client sends."""

OTHER = "other"
"""All libraries of a key beyond those."""

_TALLIES = cast(sa.Table, IntakeTally.__table__)
_LIBRARIES = (
    select(_TALLIES.c.ingest_key_id, _TALLIES.c.library)
    .where(
        _TALLIES.c.tenant_id == sa.bindparam("tenant_id"),
        _TALLIES.c.bucket_at == sa.bindparam("bucket_at"),
        _TALLIES.c.ingest_key_id.in_(sa.bindparam("key_ids", expanding=True)),
        _TALLIES.c.library != OTHER,
    )
    .distinct()
)
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
    told = _told_apart(session, tenant_id, bucket_at, counts)
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
        for sent, count in sorted(told.items())
    ]
    connection = session.connection()
    connection.execute(_adding(connection.dialect.name), rows)


@cache
def _adding(dialect: str) -> sa.Insert:
    # Made once, and without the rows: a statement of other rows each time would be compiled each time.
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    adding = insert(_TALLIES)
    summed = {"event_count": _TALLIES.c.event_count + adding.excluded.event_count}
    return adding.on_conflict_do_update(index_elements=_KEY, set_=summed)


def _told_apart(session: Session, tenant_id: int, bucket_at: datetime, counts: Mapping[Sent, int]) -> Counter[Sent]:
    """The counts, with those of libraries that are too many for their key as those of OTHER."""
    key_ids = {sent.ingest_key_id for sent in counts}
    asked = {"tenant_id": tenant_id, "bucket_at": bucket_at, "key_ids": list(key_ids)}
    known: defaultdict[int, set[str]] = defaultdict(set)
    for key_id, library in session.connection().execute(_LIBRARIES, asked):
        known[key_id].add(library)
    told: Counter[Sent] = Counter()
    for sent, count in sorted(counts.items()):
        libraries = known[sent.ingest_key_id]
        if sent.library not in libraries and sent.library != OTHER and len(libraries) >= LIBRARIES:
            sent = replace(sent, library=OTHER)
        elif sent.library != OTHER:
            libraries.add(sent.library)
        told[sent] += count
    return told


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
