"""Rows of accounts, and what must hold of them. Who may ask for them is decided above, in lib.queries."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lib.access.passwords import STRONG, HashedPassword, PasswordRules, hash_password
from lib.access.permissions import AccountType
from lib.errors import AlreadyThere, BadInput, NotFound
from lib.store.api_tokens import end_tokens
from lib.store.tables import (
    Account,
    AccountApplication,
    AccountSession,
    Application,
    Grant,
    Organization,
    Role,
)
from lib.words import Phrase

NAME_LENGTH = 100


def account_name_of(typed: str) -> str:
    """The name that somebody means: without outer spaces, in lower case, in one Unicode form; cut at 100 characters."""
    return unicodedata.normalize("NFKC", typed).strip().lower()[:NAME_LENGTH]


def checked_name(name: str) -> str:
    """The name to keep. Raises BadInput for one that is empty, too long, or has characters that cannot be seen."""
    meant = account_name_of(name)
    if not meant or len(name) > NAME_LENGTH or not meant.isprintable():
        raise BadInput(what=Phrase("account_error.name", name=meant, most=NAME_LENGTH))
    return meant


def account_named(session: Session, name: str) -> Account | None:
    """The account that signs in by this name, typed in any case."""
    return session.scalar(select(Account).where(Account.name == account_name_of(name)))


def account_of_identity(session: Session, issuer: str, subject: str) -> Account | None:
    """The account that single sign-on lets this identity in by."""
    return session.scalar(
        select(Account).where(Account.oidc_issuer == issuer_of(issuer), Account.oidc_subject == subject)
    )


def issuer_of(given: str) -> str:
    """The issuer that is meant: some write a slash at the end that others leave out."""
    return given.strip().rstrip("/")


def add_account(
    session: Session,
    *,
    name: str,
    password: str | HashedPassword,
    type: AccountType,
    tenant_id: int | None = None,
    roles: Iterable[str] = (),
    application_scope: str = "listed",
    applications: Iterable[int] = (),
    organization_id: int | None = None,
    display_name: str = "",
    language: str | None = None,
    zone: str = "UTC",
    rules: PasswordRules = STRONG,
) -> Account:
    """Add an account with roles (keys of its tenant's) and, where `application_scope` is "listed", applications (ids).

    Raises BadInput for a name, password or type that cannot be, AlreadyThere for a taken name, NotFound for a role,
    organization or application that is not the tenant's.
    """
    name = checked_name(name)
    if (type is AccountType.SYSTEM) != (tenant_id is None):
        raise BadInput(what=Phrase("account_error.tenant"))
    if application_scope not in {"every", "listed"}:
        raise BadInput(what=Phrase("account_error.scope"))
    if account_named(session, name) is not None:
        raise AlreadyThere(kind=Phrase("kind.account"), key=name)
    now = datetime.now(UTC)
    account = Account(
        tenant_id=tenant_id,
        name=name,
        display_name=display_name,
        type=type.value,
        password_hash=_hash_of(password, rules),
        password_changed_at=now,
        organization_id=_organization(session, tenant_id, organization_id),
        application_scope=application_scope,
        language=language,
        zone=zone,
        created_at=now,
    )
    session.add(account)
    session.flush()
    if tenant_id is not None:
        grant_roles(session, tenant_id, account.id, roles)
        hold_applications(session, tenant_id, account.id, applications)
    return account


def grant_roles(session: Session, tenant_id: int, account_id: int, keys: Iterable[str]) -> None:
    """Give the account roles of its tenant. Raises NotFound for a key that is none."""
    for key in sorted(set(keys)):
        role_id = session.scalar(select(Role.id).where(Role.tenant_id == tenant_id, Role.key == key))
        if role_id is None:
            raise NotFound(kind=Phrase("kind.role"), key=key)
        session.add(Grant(tenant_id=tenant_id, account_id=account_id, role_id=role_id))
    session.flush()


def hold_applications(
    session: Session, tenant_id: int, account_id: int, application_ids: Iterable[int]
) -> None:
    """Let the account hold applications of its tenant. Raises NotFound for an id that is none."""
    for application_id in sorted(set(application_ids)):
        application = session.get(Application, application_id)
        if application is None or application.tenant_id != tenant_id:
            raise NotFound(kind=Phrase("kind.application"), key=str(application_id))
        session.add(
            AccountApplication(tenant_id=tenant_id, account_id=account_id, application_id=application_id)
        )
    session.flush()


def set_password(
    session: Session, account: Account, password: str | HashedPassword, rules: PasswordRules = STRONG
) -> None:
    """Change the password, and end every session and API token of the account. Raises BadInput."""
    account.password_hash = _hash_of(password, rules)
    account.password_changed_at = datetime.now(UTC)
    end_sessions(session, account.id)
    end_tokens(session, account.id, account.password_changed_at)


def end_sessions(session: Session, account_id: int) -> None:
    """End every session of the account, in every browser, from its next interaction on."""
    session.flush()
    session.execute(
        update(AccountSession)
        .where(AccountSession.account_id == account_id, AccountSession.revoked_at.is_(None))
        .values(revoked_at=datetime.now(UTC))
    )


def _hash_of(password: str | HashedPassword, rules: PasswordRules) -> str:
    return password.text if isinstance(password, HashedPassword) else hash_password(password, rules)


def _organization(session: Session, tenant_id: int | None, organization_id: int | None) -> int | None:
    if organization_id is None:
        return None
    organization = session.get(Organization, organization_id)
    if organization is None or organization.tenant_id != tenant_id:
        raise NotFound(kind=Phrase("kind.organization"), key=str(organization_id))
    return organization.id
