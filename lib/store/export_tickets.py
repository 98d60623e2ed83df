"""Rows of export tickets: each lets one browser session fetch one file, once and soon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from lib.access.tokens import hash_of_token
from lib.store.tables import ExportTicket


def add_ticket(
    session: Session,
    ticket: str,
    *,
    tenant_id: int,
    account_id: int,
    session_id: int,
    asked: Mapping[str, Any],
    now: datetime,
    lasts: timedelta,
) -> None:
    """Add a ticket, and remove those of the tenant that nobody fetched in time."""
    session.execute(
        delete(ExportTicket).where(ExportTicket.tenant_id == tenant_id, ExportTicket.expires_at < now)
    )
    session.add(
        ExportTicket(
            tenant_id=tenant_id,
            account_id=account_id,
            session_id=session_id,
            token_hash=hash_of_token(ticket),
            asked=dict(asked),
            created_at=now,
            expires_at=now + lasts,
        )
    )


def ticket_shown(session: Session, ticket: str) -> ExportTicket | None:
    """The row of a ticket, which stays."""
    return session.scalar(select(ExportTicket).where(ExportTicket.token_hash == hash_of_token(ticket)))


def take_ticket(session: Session, ticket: str, session_id: int) -> bool:
    """Remove the ticket of this session; returns whether it was there, which it is for one of many who ask."""
    taken = delete(ExportTicket).where(
        ExportTicket.token_hash == hash_of_token(ticket), ExportTicket.session_id == session_id
    )
    return session.scalar(taken.returning(ExportTicket.id)) is not None
