"""Rows of attempts to sign in: counted per name, known or not, and per client address (IPv6: per /64)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.orm import Session

from lib.access.lockout import LockoutRules, Wait, counted_address, wait_after
from lib.store.tables import Account, SignIn

CHECKING, SUCCESS, FAILURE, LOCKED = "checking", "success", "failure", "locked"
"""An attempt counts as a failure from its first moment, while it is still `checking`."""

UNLOCKED = "unlocked"
"""No attempt: an administrator forgave the account's failures."""

_NAME_SHOWN = 2

_OWN = SignIn.source == ""
"""Attempts to sign in to Daybook; what services send in of their own locks nobody out here."""
_NOTED_EVERY = timedelta(minutes=1)


def name_kept(name: str, key: str) -> str:
    """What is kept of a name that no account has: its first two characters, and a hash that counts it.

    People type a password where the name belongs. `key` is a secret, so that nobody tells from the hash what was typed,
    or finds another name with the same one.
    """
    keyed = hmac.new(key.encode(), f"unknown name\n{name}".encode(), hashlib.sha256)
    return f"{name[:_NAME_SHOWN]}…{keyed.hexdigest()[:8]}"


def take_turn(session: Session, name: str, address: str) -> None:
    """Let the attempts on a name and from an address come one after the other. SQLite's writers do so anyway."""
    if session.get_bind().dialect.name == "postgresql":
        for key in sorted({f"name {name}", f"address {counted_address(address)}"}):
            number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
            session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def wait_of(
    session: Session,
    name: str,
    address: str,
    per_account: LockoutRules,
    per_address: LockoutRules,
    now: datetime,
) -> Wait | None:
    """The longer of the waits that failures of the name and of the address impose. A success forgives the name's."""
    since = now - per_account.memory
    forgiven_at = session.scalar(
        select(func.max(SignIn.occurred_at)).where(
            SignIn.account_name == name, _OWN, SignIn.result.in_((SUCCESS, UNLOCKED)), SignIn.occurred_at > since
        )
    )
    by_name = _failures(session, SignIn.account_name == name, forgiven_at or since)
    of_address = SignIn.address == counted_address(address)
    by_address = _failures(session, of_address, now - per_address.memory) if address else []
    waits = [wait_after(by_name, per_account, now)]
    if (wait := wait_after(by_address, per_address, now)) is not None:
        waits.append(replace(wait, of_address=True))
    return max((wait for wait in waits if wait is not None), key=lambda wait: wait.until, default=None)


def noted_at(session: Session, wait: Wait, name: str, address: str) -> datetime | None:
    """When an attempt that came during this wait was last noted, by the name or the address that waits."""
    whose = SignIn.address == counted_address(address) if wait.of_address else SignIn.account_name == name
    return session.scalar(
        select(func.max(SignIn.occurred_at)).where(
            whose, _OWN, SignIn.result == LOCKED, SignIn.reason == reason_of(wait), SignIn.occurred_at >= wait.since
        )
    )


def reason_of(wait: Wait) -> str:
    """Why an attempt was not let in: the `reason` of its row."""
    return "lock" if wait.is_lock else "delay"


def is_due(noted: datetime | None, now: datetime) -> bool:
    """Whether another attempt during a wait is noted: one a minute, so that a flood does not fill the table."""
    return noted is None or now - noted >= _NOTED_EVERY


def settle(session: Session, sign_in_id: int | None, result: str, reason: str) -> None:
    """Write down how an attempt that was counted ended."""
    row = None if sign_in_id is None else session.get(SignIn, sign_in_id)
    if row is not None:
        row.result, row.reason = result, reason


def forgive(session: Session, account: Account, address: str, now: datetime) -> None:
    """Let the account's failures up to now not matter any more; those of client addresses still do."""
    row = SignIn(
        tenant_id=account.tenant_id, account_id=account.id, account_name=account.name, occurred_at=now
    )
    row.address, row.user_agent, row.result = counted_address(address), "", UNLOCKED
    session.add(row)
    session.flush()


def with_identity(session: Session, identity_hash: str) -> SignIn | None:
    """The attempt that was made with this identity of single sign-on."""
    return session.scalar(select(SignIn).where(SignIn.identity_hash == identity_hash))


@dataclass(frozen=True, slots=True)
class SentSignIn:
    """An attempt to sign in to something else, as a service told it; `identity` tells it from every other of a
    tenant."""

    account: str
    occurred_at: datetime
    address: str
    user_agent: str
    result: str
    reason: str
    source: str
    identity: str


def append_sent(session: Session, tenant_id: int, sent: Sequence[SentSignIn]) -> None:
    """Add attempts that services told, those that are there already left out. IntegrityError: another transaction
    added one meanwhile."""
    hashes = {_hash_of(tenant_id, each): each for each in reversed(sent)}
    known = set(session.scalars(select(SignIn.identity_hash).where(SignIn.identity_hash.in_(hashes))))
    for identity_hash, each in reversed(hashes.items()):
        if identity_hash not in known:
            session.add(
                SignIn(
                    tenant_id=tenant_id,
                    account_name=each.account,
                    occurred_at=each.occurred_at,
                    address=each.address,
                    user_agent=each.user_agent,
                    result=each.result,
                    reason=each.reason,
                    source=each.source,
                    identity_hash=identity_hash,
                )
            )


def _hash_of(tenant_id: int, sent: SentSignIn) -> str:
    return hashlib.sha256(f"sent\n{tenant_id}\n{sent.identity}".encode()).hexdigest()


def remove_old(session: Session, before: datetime) -> dict[int, int]:
    """Remove attempts made before an instant; returns how many went of each tenant, 0 for those of none."""
    old = SignIn.occurred_at < before
    tenant = func.coalesce(SignIn.tenant_id, 0)
    counted = {row[0]: row[1] for row in session.execute(select(tenant, func.count()).where(old).group_by(tenant))}
    if counted:
        session.execute(delete(SignIn).where(old))
    return counted


def _failures(session: Session, of_whom: ColumnElement[bool], since: datetime) -> list[datetime]:
    failures = (
        select(SignIn.occurred_at)
        .where(of_whom, _OWN, SignIn.result.in_((FAILURE, CHECKING)), SignIn.occurred_at > since)
        .order_by(SignIn.occurred_at)
    )
    return list(session.scalars(failures))
