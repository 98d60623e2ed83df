"""Rows of the logs that clients uploaded, and which stored bytes rows still need."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.store.tables import Feedback, FeedbackImage, FeedbackLog


def log_of_origin(session: Session, tenant_id: int, origin: bytes) -> FeedbackLog | None:
    """The log that came from there already."""
    told = sa.select(FeedbackLog).where(FeedbackLog.tenant_id == tenant_id, FeedbackLog.origin == origin)
    return session.scalar(told)


def add_log(session: Session, row: dict[str, Any]) -> None:
    """Add a log, and link the feedback that names it or that it names.

    IntegrityError says that another transaction added it meanwhile.
    """
    session.execute(sa.insert(FeedbackLog.__table__), row)  # type: ignore[arg-type]
    meant = Feedback.log_origin == row["origin"]
    if row["feedback_origin"] is not None:
        meant = sa.or_(meant, Feedback.origin == row["feedback_origin"])
    linked = sa.update(Feedback).where(Feedback.tenant_id == row["tenant_id"], Feedback.log_id.is_(None), meant)
    session.execute(linked.values(log_id=row["id"]), execution_options={"synchronize_session": False})


def expired(session: Session, now: datetime, limit: int) -> list[FeedbackLog]:
    """Logs of every tenant that are to go by now."""
    told = sa.select(FeedbackLog).where(FeedbackLog.expires_at <= now)
    return list(session.scalars(told.order_by(FeedbackLog.expires_at, FeedbackLog.id).limit(limit)))


def remove_logs(session: Session, tenant_id: int, ids: Collection[int]) -> None:
    """Forget logs. Feedback goes on to say which log it had."""
    gone = sa.delete(FeedbackLog).where(FeedbackLog.tenant_id == tenant_id, FeedbackLog.id.in_(list(ids)))
    session.execute(gone, execution_options={"synchronize_session": False})


def hashes_of(session: Session, tenant_id: int) -> set[str]:
    """The hashes of all bytes that a tenant has."""
    tables = (FeedbackLog, FeedbackImage)
    parts = (session.scalars(sa.select(table.sha256).where(table.tenant_id == tenant_id)) for table in tables)
    return {sha256 for part in parts for sha256 in part}


def needed(session: Session, hashes: Collection[str]) -> set[str]:
    """Those of the hashes whose bytes a row of some tenant has; asked over every tenant."""
    found: set[str] = set()
    every = sorted(set(hashes))
    for start in range(0, len(every), 500):
        some = every[start : start + 500]
        for table in (FeedbackLog, FeedbackImage):
            found.update(session.scalars(sa.select(table.sha256).where(table.sha256.in_(some))))
    return found
