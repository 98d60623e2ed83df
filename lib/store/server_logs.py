"""Rows of the rules of server logs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.store.tables import ServerLogRule


def log_rules(session: Session) -> Sequence[ServerLogRule]:
    """The rules that were changed; a type without a row is kept as it begins."""
    return session.scalars(select(ServerLogRule)).all()


def set_log_rule(session: Session, log_type: str, *, level: str, copies: int, days: int) -> None:
    """Keep a type by another rule from now on."""
    row = ServerLogRule(log_type=log_type, level=level, copies=copies, days=days, changed_at=datetime.now(UTC))
    session.merge(row)
