"""Rows of API tokens: what a program reads the API with, as an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from lib.access.tokens import hash_of_token
from lib.store.tables import Account, ApiToken


def token_shown(session: Session, token: str) -> tuple[ApiToken, Account] | None:
    """The row of a token, ended or not, and the account that it acts as."""
    row = session.execute(
        select(ApiToken, Account)
        .join(Account, Account.id == ApiToken.account_id)
        .where(ApiToken.token_hash == hash_of_token(token))
    ).first()
    return None if row is None else (row[0], row[1])


def tokens_of(session: Session, account_id: int) -> Sequence[ApiToken]:
    """The tokens of an account, oldest first, those that ended included."""
    return session.scalars(select(ApiToken).where(ApiToken.account_id == account_id).order_by(ApiToken.id)).all()


def revoked_at(row: ApiToken, account: Account) -> datetime | None:
    """When a token was ended, if it was: by itself, or by a new password of its account."""
    if row.revoked_at is None and row.created_at < account.password_changed_at:
        return account.password_changed_at
    return row.revoked_at


def holds(row: ApiToken, account: Account, now: datetime) -> bool:
    """Whether a token works: it has neither been ended nor expired, and its account is open."""
    is_open = not account.is_disabled and (row.expires_at is None or now < row.expires_at)
    return is_open and revoked_at(row, account) is None


def count_holding(session: Session, account: Account, now: datetime) -> int:
    """How many tokens of the account have neither been ended nor expired."""
    works = ApiToken.revoked_at.is_(None) & (ApiToken.created_at >= account.password_changed_at)
    works &= ApiToken.expires_at.is_(None) | (ApiToken.expires_at > now)
    return session.scalar(select(func.count()).where(ApiToken.account_id == account.id, works)) or 0


def end_tokens(session: Session, account_id: int, now: datetime) -> None:
    """End every token of the account for good, from its next request on."""
    of_account = (ApiToken.account_id == account_id) & ApiToken.revoked_at.is_(None)
    session.execute(update(ApiToken).where(of_account).values(revoked_at=now))
