"""Whose rows are meant where a filter names tenants (SPEC A5): nothing that is asked for can widen what a viewer may
see."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.permissions import AccountType
from lib.access.viewer import EVERY_TENANT, TenantScope, Viewer
from lib.errors import BadInput, NotFound
from lib.logs.record import SYSTEM_TENANT
from lib.store.tables import Tenant
from lib.words import Phrase

EVERY: Final = "every"
"""In place of tenants' keys: all of them, for system administrators."""


def narrowed_to(viewer: Viewer, tenants: tuple[str, ...]) -> tuple[str, ...]:
    """The keys that are asked for besides the tenant looked at; none where that alone is meant.

    Raises BadInput where somebody who is no system administrator names another.
    """
    if tenants and viewer.account_type is not AccountType.SYSTEM and tenants != (viewer.tenant_key,):
        raise BadInput(what=Phrase("refused.every_tenant"))
    return () if tenants == (viewer.tenant_key,) else tenants


def scope_of(viewer: Viewer, narrowed: tuple[str, ...]) -> TenantScope:
    """The scope of the transaction that reads them."""
    return EVERY_TENANT if narrowed else viewer.tenant_id


def tenant_ids(session: Session, viewer: Viewer, narrowed: tuple[str, ...]) -> frozenset[int] | None:
    """The numbers of the tenants; null: of every one. The empty key is what belongs to none. Raises NotFound."""
    if not narrowed:
        return frozenset({viewer.tenant_id})
    if EVERY in narrowed:
        return None
    asked = select(Tenant.id, Tenant.key).where(Tenant.key.in_(narrowed))
    found = {key: number for number, key in session.execute(asked)} | {"": SYSTEM_TENANT}
    for key in narrowed:
        if key not in found:
            raise NotFound(kind="tenant", key=key)
    return frozenset(found[key] for key in narrowed)
