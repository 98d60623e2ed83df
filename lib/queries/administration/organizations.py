"""The tenant's tree of organizations (SPEC A1)."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
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
from lib.store.tables import Account, Organization


@dataclass(frozen=True)
class OrganizationInput:
    """An organization under the parent of a key, or a root; its key never changes."""

    key: str
    name: str
    parent: str | None = None

    def __post_init__(self) -> None:
        checked_key(self.key)
        object.__setattr__(self, "name", checked_name(self.name))


def add_organization(session: Session, tenant_id: int, operator: Operator, given: OrganizationInput) -> None:
    """Raises AlreadyThere, and NotFound for the parent."""
    tree = _tree(session, tenant_id)
    parent = row_of(session, Organization, tenant_id, given.parent, "organization") if given.parent else None
    row = Organization(tenant_id=tenant_id, key=given.key, name=given.name, parent_id=parent.id if parent else None)
    inserted(session, row, "organization", given.key)
    note(session, tenant_id, operator, "organization", "add", row.name, row.id, None, _organization(row, tree))


def edit_organization(session: Session, tenant_id: int, operator: Operator, given: OrganizationInput) -> None:
    """Rename the organization of the key, and move it and all below it. Raises BadInput for a place below
    itself."""
    tree = _tree(session, tenant_id)
    row = row_of(session, Organization, tenant_id, given.key, "organization")
    old = _organization(row, tree)
    parent = row_of(session, Organization, tenant_id, given.parent, "organization") if given.parent else None
    if parent is not None and row.id in [above.id for above in _line(parent, tree)]:
        raise refused("organization_cycle", key=given.key, parent=parent.key)
    row.name, row.parent_id = given.name, parent.id if parent else None
    new = _organization(row, tree)
    if new != old:
        note(session, tenant_id, operator, "organization", "edit", row.name, row.id, old, new)


def delete_organization(session: Session, tenant_id: int, operator: Operator, key: str) -> None:
    """Raises BadInput while it has accounts or organizations under it."""
    tree = _tree(session, tenant_id)
    row = row_of(session, Organization, tenant_id, key, "organization")
    accounts = select(func.count()).select_from(Account).where(Account.organization_id == row.id)
    if any(other.parent_id == row.id for other in tree.values()) or session.scalar(accounts):
        raise refused("organization_in_use", key=key)
    old = _organization(row, tree)
    session.delete(row)
    session.flush()
    note(session, tenant_id, operator, "organization", "delete", row.name, row.id, old, None)


def _tree(session: Session, tenant_id: int) -> dict[int, Organization]:
    """The tenant's organizations by id, locked: two moves at once could make a cycle that neither sees."""
    of_tenant = select(Organization).where(Organization.tenant_id == tenant_id).order_by(Organization.id)
    return {row.id: row for row in session.scalars(of_tenant.with_for_update())}


def _line(row: Organization, tree: dict[int, Organization]) -> list[Organization]:
    """The organization and those above it, up to its root."""
    line = [row]
    while (above := line[-1].parent_id) is not None:
        line.append(tree[above])
    return line


def _organization(row: Organization, tree: dict[int, Organization]) -> dict[str, object]:
    return {"key": row.key, "name": row.name, "parent": tree[row.parent_id].key if row.parent_id else None}


class OrganizationAdministration(Administering):
    """The tree of organizations, for those who manage the accounts in it."""

    @needs(Permission.ACCOUNT_MANAGE)
    def organizations(self) -> pl.DataFrame:
        """A row for each, each below its parent: `key`, `name`, `parent` (key, null for a root), `path`
        (names from the root
        down), `accounts` (how many are directly in it)."""
        tenant_id = self.viewer.tenant_id
        counted = select(Account.organization_id, func.count()).where(Account.tenant_id == tenant_id)
        with self.store.read(self._scope) as session:
            of_tenant = select(Organization).where(Organization.tenant_id == tenant_id)
            tree = {row.id: row for row in session.scalars(of_tenant)}
            accounts = {row[0]: row[1] for row in session.execute(counted.group_by(Account.organization_id))}
        rows = []
        for row in tree.values():
            path = [above.name for above in reversed(_line(row, tree))]
            rows.append((*_organization(row, tree).values(), path, accounts.get(row.id, 0)))
        schema = {"key": WORDS, "name": WORDS, "parent": WORDS, "path": SEVERAL, "accounts": COUNT}
        return pl.DataFrame(sorted(rows, key=lambda row: (row[3], row[0])), schema, orient="row")

    @needs(Permission.ACCOUNT_MANAGE)
    def add_organization(self, given: OrganizationInput) -> None:
        """Raises AlreadyThere, and NotFound for the parent."""
        self._act(add_organization, given)

    @needs(Permission.ACCOUNT_MANAGE)
    def edit_organization(self, given: OrganizationInput) -> None:
        """Rename the organization of the key, and move it and all below it. Raises BadInput for a place
        below itself."""
        self._act(edit_organization, given)

    @needs(Permission.ACCOUNT_MANAGE)
    def delete_organization(self, key: str) -> None:
        """Raises BadInput while it has accounts or organizations under it."""
        self._act(delete_organization, key)
