"""Roles: named sets of permissions (SPEC A3, A6)."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from lib.access.permissions import PERMISSIONS, Permission, granted
from lib.logs import Operator
from lib.queries.administration.acting import (
    COUNT,
    SEVERAL,
    WORDS,
    Administering,
    checked_name,
    inserted,
    note,
    refused,
    row_of,
)
from lib.queries.gate import needs
from lib.store.catalogue import checked_key
from lib.store.tables import Grant, Role, RolePermission, Tenant


@dataclass(frozen=True)
class RoleInput:
    """A role; its key never changes."""

    key: str
    name: str
    permissions: frozenset[Permission]

    def __post_init__(self) -> None:
        checked_key(self.key)
        object.__setattr__(self, "name", checked_name(self.name))
        unknown = {str(name) for name in self.permissions} - {permission.value for permission in Permission}
        if unknown:
            raise refused("permission_unknown", permissions=", ".join(sorted(unknown))[:200])
        if not self.permissions:
            raise refused("role_without_permission")
        object.__setattr__(self, "permissions", frozenset(Permission(name) for name in self.permissions))


def add_role(session: Session, tenant_id: int, operator: Operator, given: RoleInput) -> None:
    """Raises AlreadyThere, and BadInput for a permission that no role here may give."""
    _require_grantable(session, tenant_id, given.permissions)
    row = Role(tenant_id=tenant_id, key=given.key, name=given.name)
    inserted(session, row, "role", given.key)
    _permit(session, row, given.permissions)
    note(session, tenant_id, operator, "role", "add", row.name, row.id, None, _role(session, row))


def edit_role(session: Session, tenant_id: int, operator: Operator, given: RoleInput) -> None:
    """Rename the role of the key and give it these permissions. Raises NotFound, and BadInput as in
    adding."""
    _require_grantable(session, tenant_id, given.permissions)
    row = row_of(session, Role, tenant_id, given.key, "role")
    old = _role(session, row)
    row.name = given.name
    session.execute(delete(RolePermission).where(RolePermission.role_id == row.id))
    _permit(session, row, given.permissions)
    new = _role(session, row)
    if new != old:
        note(session, tenant_id, operator, "role", "edit", row.name, row.id, old, new)


def delete_role(session: Session, tenant_id: int, operator: Operator, key: str) -> None:
    """Raises BadInput while an account has it."""
    row = row_of(session, Role, tenant_id, key, "role")
    if session.scalar(select(func.count()).select_from(Grant).where(Grant.role_id == row.id)):
        raise refused("role_in_use", key=key)
    old = _role(session, row)
    session.execute(delete(RolePermission).where(RolePermission.role_id == row.id))
    session.delete(row)
    session.flush()
    note(session, tenant_id, operator, "role", "delete", row.name, row.id, old, None)


def roles_of(session: Session, tenant_id: int) -> list[tuple[Role, list[str]]]:
    """The tenant's roles by key, each with the names of its permissions."""
    rows = session.scalars(select(Role).where(Role.tenant_id == tenant_id).order_by(Role.key)).all()
    return [(row, _permissions(session, row)) for row in rows]


def grantable(session: Session, tenant_id: int) -> frozenset[Permission]:
    """The permissions that a role of the tenant can give now."""
    delegates = bool(session.scalar(select(Tenant.delegates_operation_log).where(Tenant.id == tenant_id)))
    return granted(frozenset(record.permission.value for record in PERMISSIONS), delegates_operation_log=delegates)


def _require_grantable(session: Session, tenant_id: int, permissions: frozenset[Permission]) -> None:
    beyond = permissions - grantable(session, tenant_id)
    if beyond:
        raise refused("permission_not_grantable", permissions=", ".join(sorted(beyond)))


def _permit(session: Session, row: Role, permissions: frozenset[Permission]) -> None:
    session.add_all(
        RolePermission(tenant_id=row.tenant_id, role_id=row.id, permission=permission.value)
        for permission in sorted(permissions)
    )
    session.flush()


def _role(session: Session, row: Role) -> dict[str, object]:
    return {"key": row.key, "name": row.name, "permissions": _permissions(session, row)}


def _permissions(session: Session, row: Role) -> list[str]:
    return sorted(session.scalars(select(RolePermission.permission).where(RolePermission.role_id == row.id)))


class RoleAdministration(Administering):
    """Roles and what they give."""

    @needs(Permission.ROLE_MANAGE)
    def roles(self) -> pl.DataFrame:
        """A row for each role: `key`, `name`, `permissions` (list of `resource:action`), `accounts` (how
        many have it)."""
        tenant_id = self.viewer.tenant_id
        counted = select(Grant.role_id, func.count()).where(Grant.tenant_id == tenant_id).group_by(Grant.role_id)
        with self.store.read(self._scope) as session:
            accounts = {row[0]: row[1] for row in session.execute(counted)}
            rows = [
                (row.key, row.name, permissions, accounts.get(row.id, 0))
                for row, permissions in roles_of(session, tenant_id)
            ]
        schema = {"key": WORDS, "name": WORDS, "permissions": SEVERAL, "accounts": COUNT}
        return pl.DataFrame(rows, schema, orient="row")

    @needs(Permission.ROLE_MANAGE)
    def grantable_permissions(self) -> list[Permission]:
        """The permissions that a role of the tenant can give now, in the order of their records."""
        with self.store.read(self._scope) as session:
            now = grantable(session, self.viewer.tenant_id)
        return [record.permission for record in PERMISSIONS if record.permission in now]

    @needs(Permission.ROLE_MANAGE)
    def add_role(self, given: RoleInput) -> None:
        """Raises AlreadyThere, and BadInput for a permission that no role here may give."""
        self._act(add_role, given)

    @needs(Permission.ROLE_MANAGE)
    def edit_role(self, given: RoleInput) -> None:
        """Rename the role of the key and give it these permissions. Raises NotFound, and BadInput as in
        adding."""
        self._act(edit_role, given)

    @needs(Permission.ROLE_MANAGE)
    def delete_role(self, key: str) -> None:
        """Raises BadInput while an account has it."""
        self._act(delete_role, key)
