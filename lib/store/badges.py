"""Whose a badge was when it was shown: for records of what was asked, not to let anybody in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.store.api_tokens import revoked_at
from lib.store.engine import Store
from lib.store.tables import Account, AccountSession, ApiToken


@dataclass(frozen=True, slots=True)
class Badge:
    """What somebody showed: the hash of a session's token, or of an API token. Without any hash it is nobody's."""

    kind: Literal["session", "api_token"]
    token_hash: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """An account by its name, and its tenant's number: 0 for system administrators and for nobody."""

    name: str
    tenant_id: int


Nobody: Final = Person("", 0)


def people(store: Store, shown: Mapping[Badge, datetime]) -> dict[Badge, Person]:
    """Whose each badge was at the instant when it was shown; those that held no longer, or never, are left out."""
    if not shown:
        return {}
    with store.read(EVERY_TENANT) as session:
        return _of_sessions(session, shown) | _of_tokens(session, shown)


def _of_sessions(session: Session, shown: Mapping[Badge, datetime]) -> dict[Badge, Person]:
    hashes = [badge.token_hash for badge in shown if badge.kind == "session"]
    rows = session.execute(
        select(AccountSession, Account)
        .join(Account, Account.id == AccountSession.account_id)
        .where(AccountSession.token_hash.in_(hashes))
    ).all()
    found = {}
    for row, account in rows:
        badge = Badge("session", row.token_hash or "")
        # A new password ends the sessions that began before it.
        changed_at = account.password_changed_at if row.created_at < account.password_changed_at else None
        if _held(account, shown[badge], row.revoked_at, row.expires_at, changed_at):
            found[badge] = Person(account.name, account.tenant_id or 0)
    return found


def _of_tokens(session: Session, shown: Mapping[Badge, datetime]) -> dict[Badge, Person]:
    hashes = [badge.token_hash for badge in shown if badge.kind == "api_token"]
    rows = session.execute(
        select(ApiToken, Account)
        .join(Account, Account.id == ApiToken.account_id)
        .where(ApiToken.token_hash.in_(hashes))
    ).all()
    found = {}
    for row, account in rows:
        badge = Badge("api_token", row.token_hash)
        if _held(account, shown[badge], revoked_at(row, account), row.expires_at):
            found[badge] = Person(account.name, account.tenant_id or 0)
    return found


def _held(account: Account, at: datetime, *ends: datetime | None) -> bool:
    return not account.is_disabled and all(end is None or at < end for end in ends)
