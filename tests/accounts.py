"""Accounts for tests, made as the console makes them, with a quick hash."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import select

from lib.access.passwords import QUICK_FOR_TESTS
from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.queries.entrance import Entrance
from lib.store import Store
from lib.store.accounts import add_account
from lib.store.tables import Account, Role, RolePermission, Tenant

PASSWORD = "correct horse"


def add_tenant(store: Store, key: str, name: str = "", **settings: bool) -> int:
    """A tenant with one role for each permission, whose key is the permission's without the colon."""
    with store.write(EVERY_TENANT) as session:
        tenant = Tenant(key=key, name=name or key.title(), created_at=datetime.now(UTC), **settings)
        session.add(tenant)
        session.flush()
        for permission in Permission:
            role = Role(tenant_id=tenant.id, key=role_for(permission), name=permission.value)
            session.add(role)
            session.flush()
            session.add(RolePermission(tenant_id=tenant.id, role_id=role.id, permission=permission.value))
        return tenant.id


def role_for(permission: Permission) -> str:
    """The key of the role that grants this permission."""
    return permission.value.replace(":", "-")


def add_viewer(
    store: Store,
    name: str,
    tenant_id: int | None,
    type: AccountType = AccountType.ORDINARY,
    permissions: Iterable[Permission] = (),
    language: str | None = None,
    zone: str = "UTC",
) -> int:
    """An account with the password PASSWORD and the roles for these permissions."""
    with store.write(EVERY_TENANT) as session:
        return add_account(
            session,
            name=name,
            password=PASSWORD,
            type=type,
            tenant_id=tenant_id,
            roles=[role_for(permission) for permission in permissions],
            application_scope="every",
            rules=QUICK_FOR_TESTS,
            language=language,
            zone=zone,
        ).id


def open_session(store: Store, name: str) -> int:
    """Sign the account in without a browser; returns the session's number, which is a badge."""
    entrance = Entrance(store)
    return entrance.succeed(entrance.attempt(name)).session_id


def account(store: Store, name: str) -> Account:
    """The account's row, as it is now."""
    with store.read(EVERY_TENANT) as session:
        found = session.scalars(select(Account).where(Account.name == name)).one()
        session.expunge(found)
        return found
