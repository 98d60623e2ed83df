"""The entrance of single sign-on: an identity that a provider vouched for opens the session of the account it is
linked to. No account is made for one that none has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lib.access.lockout import counted_address
from lib.access.tokens import hash_of_token, new_token
from lib.access.viewer import EVERY_TENANT
from lib.errors import NotSignedIn
from lib.queries.entrance import RULES, EntranceRules, OpenedSession, note_sign_in
from lib.store import Store, attempts, sessions
from lib.store.accounts import account_name_of, account_of_identity
from lib.store.tables import Account, SignIn


@dataclass(frozen=True)
class Identity:
    """Whom a provider vouched for, when, and in answer to which request (`nonce`)."""

    issuer: str
    subject: str
    issued_at: datetime
    nonce: str

    @property
    def hash(self) -> str:
        """What tells this act of vouching from every other."""
        return hash_of_token("\n".join((self.issuer, self.subject, self.issued_at.isoformat(), self.nonce)))


def enter(
    store: Store, identity: Identity, address: str = "", user_agent: str = "", rules: EntranceRules = RULES
) -> OpenedSession | None:
    """Open a session for the account of the identity; None where no account has it, or a disabled one.

    The browser keeps what the provider said for a month. So it counts once, and for some minutes: raises NotSignedIn
    when it is older, or has let somebody in before.
    """
    now, ticket = datetime.now(UTC), new_token()
    if abs(now - identity.issued_at) > rules.identity:
        raise NotSignedIn
    try:
        with store.write(EVERY_TENANT) as session:
            earlier = attempts.with_identity(session, identity.hash)
            if earlier is not None:
                if earlier.result == attempts.SUCCESS:
                    raise NotSignedIn
                return None
            account = account_of_identity(session, identity.issuer, identity.subject)
            if account is None or account.is_disabled:
                _refuse(session, identity, account, address, user_agent, now)
                return None
            opened = sessions.open_session(
                session,
                account.id,
                ticket,
                now=now,
                lasts=rules.absolute,
                ticket_lasts=rules.ticket,
                address=address,
                user_agent=user_agent,
            )
            session.add(_attempt(identity, account, address, user_agent, now, attempts.SUCCESS, "oidc"))
            note_sign_in(session, account, account.name, address, "sign_in", "success", "oidc")
    except IntegrityError as error:  # another tab was quicker with the same identity
        raise NotSignedIn from error
    return OpenedSession(opened.id, ticket)


def _refuse(
    session: Session, identity: Identity, account: Account | None, address: str, user_agent: str, now: datetime
) -> None:
    reason = "oidc_unknown" if account is None else "oidc_disabled"
    row = _attempt(identity, account, address, user_agent, now, attempts.FAILURE, reason)
    session.add(row)
    note_sign_in(session, account, row.account_name, address, "sign_in_failed", "failure", reason)


def _attempt(
    identity: Identity,
    account: Account | None,
    address: str,
    user_agent: str,
    now: datetime,
    result: str,
    reason: str,
) -> SignIn:
    return SignIn(
        tenant_id=account.tenant_id if account else None,
        account_id=account.id if account else None,
        # Not the bare subject: that may be the name of somebody else's account, whose failures would grow.
        account_name=account.name if account else account_name_of(f"oidc:{identity.subject}"),
        occurred_at=now,
        address=counted_address(address),
        user_agent=user_agent[:500],
        result=result,
        reason=reason,
        identity_hash=identity.hash,
    )
