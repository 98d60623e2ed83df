"""Rows of API tokens: what a program reads the API with, as an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
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


def holds(row: ApiToken, now: datetime) -> bool:
    """Whether a token works: it is neither revoked nor expired."""
    return row.revoked_at is None and (row.expires_at is None or now < row.expires_at)
