"""Tenants, for system administrators (SPEC A1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.permissions import STARTING_ROLES, Permission
from lib.access.viewer import EVERY_TENANT
from lib.errors import NotFound
from lib.logs import Operator
from lib.queries.administration.acting import (
    INSTANT,
    WORDS,
    YES_OR_NO,
    Administering,
    checked_name,
    checked_text,
    inserted,
    kind,
    note,
)
from lib.queries.gate import needs
from lib.store.catalogue import checked_key
from lib.store.tables import Role, RolePermission, Tenant
from lib.words import Language, say


@dataclass(frozen=True)
class TenantInput:
    """A tenant and its settings; its key never changes, `name` is the company's."""

    key: str
    name: str
    memo: str = ""
    numbers_visitors_per_application: bool = False
    delegates_operation_log: bool = False

    def __post_init__(self) -> None:
        checked_key(self.key)
        object.__setattr__(self, "name", checked_name(self.name))
        object.__setattr__(self, "memo", checked_text(self.memo))


def add_tenant(session: Session, operator: Operator, given: TenantInput) -> Tenant:
    """Add the tenant with the roles that each begins with. Raises AlreadyThere."""
    row = Tenant(key=given.key, created_at=datetime.now(UTC))
    _set(row, given)
    inserted(session, row, "tenant", given.key)
    for starting in STARTING_ROLES:
        role = Role(tenant_id=row.id, key=starting.key, name=say(f"role.{starting.key}", Language.EN))
        inserted(session, role, "role", starting.key)
        session.add_all(
            RolePermission(tenant_id=row.id, role_id=role.id, permission=permission.value)
            for permission in sorted(starting.permissions)
        )
    new = {**_tenant(row), "roles": [starting.key for starting in STARTING_ROLES]}
    note(session, None, operator, "tenant", "add", row.name, row.id, None, new)
    return row


def edit_tenant(session: Session, operator: Operator, given: TenantInput) -> None:
    """Change the name, memo and settings of the tenant of the key; its own log has it. Raises NotFound."""
    row = session.scalar(select(Tenant).where(Tenant.key == given.key))
    if row is None:
        raise NotFound(kind=kind("tenant"), key=given.key)
    old = _tenant(row)
    _set(row, given)
    if _tenant(row) != old:
        note(session, row.id, operator, "tenant", "edit", row.name, row.id, old, _tenant(row))


def _set(row: Tenant, given: TenantInput) -> None:
    row.name, row.memo = given.name, given.memo
    row.numbers_visitors_per_application = given.numbers_visitors_per_application
    row.delegates_operation_log = given.delegates_operation_log


def _tenant(row: Tenant) -> dict[str, object]:
    return {
        "key": row.key,
        "name": row.name,
        "memo": row.memo,
        "numbers_visitors_per_application": row.numbers_visitors_per_application,
        "delegates_operation_log": row.delegates_operation_log,
    }


class TenantAdministration(Administering):
    """All tenants: the one room of administration that is not inside a tenant."""

    @needs(Permission.TENANT_MANAGE)
    def tenants(self) -> pl.DataFrame:
        """A row for each: `key`, `name`, `memo`, `numbers_visitors_per_application`,
        `delegates_operation_log`, `is_demo`,
        `created_at`."""
        with self.store.read(EVERY_TENANT) as session:
            rows = [
                (*_tenant(row).values(), row.is_demo, row.created_at)
                for row in session.scalars(select(Tenant).order_by(Tenant.key))
            ]
        words = dict.fromkeys(("key", "name", "memo"), WORDS)
        settings = dict.fromkeys(("numbers_visitors_per_application", "delegates_operation_log", "is_demo"), YES_OR_NO)
        return pl.DataFrame(rows, {**words, **settings, "created_at": INSTANT}, orient="row")

    @needs(Permission.TENANT_MANAGE)
    def add_tenant(self, given: TenantInput) -> None:
        """Add the tenant with the roles that each begins with. Raises AlreadyThere."""
        with self.store.write(EVERY_TENANT) as session:
            add_tenant(session, Operator.of(self.viewer), given)

    @needs(Permission.TENANT_MANAGE)
    def edit_tenant(self, given: TenantInput) -> None:
        """Change the name, memo and settings of the tenant of the key; its own log has it. Raises
        NotFound."""
        with self.store.write(EVERY_TENANT) as session:
            edit_tenant(session, Operator.of(self.viewer), given)
