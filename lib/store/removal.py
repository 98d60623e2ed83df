"""Removing a tenant with everything that is its own."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, Delete, delete, select
from sqlalchemy.orm import Session

from lib.store.tables import Account, AccountSession, Base, Operation, Tenant


def remove_tenant(session: Session, tenant_id: int) -> dict[str, int]:
    """Remove a tenant and its rows in every table but those of the operation log, which is only ever added to.

    Returns how many rows went, by table.
    """
    accounts = select(Account.id).where(Account.tenant_id == tenant_id)
    of_accounts = delete(AccountSession).where(AccountSession.account_id.in_(accounts))
    removed = {AccountSession.__tablename__: _removed(session, of_accounts)}
    for table in reversed(Base.metadata.sorted_tables):
        if "tenant_id" in table.columns and not table.name.startswith(Operation.__tablename__):
            removed[table.name] = _removed(session, delete(table).where(table.c.tenant_id == tenant_id))
    removed[Tenant.__tablename__] = _removed(session, delete(Tenant).where(Tenant.id == tenant_id))
    return {name: count for name, count in sorted(removed.items()) if count}


def _removed(session: Session, statement: Delete) -> int:
    return int(cast(CursorResult[Any], session.execute(statement)).rowcount)
