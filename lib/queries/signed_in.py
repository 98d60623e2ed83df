"""The viewer that an account is now: its permissions by type and roles, its tenant, organization and applications."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.permissions import AccountType, granted, of_type
from lib.access.viewer import EVERY_APPLICATION, ApplicationScope, Viewer
from lib.store.tables import Account, AccountApplication, Grant, Organization, Role, RolePermission, Tenant
from lib.words import Language


def viewer_from(
    session: Session, account: Account, asked_tenant: str | None, *, language: Language, address: str
) -> Viewer:
    """Read the viewer of an account. `asked_tenant` and the browser's `language` are wishes; the database decides."""
    account_type = AccountType(account.type)
    tenant = _tenant(session, account, asked_tenant)
    roles = _roles(session, account)
    names = frozenset(permission for _, permission in roles if permission is not None)
    delegates = tenant is not None and tenant.delegates_operation_log
    return Viewer(
        account_id=account.id,
        account_name=account.name,
        account_type=account_type,
        tenant_id=0 if tenant is None else tenant.id,
        tenant_key="" if tenant is None else tenant.key,
        tenant_name="" if tenant is None else tenant.name,
        permissions=of_type(account_type) | granted(names, delegates_operation_log=delegates),
        applications=_applications(session, account, account_type),
        language=language if account.language is None else Language(account.language),
        zone=account.zone,
        address=address,
        roles=tuple(dict.fromkeys(name for name, _ in roles)),
        organization=_organization(session, account),
        organization_id=account.organization_id,
    )


def _tenant(session: Session, account: Account, asked: str | None) -> Tenant | None:
    if account.tenant_id is not None:
        return session.get(Tenant, account.tenant_id)
    if account.type != AccountType.SYSTEM.value:
        return None
    chosen = session.scalar(select(Tenant).where(Tenant.key == asked)) if asked else None
    return chosen or session.scalar(select(Tenant).order_by(Tenant.id).limit(1))


def _roles(session: Session, account: Account) -> list[tuple[str, str | None]]:
    """Pairs of a role's name and one of its permissions (null for a role without any); only roles of the own tenant."""
    if account.tenant_id is None:
        return []
    rows = session.execute(
        select(Role.name, RolePermission.permission)
        .join(Grant, Grant.role_id == Role.id)
        .outerjoin(RolePermission, RolePermission.role_id == Role.id)
        .where(
            Grant.account_id == account.id,
            Grant.tenant_id == account.tenant_id,
            Role.tenant_id == account.tenant_id,
        )
        .order_by(Role.name)
    )
    return [(name, permission) for name, permission in rows]


def _applications(session: Session, account: Account, account_type: AccountType) -> ApplicationScope:
    if account_type is not AccountType.ORDINARY or account.application_scope == "every":
        return EVERY_APPLICATION
    held = select(AccountApplication.application_id).where(
        AccountApplication.account_id == account.id, AccountApplication.tenant_id == account.tenant_id
    )
    return ApplicationScope(every=False, ids=frozenset(session.scalars(held)))


def _organization(session: Session, account: Account) -> str:
    organization = session.get(Organization, account.organization_id) if account.organization_id else None
    return "" if organization is None else organization.name
