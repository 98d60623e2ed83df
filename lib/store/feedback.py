"""Rows of feedback: added each once, and linked with the logs that came with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.store.tables import Feedback, FeedbackImage, FeedbackLog, FeedbackText

_AT_ONCE = 500
_FEEDBACK = tuple(column.name for column in Feedback.__table__.columns)
_TEXT = tuple(column.name for column in FeedbackText.__table__.columns)

Row = dict[str, Any]


def known_feedback(session: Session, tenant_id: int, origins: Collection[bytes]) -> dict[bytes, int]:
    """The ids of those feedbacks that are there already, by origin."""
    told = sa.select(Feedback.origin, Feedback.id).where(Feedback.tenant_id == tenant_id)
    parts = (session.execute(told.where(Feedback.origin.in_(some))) for some in _parts(origins))
    return {row[0]: row[1] for part in parts for row in part}


def taken_ids(session: Session, tenant_id: int, ids: Collection[int]) -> bool:
    """Whether one of the ids is a feedback's already."""
    told = sa.select(Feedback.id).where(Feedback.tenant_id == tenant_id)
    return any(session.scalar(told.where(Feedback.id.in_(some)).limit(1)) is not None for some in _parts(ids))


def add_feedback(session: Session, rows: Sequence[Row], images: Sequence[Row]) -> None:
    """Add feedback and images: columns of the tables, each in every row, and `search`.

    IntegrityError says that another transaction added one of them meanwhile.
    """
    if rows:
        whole = [{name: row[name] for name in _FEEDBACK} for row in rows]
        session.execute(sa.insert(Feedback.__table__), whole)  # type: ignore[arg-type]
        texts = [{name: row[name] for name in _TEXT} | {"contact": row["contact"].casefold()} for row in rows]
        session.execute(sa.insert(FeedbackText.__table__), texts)  # type: ignore[arg-type]
    if images:
        session.execute(sa.insert(FeedbackImage.__table__), list(images))  # type: ignore[arg-type]


def logs_meant(session: Session, tenant_id: int, origins: Collection[bytes]) -> dict[bytes, int]:
    """The ids of logs by their own origin, among those given."""
    told = sa.select(FeedbackLog.origin, FeedbackLog.id).where(FeedbackLog.tenant_id == tenant_id)
    parts = (session.execute(told.where(FeedbackLog.origin.in_(some))) for some in _parts(origins))
    return {row[0]: row[1] for part in parts for row in part}


def logs_belonging(session: Session, tenant_id: int, origins: Collection[bytes]) -> dict[bytes, int]:
    """The ids of logs by the origin of the feedback that they say they belong to, among those given."""
    told = sa.select(FeedbackLog.feedback_origin, FeedbackLog.id).where(FeedbackLog.tenant_id == tenant_id)
    parts = (session.execute(told.where(FeedbackLog.feedback_origin.in_(some))) for some in _parts(origins))
    return {row[0]: row[1] for part in parts for row in part if row[0] is not None}


def origin_of_log(session: Session, tenant_id: int, mini_program_id: int, log_id: int) -> bytes | None:
    """The origin of a mini program's log by its id."""
    told = sa.select(FeedbackLog.origin).where(FeedbackLog.tenant_id == tenant_id, FeedbackLog.id == log_id)
    return session.scalar(told.where(FeedbackLog.mini_program_id == mini_program_id))


def origin_of_feedback(session: Session, tenant_id: int, mini_program_id: int, feedback_id: int) -> bytes | None:
    """The origin of a mini program's feedback by its id."""
    told = sa.select(Feedback.origin).where(Feedback.tenant_id == tenant_id, Feedback.id == feedback_id)
    return session.scalar(told.where(Feedback.mini_program_id == mini_program_id))


def _parts(values: Collection[Any]) -> Iterator[list[Any]]:
    every = list(values)
    return (every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE))
