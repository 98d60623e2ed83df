"""Tenants, applications, mini programs and links, found by their keys, and made where an import names new ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lib.errors import BadInput, NotFound
from lib.store.tables import Application, Link, MiniProgram, Organization, Tenant
from lib.words import Phrase

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


def checked_key(key: str) -> str:
    """The key, when it is one: 1 to 100 letters, digits, dots, colons, dashes and underscores. Raises BadInput."""
    if not _KEY.fullmatch(key):
        raise BadInput(what=Phrase("refused.key", key=key[:120]))
    return key


def tenant_of(session: Session, key: str) -> Tenant:
    """The tenant of a key. Raises NotFound."""
    tenant = session.scalar(select(Tenant).where(Tenant.key == key))
    if tenant is None:
        raise NotFound(kind=Phrase("kind.tenant"), key=key)
    return tenant


def every_tenant(session: Session) -> list[Tenant]:
    """All tenants, oldest first."""
    return list(session.scalars(select(Tenant).order_by(Tenant.id)))


def ensured_applications(session: Session, tenant_id: int, keys: Iterable[str], source: str) -> dict[str, int]:
    """The ids of applications by key; those missing are made, named after their key."""
    return _ensured(session, Application, tenant_id, keys, source)


def ensured_mini_programs(session: Session, tenant_id: int, keys: Iterable[str], source: str) -> dict[str, int]:
    """The ids of mini programs by key; those missing are made, named after their key."""
    return _ensured(session, MiniProgram, tenant_id, keys, source)


def _ensured(
    session: Session, table: type[Application | MiniProgram], tenant_id: int, keys: Iterable[str], source: str
) -> dict[str, int]:
    wanted = sorted(set(keys))
    rows = session.execute(select(table.key, table.id).where(table.tenant_id == tenant_id, table.key.in_(wanted)))
    ids = {str(key): int(row_id) for key, row_id in rows}
    for key in wanted:
        if key not in ids:
            made = table(tenant_id=tenant_id, key=key, name=key, source=source, created_at=datetime.now(UTC))
            session.add(made)
            session.flush()
            ids[key] = made.id
    return ids


def organization_ids(session: Session, tenant_id: int) -> dict[str, int]:
    """The id of each organization of a tenant by its key."""
    told = select(Organization.key, Organization.id).where(Organization.tenant_id == tenant_id)
    return {row[0]: row[1] for row in session.execute(told)}


def application_count(session: Session, tenant_id: int) -> int:
    """How many applications a tenant has."""
    return session.scalars(select(func.count()).where(Application.tenant_id == tenant_id)).one()


def made_count(session: Session, tenant_id: int, mini_program_id: int, source: str, since: datetime) -> int:
    """How many applications a source made since an instant for a mini program: the first that each was linked to."""
    first = (
        select(Link.mini_program_id)
        .where(Link.tenant_id == tenant_id, Link.application_id == Application.id)
        .order_by(Link.id)
        .limit(1)
        .correlate(Application)
        .scalar_subquery()
    )
    made = (Application.tenant_id == tenant_id, Application.source == source, Application.created_at >= since)
    return session.scalars(select(func.count(Application.id)).where(*made, first == mini_program_id)).one()


def ensured_links(session: Session, tenant_id: int, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Link (mini program, application) pairs that never were linked; returns those that were and no longer are.

    An ended link stays ended: events that come later belong to the history of "All applications" (SPEC U3).
    """
    known: dict[tuple[int, int], bool] = {}
    for link in session.scalars(select(Link).where(Link.tenant_id == tenant_id)):
        pair = (link.mini_program_id, link.application_id)
        known[pair] = known.get(pair, False) or link.unlinked_at is None
    now = datetime.now(UTC)
    for mini_program_id, application_id in sorted(set(pairs) - known.keys()):
        session.add(
            Link(tenant_id=tenant_id, mini_program_id=mini_program_id, application_id=application_id, linked_at=now)
        )
    return [pair for pair in sorted(set(pairs)) if known.get(pair) is False]
