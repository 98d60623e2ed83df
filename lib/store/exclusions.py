"""Rows of exclusion rules."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.store.tables import ExclusionRule


def active_rules(session: Session, tenant_id: int) -> list[ExclusionRule]:
    """The rules of a tenant that hold, oldest first."""
    asked = select(ExclusionRule).where(ExclusionRule.tenant_id == tenant_id, ExclusionRule.removed_at.is_(None))
    return list(session.scalars(asked.order_by(ExclusionRule.id)))


def every_rule(session: Session, tenant_id: int) -> list[ExclusionRule]:
    """All rules that a tenant ever had, newest first."""
    asked = select(ExclusionRule).where(ExclusionRule.tenant_id == tenant_id)
    return list(session.scalars(asked.order_by(ExclusionRule.id.desc())))


def add_rule(session: Session, tenant_id: int, kind: str, pattern: str, memo: str) -> ExclusionRule:
    """Add a rule that holds from now on, and for all that was."""
    made = ExclusionRule(tenant_id=tenant_id, kind=kind, pattern=pattern, memo=memo, created_at=datetime.now(UTC))
    session.add(made)
    session.flush()
    return made
