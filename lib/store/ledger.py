"""The bucket ledger: what each publication did to each half hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.orm import Session

from lib.store.tables import BucketLedger, UtcDateTime


@dataclass(frozen=True)
class LedgerRow:
    """What a publication did to a half hour of a tenant."""

    tenant_id: int
    bucket_at: datetime
    rows_added: int
    rows_late: int
    rows_duplicate: int
    rows_excluded: int = 0
    rows_expired: int = 0


def record_publication(session: Session, publication: int, rows: Iterable[LedgerRow]) -> None:
    """Write the rows of a publication; writing them again changes nothing."""
    session.execute(delete(BucketLedger).where(BucketLedger.publication == publication))
    now = datetime.now(UTC)
    values = [{**row.__dict__, "publication": publication, "recorded_at": now} for row in rows]
    if values:
        session.execute(insert(BucketLedger), values)


def newest(session: Session, tenant_id: int, limit: int) -> list[BucketLedger]:
    """The newest rows of a tenant: the last publication first, in it the latest half hour first."""
    asked = select(BucketLedger).where(BucketLedger.tenant_id == tenant_id)
    order = (BucketLedger.publication.desc(), BucketLedger.bucket_at.desc())
    return list(session.scalars(asked.order_by(*order).limit(limit)))


def mark(session: Session, tenant_id: int) -> tuple[int, int, datetime] | None:
    """What tells a tenant's ledger from that of another moment; None for an empty one.

    Only the rows of the newest publication are written, or written again, under other numbers.
    """
    told = (BucketLedger.publication, BucketLedger.id, BucketLedger.recorded_at)
    asked = select(*told).where(BucketLedger.tenant_id == tenant_id)
    order = (BucketLedger.publication.desc(), BucketLedger.bucket_at.desc())
    newest = session.execute(asked.order_by(*order).limit(1)).first()
    return None if newest is None else (newest.publication, newest.id, newest.recorded_at)


def recounted(session: Session, tenant_id: int, since: datetime, until: datetime) -> list[tuple[object, ...]]:
    """`bucket_at`, late rows, excluded rows and the last instant, of the half hours that begin in [since, until) and
    that a publication after their first one changed."""
    inside = (BucketLedger.tenant_id == tenant_id, BucketLedger.bucket_at >= since, BucketLedger.bucket_at < until)
    first = (
        select(BucketLedger.bucket_at, func.min(BucketLedger.publication).label("publication"))
        .where(*inside)
        .group_by(BucketLedger.bucket_at)
        .subquery()
    )
    asked = (
        select(
            BucketLedger.bucket_at,
            func.sum(BucketLedger.rows_late),
            func.sum(BucketLedger.rows_excluded),
            func.max(BucketLedger.recorded_at, type_=UtcDateTime),
        )
        .join(first, (BucketLedger.bucket_at == first.c.bucket_at) & (BucketLedger.publication > first.c.publication))
        .where(*inside, or_(BucketLedger.rows_late > 0, BucketLedger.rows_excluded != 0))
        .group_by(BucketLedger.bucket_at)
    )
    return [tuple(row) for row in session.execute(asked)]
