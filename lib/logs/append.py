"""Adding operations that arrive from outside: each once, however often it is sent."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from lib.logs.rows import OperationRecord, values_of
from lib.store import operations
from lib.store.time_ids import LOW_BITS, milliseconds_of


@dataclass(frozen=True)
class Appended:
    """How many records became rows, and how many were in the log already (or twice among those given)."""

    accepted: int
    repeated: int


def append(session: Session, tenant_id: int, records: Sequence[OperationRecord]) -> Appended:
    """Add records to the transaction. One whose (source, event id) is in the tenant's log is left out; one without
    an event id is always added.

    IntegrityError: another transaction sent the same meanwhile; the caller may try the whole of it again.
    """
    keys = [_key(record) for record in records]
    known = operations.known_origins(session, tenant_id, [key for key in keys if key is not None])
    fresh = list(_first_copies(records, keys, known))
    ids = _ids(session, [record.occurred_at for record, _ in fresh])
    now = datetime.now(UTC)
    rows = [values_of(record, tenant_id, number, now) for (record, _), number in zip(fresh, ids, strict=True)]
    operations.add_rows(session, rows, [key for _, key in fresh])
    return Appended(len(fresh), len(records) - len(fresh))


def _key(record: OperationRecord) -> bytes | None:
    if not record.event_id:
        return None
    return hashlib.sha256(f"{len(record.source)}:{record.source}{record.event_id}".encode()).digest()[:16]


def _first_copies(
    records: Iterable[OperationRecord], keys: Iterable[bytes | None], known: set[bytes]
) -> Iterator[tuple[OperationRecord, bytes | None]]:
    seen = set(known)
    for record, key in zip(records, keys, strict=True):
        if key is None or key not in seen:
            yield record, key
        if key is not None:
            seen.add(key)


def _ids(session: Session, instants: Sequence[datetime]) -> list[int]:
    """An id for each instant, in their order within a millisecond, and none that is taken."""
    while True:
        start = secrets.randbelow((1 << LOW_BITS) - len(instants))
        ids = [milliseconds_of(at) << LOW_BITS | start + number for number, at in enumerate(instants)]
        # A log of whole seconds has many in one millisecond: a number may be taken, though seldom.
        if not operations.taken_ids(session, ids):
            return ids
