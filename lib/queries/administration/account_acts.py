"""Accounts, and what each is and holds (SPEC A3, A8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lib.access.passwords import HashedPassword, hashed, new_password
from lib.access.permissions import AccountType, Permission
from lib.errors import AlreadyThere, NotFound, NotPermitted
from lib.logs import Operator
from lib.queries.administration.acting import checked_optional_name, kind, note, refused, row_of
from lib.store import accounts
from lib.store.tables import (
    Account,
    AccountApplication,
    Application,
    Grant,
    Organization,
    Role,
)


@dataclass(frozen=True)
class AccountInput:
    """An account: who, of which type, in which organization, with which roles and applications (keys, of
    its tenant).

    Every application must be said: an ordinary account with neither `every_application` nor `applications`
    sees no rows.
    A system administrator has none of these, a platform administrator needs no applications.
    """

    name: str
    type: AccountType
    display_name: str = ""
    organization: str | None = None
    roles: frozenset[str] = frozenset()
    every_application: bool = False
    applications: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", accounts.checked_name(self.name))
        object.__setattr__(self, "type", AccountType(self.type))
        object.__setattr__(self, "display_name", checked_optional_name(self.display_name))
        if self.type is AccountType.SYSTEM and (self.organization or self.roles or self.applications):
            raise refused("system_holds_all")
        if self.type is AccountType.PLATFORM and self.applications:
            raise refused("platform_holds_all")
        if self.every_application and self.applications:
            raise refused("every_or_listed")

    @property
    def application_scope(self) -> str:
        """The value that the row keeps."""
        return "every" if self.every_application or self.type is not AccountType.ORDINARY else "listed"


@dataclass(frozen=True)
class Reach:
    """Whose accounts can be administered: one tenant's (null: none's), and system administrators' or not."""

    tenant_id: int | None
    system: bool

    def holds(self, row: Account) -> bool:
        """Whether the account is in reach."""
        return self.system if row.tenant_id is None else row.tenant_id == self.tenant_id

    def tenant_of(self, account_type: AccountType) -> int | None:
        """The tenant that an account of the type is put in. Raises NotPermitted, and BadInput where no
        tenant is there."""
        if account_type is AccountType.SYSTEM:
            if not self.system:
                raise NotPermitted(permission=Permission.TENANT_MANAGE.value)
            return None
        if not self.tenant_id:
            raise refused("tenant_needed")
        return self.tenant_id


def first_administrator(session: Session, operator: Operator, name: str) -> str | None:
    """Make a system administrator with a random password, and return that, where there is no account at all."""
    if session.scalar(select(Account.id).limit(1)) is not None:
        return None
    password = new_password()
    add_account(session, Reach(None, system=True), operator, AccountInput(name, AccountType.SYSTEM), hashed(password))
    return password


def add_account(
    session: Session, reach: Reach, operator: Operator, given: AccountInput, password: HashedPassword
) -> None:
    """Raises BadInput, AlreadyThere, and NotFound for what it should belong to or hold."""
    tenant_id = reach.tenant_of(given.type)
    belongs = _belongs(session, tenant_id, given)
    if accounts.account_named(session, given.name) is not None:
        raise AlreadyThere(kind=kind("account"), key=given.name)
    try:
        row = accounts.add_account(
            session,
            name=given.name,
            password=password,
            type=given.type,
            tenant_id=tenant_id,
            roles=given.roles,
            application_scope=given.application_scope,
            applications=belongs.application_ids,
            organization_id=belongs.organization_id,
            display_name=given.display_name,
        )
    except IntegrityError as error:  # another tenant's, which row-level security hides
        raise AlreadyThere(kind=kind("account"), key=given.name) from error
    note(session, tenant_id, operator, "account", "add", row.name, row.id, None, described(session, row))


def edit_account(session: Session, reach: Reach, operator: Operator, given: AccountInput) -> None:
    """Make the account of the name what is given. Raises BadInput for a demotion of oneself or the last
    system administrator."""
    row = account_of(session, reach, given.name)
    old, old_tenant_id, new_tenant_id = described(session, row), row.tenant_id, reach.tenant_of(given.type)
    belongs = _belongs(session, new_tenant_id, given)
    if given.type.value != row.type:
        if row.id == operator.account_id:
            raise refused("own_type")
        require_another_administrator(session, row)
        accounts.end_sessions(session, row.id)
    for table in (Grant, AccountApplication):
        session.execute(delete(table).where(table.account_id == row.id))
    row.type, row.display_name, row.tenant_id = given.type.value, given.display_name, new_tenant_id
    row.organization_id, row.application_scope = belongs.organization_id, given.application_scope
    if new_tenant_id is not None:
        accounts.grant_roles(session, new_tenant_id, row.id, given.roles)
        accounts.hold_applications(session, new_tenant_id, row.id, belongs.application_ids)
    new = described(session, row)
    if new != old:
        noted_in = new_tenant_id if old_tenant_id is None else old_tenant_id
        note(session, noted_in, operator, "account", "edit", row.name, row.id, old, new)


def account_of(session: Session, reach: Reach, name: str) -> Account:
    """The account of a name, when it is in reach. Raises NotFound."""
    row = accounts.account_named(session, name)
    if row is None or not reach.holds(row):
        raise NotFound(kind=kind("account"), key=name)
    return row


def require_another_administrator(session: Session, row: Account) -> None:
    """Raise BadInput where the account is the only system administrator that can sign in."""
    if row.type != AccountType.SYSTEM.value or row.is_disabled:
        return
    administrators = select(Account).where(Account.type == AccountType.SYSTEM.value, Account.is_disabled.is_(False))
    # Locked, so that two administrators cannot disable each other at once.
    if [other.id for other in session.scalars(administrators.order_by(Account.id).with_for_update())] == [row.id]:
        raise refused("last_administrator")


def described(session: Session, row: Account) -> dict[str, Any]:
    """What the log keeps of an account; no password and no hash."""
    session.flush()
    organization = session.get(Organization, row.organization_id) if row.organization_id is not None else None
    roles = select(Role.key).join(Grant, Grant.role_id == Role.id).where(Grant.account_id == row.id)
    held = select(Application.key).join(AccountApplication, AccountApplication.application_id == Application.id)
    return {
        "name": row.name,
        "display_name": row.display_name,
        "type": row.type,
        "organization": organization and organization.key,
        "roles": sorted(session.scalars(roles)),
        "application_scope": row.application_scope,
        "applications": sorted(session.scalars(held.where(AccountApplication.account_id == row.id))),
    }


@dataclass(frozen=True)
class _Belongs:
    organization_id: int | None
    application_ids: tuple[int, ...]


def _belongs(session: Session, tenant_id: int | None, given: AccountInput) -> _Belongs:
    """The ids of what is given by key; all of it of the tenant. Raises NotFound."""
    if tenant_id is None:
        return _Belongs(None, ())
    for role in sorted(given.roles):
        row_of(session, Role, tenant_id, role, "role")
    key = given.organization
    place = row_of(session, Organization, tenant_id, key, "organization") if key else None
    held = [row_of(session, Application, tenant_id, key, "application") for key in sorted(given.applications)]
    return _Belongs(place.id if place else None, tuple(application.id for application in held))
