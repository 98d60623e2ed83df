"""Rows of sessions: somebody signed in on one browser. A badge is a session's number, or the token in the cookie."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from lib.access.tokens import hash_of_token
from lib.store.tables import Account, AccountSession

Badge = int | str


def open_session(
    session: Session,
    account_id: int,
    ticket: str,
    *,
    now: datetime,
    lasts: timedelta,
    ticket_lasts: timedelta,
    address: str,
    user_agent: str,
) -> AccountSession:
    """Open a session that no browser has a cookie of yet: the ticket is exchanged for it."""
    opened = AccountSession(
        account_id=account_id,
        ticket_hash=hash_of_token(ticket),
        ticket_expires_at=now + ticket_lasts,
        address=address,
        user_agent=user_agent,
        created_at=now,
        last_seen_at=now,
        expires_at=now + lasts,
    )
    session.add(opened)
    session.flush()
    return opened


def shown(session: Session, badge: Badge) -> tuple[AccountSession, Account] | None:
    """The session that a badge belongs to, ended or not, and its account."""
    row = session.execute(
        select(AccountSession, Account)
        .join(Account, Account.id == AccountSession.account_id)
        .where(_of(badge))
    ).first()
    return None if row is None else (row[0], row[1])


def with_ticket(session: Session, ticket: str) -> AccountSession | None:
    """The session that a ticket opens, held until the transaction ends, so that it opens once."""
    return session.scalar(
        select(AccountSession).where(AccountSession.ticket_hash == hash_of_token(ticket)).with_for_update()
    )


def revoke(session: Session, badge: Badge, now: datetime) -> int | None:
    """End the session of a badge; returns whose it was, or None where there was none to end."""
    row = session.scalar(select(AccountSession).where(_of(badge), AccountSession.revoked_at.is_(None)))
    if row is None:
        return None
    row.revoked_at = now
    return row.account_id


def remove_ended(session: Session, before: datetime) -> int:
    """Remove sessions that expired or were revoked before an instant; returns how many."""
    ended = or_(AccountSession.expires_at < before, AccountSession.revoked_at < before)
    return len(session.scalars(delete(AccountSession).where(ended).returning(AccountSession.id)).all())


def _of(badge: Badge) -> ColumnElement[bool]:
    if isinstance(badge, int):
        return AccountSession.id == badge
    return AccountSession.token_hash == hash_of_token(badge)
