"""Letting an account in, and no longer: passwords, disabling, locks, sessions (SPEC A7, A8)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.access.lockout import PER_ACCOUNT, PER_ADDRESS, Wait
from lib.access.passwords import HashedPassword
from lib.logs import Operator
from lib.queries.administration.account_acts import (
    Reach,
    account_of,
    require_another_administrator,
)
from lib.queries.administration.acting import note, refused
from lib.store import accounts, api_tokens, attempts
from lib.store.tables import AccountSession


def set_password(session: Session, reach: Reach, operator: Operator, name: str, password: HashedPassword) -> None:
    """Change the password, and end every session and API token of the account."""
    row = account_of(session, reach, name)
    old = {"password_changed_at": row.password_changed_at.isoformat()}
    accounts.set_password(session, row, password)
    new = {"password_changed_at": row.password_changed_at.isoformat()}
    note(session, row.tenant_id, operator, "account", "set_password", row.name, row.id, old, new)


def disable_account(session: Session, reach: Reach, operator: Operator, name: str) -> None:
    """Let nobody in by it, and end its sessions. Raises BadInput for oneself and the last system
    administrator."""
    row = account_of(session, reach, name)
    if row.id == operator.account_id:
        raise refused("own_account")
    if row.is_disabled:
        raise refused("disabled_already", name=row.name)
    require_another_administrator(session, row)
    row.is_disabled = True
    accounts.end_sessions(session, row.id)
    old, new = {"is_disabled": False}, {"is_disabled": True}
    note(session, row.tenant_id, operator, "account", "disable", row.name, row.id, old, new)


def enable_account(session: Session, reach: Reach, operator: Operator, name: str) -> None:
    """Let it sign in again. Raises BadInput where it is not disabled."""
    row = account_of(session, reach, name)
    if not row.is_disabled:
        raise refused("enabled_already", name=row.name)
    row.is_disabled = False
    old, new = {"is_disabled": True}, {"is_disabled": False}
    note(session, row.tenant_id, operator, "account", "enable", row.name, row.id, old, new)


def unlock_account(session: Session, reach: Reach, operator: Operator, name: str) -> None:
    """Forgive the failed attempts to sign in, so that the next one need not wait. Raises BadInput where
    none does."""
    row = account_of(session, reach, name)
    wait = wait_of_account(session, row.name)
    if wait is None:
        raise refused("not_locked", name=row.name)
    attempts.forgive(session, row, operator.address, datetime.now(UTC))
    old, new = {"locked_until": wait.until.isoformat()}, {"locked_until": None}
    note(session, row.tenant_id, operator, "account", "unlock", row.name, row.id, old, new)


def revoke_sessions(session: Session, reach: Reach, operator: Operator, name: str) -> None:
    """Sign the account out everywhere, and end its API tokens. Raises BadInput where it has neither."""
    row = account_of(session, reach, name)
    now = datetime.now(UTC)
    valid = AccountSession.revoked_at.is_(None) & (AccountSession.expires_at > now)
    counted = select(func.count()).select_from(AccountSession).where(AccountSession.account_id == row.id, valid)
    sessions, tokens = session.scalar(counted), api_tokens.count_holding(session, row, now)
    if not sessions and not tokens:
        raise refused("not_signed_in", name=row.name)
    accounts.end_sessions(session, row.id)
    api_tokens.end_tokens(session, row.id, now)
    old, new = {"sessions": sessions, "tokens": tokens}, {"sessions": 0, "tokens": 0}
    note(session, row.tenant_id, operator, "account", "revoke_sessions", row.name, row.id, old, new)


def wait_of_account(session: Session, name: str) -> Wait | None:
    """What failed attempts under the name impose on its next one, wherever it comes from."""
    return attempts.wait_of(session, name, "", PER_ACCOUNT, PER_ADDRESS, datetime.now(UTC))
