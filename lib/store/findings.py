"""Rows of findings, and what is read and counted to find them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.store.tables import (
    Finding,
    FindingProgress,
    FindingSeen,
    FindingTally,
    FindingThreshold,
    Operation,
    OperationPending,
    OperationSeal,
    SignIn,
)

_AT_ONCE = 5000  # values of one IN: both databases take more


def progress(session: Session, tenant_id: int) -> FindingProgress | None:
    """How far a tenant's operations are looked through."""
    return session.get(FindingProgress, tenant_id)


def sealed_since(session: Session, tenant_id: int, position: int) -> Iterator[tuple[int, bytes]]:
    """(size of the tree after it, ids) of a tenant's seals above a position: what arrived, in order of arrival."""
    told = sa.select(OperationSeal.until_position, OperationSeal.ids)
    above = told.where(OperationSeal.tenant_id == tenant_id, OperationSeal.until_position > position)
    ordered = above.order_by(OperationSeal.until_position)
    yield from session.execute(ordered.execution_options(yield_per=100))


def pending_since(session: Session, tenant_id: int, received_at: datetime | None, width: int) -> list[int]:
    """The half hours (ids, divided by `width`) of a tenant's operations that arrived from then on and are not sealed
    yet."""
    told = sa.select(OperationPending.id // width).distinct().where(OperationPending.tenant_id == tenant_id)
    if received_at is not None:
        same = sa.and_(Operation.tenant_id == tenant_id, Operation.id == OperationPending.id)
        told = told.join(Operation, same).where(Operation.received_at >= received_at)
    return list(session.scalars(told))


def operations_between(
    session: Session, tenant_id: int, first_id: int, until_id: int, columns: Sequence[str]
) -> list[Sequence[Any]]:
    """Those columns of a tenant's operations with ids in [first_id, until_id)."""
    table = Operation.__table__.c
    told = sa.select(*(table[name] for name in columns))
    meant = told.where(table.tenant_id == tenant_id, table.id >= first_id, table.id < until_id)
    return list(session.execute(meant))


def bodies_of(session: Session, tenant_id: int, ids: Sequence[int]) -> list[tuple[int, str]]:
    """(id, body) of a tenant's operations."""
    told = sa.select(Operation.id, Operation.body).where(Operation.tenant_id == tenant_id)
    return [row for some in _parts(ids) for row in session.execute(told.where(Operation.id.in_(some)))]


def failed_attempts(
    session: Session, tenant_id: int | None, since: datetime, until: datetime, results: Sequence[str]
) -> list[tuple[datetime, str, str]]:
    """(when, name, address) of attempts to sign in of a tenant (None: of no tenant) that ended so."""
    whose = SignIn.tenant_id.is_(None) if tenant_id is None else SignIn.tenant_id == tenant_id
    told = sa.select(SignIn.occurred_at, SignIn.account_name, SignIn.address).where(
        whose, SignIn.source == "", SignIn.result.in_(results)
    )
    meant = told.where(SignIn.occurred_at >= since, SignIn.occurred_at < until)
    return list(session.execute(meant))


def put_tallies(
    session: Session, tenant_id: int, measure: str, buckets: Sequence[int], rows: Sequence[dict[str, Any]]
) -> None:
    """Let the counts of these half hours be those given, and no others."""
    of_measure = sa.delete(FindingTally).where(FindingTally.tenant_id == tenant_id, FindingTally.measure == measure)
    if buckets and buckets[-1] - buckets[0] < len(buckets):  # one after the other
        session.execute(of_measure.where(FindingTally.bucket >= buckets[0], FindingTally.bucket <= buckets[-1]))
    else:
        for some in _parts(buckets):
            session.execute(of_measure.where(FindingTally.bucket.in_(some)))
    if rows:
        named = [{"tenant_id": tenant_id, "measure": measure, **row} for row in rows]
        session.execute(sa.insert(FindingTally.__table__), named)  # type: ignore[arg-type]


def tallies_between(
    session: Session, tenant_id: int, measure: str, first: int, until: int
) -> list[tuple[int, str, int, list[str], list[str]]]:
    """(bucket, who, amount, told, actions) of the half hours [first, until)."""
    row = FindingTally
    told = sa.select(row.bucket, row.who, row.amount, row.told, row.actions)
    meant = told.where(row.tenant_id == tenant_id, row.measure == measure, row.bucket >= first, row.bucket < until)
    return list(session.execute(meant))


def remove_tallies(session: Session, tenant_id: int, measure: str, before: int) -> None:
    """Forget the counts of half hours before one."""
    old = sa.delete(FindingTally).where(FindingTally.tenant_id == tenant_id, FindingTally.measure == measure)
    session.execute(old.where(FindingTally.bucket < before))


def seen_with(
    session: Session, tenant_id: int, measure: str, who: Iterable[str] | None = None
) -> list[tuple[Any, ...]]:
    """(who, what, first_bucket) of everybody, or of those named."""
    told = sa.select(FindingSeen.who, FindingSeen.what, FindingSeen.first_bucket)
    meant = told.where(FindingSeen.tenant_id == tenant_id, FindingSeen.measure == measure)
    if who is None:
        return list(session.execute(meant))
    return [row for some in _parts(who) for row in session.execute(meant.where(FindingSeen.who.in_(some)))]


def put_seen(session: Session, tenant_id: int, measure: str, rows: Iterable[tuple[str, str, int]]) -> None:
    """Keep since when somebody is seen with what, where that is earlier than what is kept."""
    given = {(who, what): bucket for who, what, bucket in rows}
    known = {
        (who, what): first for who, what, first in seen_with(session, tenant_id, measure, {who for who, _ in given})
    }
    new = [
        {"tenant_id": tenant_id, "measure": measure, "who": who, "what": what, "first_bucket": bucket}
        for (who, what), bucket in given.items()
        if (who, what) not in known
    ]
    if new:
        session.execute(sa.insert(FindingSeen.__table__), new)  # type: ignore[arg-type]
    for (who, what), bucket in given.items():
        if known.get((who, what), bucket) > bucket:
            row = session.get_one(FindingSeen, (tenant_id, measure, who, what))
            row.first_bucket = bucket


def thresholds(session: Session, tenant_id: int) -> dict[str, FindingThreshold]:
    """What a tenant has set, by rule."""
    told = sa.select(FindingThreshold).where(FindingThreshold.tenant_id == tenant_id)
    return {row.rule: row for row in session.scalars(told)}


def put_findings(session: Session, tenant_id: int, rows: Iterable[dict[str, Any]]) -> int:
    """Add findings that are not there yet; returns how many. One that is open still takes on what is observed now."""
    added = 0
    for row in rows:
        key = {name: row[name] for name in ("rule", "who", "bucket_at")}
        known = session.scalar(sa.select(Finding).filter_by(tenant_id=tenant_id, **key))
        if known is None:
            session.add(Finding(tenant_id=tenant_id, **row))
            added += 1
        elif known.acknowledged_at is None:
            for name in ("observed", "usual", "threshold", "facts", "records"):
                setattr(known, name, row[name])
    return added


def open_count(session: Session, tenant_ids: Sequence[int]) -> int:
    """How many findings of these tenants nobody has acknowledged."""
    told = sa.select(sa.func.count()).select_from(Finding)
    meant = told.where(Finding.tenant_id.in_(tenant_ids), Finding.acknowledged_at.is_(None))
    return int(session.scalar(meant) or 0)


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    every = list(values)
    return (every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE))
