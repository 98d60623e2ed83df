"""The entrance: what a stranger may do. Check a password, open a session, redeem its ticket, show its badge, leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from lib.access.lockout import PER_ACCOUNT, PER_ADDRESS, LockoutRules, Wait, counted_address
from lib.access.passwords import STRONG, PasswordRules, nobodys_hash
from lib.access.tokens import hash_of_token, new_token
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.errors import NotSignedIn
from lib.logs.record import SYSTEM_TENANT, Act, Operator, record
from lib.queries.signed_in import viewer_from
from lib.store import Store, attempts, sessions
from lib.store.accounts import account_name_of, account_named
from lib.store.sessions import Badge
from lib.store.tables import Account, AccountSession, SignIn
from lib.words import Language


@dataclass(frozen=True)
class EntranceRules:
    """How long things hold at the entrance, and how it slows guessing down."""

    idle: timedelta = timedelta(hours=12)
    absolute: timedelta = timedelta(days=30)
    ticket: timedelta = timedelta(seconds=60)
    identity: timedelta = timedelta(minutes=10)
    touch: timedelta = timedelta(minutes=1)
    per_account: LockoutRules = PER_ACCOUNT
    per_address: LockoutRules = PER_ADDRESS
    passwords: PasswordRules = STRONG


RULES = EntranceRules()


@dataclass(frozen=True)
class Attempt:
    """One try to sign in: the row that counts it, and the hash that the password is compared with.

    Where it has to `wait`, no password lets it in: do not compare any.
    """

    sign_in_id: int | None
    account_id: int | None
    account_name: str
    password_hash: str
    wait: Wait | None
    address: str
    user_agent: str


@dataclass(frozen=True)
class OpenedSession:
    """A session just opened: its number, and the ticket that the browser exchanges for a cookie."""

    session_id: int
    ticket: str


@dataclass(frozen=True)
class RedeemedTicket:
    """What the browser is to keep, and for how long."""

    token: str
    lasts: timedelta


class Entrance:
    """Everything that happens before there is a viewer. It answers about nobody but the one who asks."""

    def __init__(self, store: Store, rules: EntranceRules = RULES) -> None:
        self._store = store
        self._rules = rules

    def attempt(
        self, typed_name: str, address: str = "", user_agent: str = "", *, names_key: str = ""
    ) -> Attempt:
        """Count a try before the password is looked at, so that many tries at once do not slip past the count.

        An unknown or disabled account, and one that has to wait, gets a hash that no password has. `names_key` is the
        secret by which a name that no account has is made unreadable.
        """
        name, now = account_name_of(typed_name), datetime.now(UTC)
        nobody = nobodys_hash(self._rules.passwords)  # made here, not while every other writer waits
        with self._store.write(EVERY_TENANT) as session:
            attempts.take_turn(session, name, address)
            account = account_named(session, name)
            name = account.name if account else attempts.name_kept(name, names_key)
            wait = attempts.wait_of(
                session, name, address, self._rules.per_account, self._rules.per_address, now
            )
            row = _counted(account, name, address, user_agent, now)
            may = account is not None and not account.is_disabled and wait is None
            password_hash = account.password_hash if account and may else nobody
            if wait is not None:
                _note_waiting(session, row, wait, account, address)
            else:
                session.add(row)
                session.flush()
        return Attempt(
            row.id, account.id if account else None, name, password_hash, wait, address, row.user_agent
        )

    def fail(self, attempt: Attempt, action: str = "sign_in_failed") -> None:
        """Note that the password was wrong. An attempt that had to wait is not counted again."""
        if attempt.wait is not None:
            return
        with self._store.write(EVERY_TENANT) as session:
            account = session.get(Account, attempt.account_id) if attempt.account_id else None
            reason = "unknown" if account is None else "disabled" if account.is_disabled else "password"
            attempts.settle(session, attempt.sign_in_id, attempts.FAILURE, reason)
            note_sign_in(session, account, attempt.account_name, attempt.address, action, "failure", reason)

    def succeed(self, attempt: Attempt) -> OpenedSession:
        """Open a session for the account whose password was right. Raises NotSignedIn when it may no longer."""
        now, ticket = datetime.now(UTC), new_token()
        with self._store.write(EVERY_TENANT) as session:
            account = session.get(Account, attempt.account_id) if attempt.account_id else None
            if account is None or account.is_disabled or attempt.wait is not None:
                raise NotSignedIn
            if account.password_hash != attempt.password_hash:  # changed while the old one was compared
                raise NotSignedIn
            opened = sessions.open_session(
                session,
                account.id,
                ticket,
                now=now,
                lasts=self._rules.absolute,
                ticket_lasts=self._rules.ticket,
                address=attempt.address,
                user_agent=attempt.user_agent,
            )
            attempts.settle(session, attempt.sign_in_id, attempts.SUCCESS, "")
            note_sign_in(session, account, account.name, attempt.address, "sign_in", "success")
        return OpenedSession(opened.id, ticket)

    def redeem(self, ticket: str, replaced_token: str | None = None) -> RedeemedTicket:
        """Exchange a ticket, once and within its minute, for a token; the token that the browser had ends.

        Raises NotSignedIn.
        """
        now, token = datetime.now(UTC), new_token()
        with self._store.write(EVERY_TENANT) as session:
            row = sessions.with_ticket(session, ticket)
            if row is None or row.revoked_at or row.ticket_expires_at is None or row.ticket_expires_at < now:
                raise NotSignedIn
            row.token_hash, row.ticket_hash, row.ticket_expires_at = hash_of_token(token), None, None
            if replaced_token:
                sessions.revoke(session, replaced_token, now)
        return RedeemedTicket(token, self._rules.absolute)

    def leave(self, badge: Badge, address: str = "") -> None:
        """End the session of a badge, in every tab. Nothing happens for a badge that is none."""
        now = datetime.now(UTC)
        with self._store.write(EVERY_TENANT) as session:
            account_id = sessions.revoke(session, badge, now)
            account = None if account_id is None else session.get(Account, account_id)
            if account is not None:
                note_sign_in(session, account, account.name, address, "sign_out", "success")

    def viewer_of(
        self,
        badge: Badge | None,
        tenant: str | None = None,
        *,
        language: Language = Language.EN,
        address: str = "",
    ) -> Viewer:
        """Who shows this badge (a session's number or the cookie's token), as they are in the database now.

        `tenant` is the key that a system administrator asks to see; for others it changes nothing. `language` holds
        where the account has chosen none. Raises NotSignedIn.
        """
        if badge is None:
            raise NotSignedIn
        now = datetime.now(UTC)
        with self._store.read(EVERY_TENANT) as session:
            found = sessions.shown(session, badge)
            if found is None or not self._holds(*found, now):
                raise NotSignedIn
            row, account = found
            viewer = viewer_from(session, account, tenant, language=language, address=address)
            stale = row.id if now - row.last_seen_at > self._rules.touch else None
        if stale is not None:
            self._touch(stale, now)
        return viewer

    def _holds(self, row: AccountSession, account: Account, now: datetime) -> bool:
        return (
            row.revoked_at is None
            and now < row.expires_at
            and now - row.last_seen_at < self._rules.idle
            and not account.is_disabled
            and row.created_at >= account.password_changed_at
        )

    def _touch(self, session_id: int, now: datetime) -> None:
        with self._store.write(EVERY_TENANT) as session:
            row = session.get(AccountSession, session_id)
            if row is not None:
                row.last_seen_at = now


def _counted(account: Account | None, name: str, address: str, user_agent: str, now: datetime) -> SignIn:
    return SignIn(
        tenant_id=account.tenant_id if account else None,
        account_id=account.id if account else None,
        account_name=name,
        occurred_at=now,
        address=counted_address(address),
        user_agent=user_agent[:500],
        result=attempts.CHECKING,
        reason="",
    )


def _note_waiting(session: Session, row: SignIn, wait: Wait, account: Account | None, address: str) -> None:
    """Keep an attempt that has to wait, one a minute; the log of operations tells of a lock once."""
    noted = attempts.noted_at(session, wait, row.account_name, address)
    row.result, row.reason = attempts.LOCKED, attempts.reason_of(wait)
    if attempts.is_due(noted, row.occurred_at):
        session.add(row)
        session.flush()
    if wait.is_lock and noted is None:
        note_sign_in(session, account, row.account_name, address, "sign_in_failed", "failure", "locked")


def note_sign_in(
    session: Session,
    account: Account | None,
    name: str,
    address: str,
    action: str,
    result: str,
    reason: str = "",
) -> None:
    """Record in the transaction that somebody signed in or out, or failed to;
    `name` is the account's, or what is kept of one that none has."""
    role = account.type if account else ""
    operator = Operator(name, account.id if account else None, role, address=address)
    act = Act(
        module="account",
        action=action,
        operation_class="modification",
        object_type="account",
        object_name=name,
        object_id=str(account.id) if account else "",
        result=result,
        content=reason,
    )
    record(session, account.tenant_id if account else SYSTEM_TENANT, operator, act)
