"""The rows of the demo's company, as if it had grown over the ninety days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.orm import Session

from lib.jobs.demo_company import (
    HOSTS,
    ORGANIZATIONS,
    PROGRAMS,
    PROJECTS,
    TENANT_KEY,
    TENANT_MEMO,
    TENANT_NAME,
    UNLINKED,
    Program,
)
from lib.jobs.demo_usage import DAYS, last_closed
from lib.logs.record import COMMAND
from lib.queries.administration.tenants import TenantInput, add_tenant
from lib.store.tables import Application, Base, Link, MiniProgram, Organization, Project, Tenant

Row = TypeVar("Row", bound=Base)


def make_company(session: Session, now: datetime) -> Tenant:
    """Add the tenant and all that it owns but its usage; `created_at` fixes where the usage ends."""
    tenant = add_tenant(session, COMMAND, TenantInput(TENANT_KEY, TENANT_NAME, TENANT_MEMO))
    tenant.is_demo, tenant.has_data_permission, tenant.created_at = True, True, now
    since = last_closed(now) - timedelta(days=DAYS)
    applications = _applications(session, tenant.id, since)
    for program in PROGRAMS:
        _program(session, tenant.id, program, applications, since)
    _organizations(session, tenant.id)
    return tenant


def _applications(session: Session, tenant_id: int, since: datetime) -> list[int]:
    projects = {
        key: _kept(session, Project(tenant_id=tenant_id, key=key, name=name, created_at=since)).id
        for key, name in PROJECTS
    }
    return [
        _kept(
            session,
            Application(
                tenant_id=tenant_id,
                project_id=projects[host.project],
                key=host.key,
                name=host.name,
                source="demo",
                created_at=since,
            ),
        ).id
        for host in HOSTS
    ]


def _program(
    session: Session, tenant_id: int, program: Program, applications: list[int], since: datetime
) -> None:
    launched_at = since + timedelta(days=program.launched_day)
    row = MiniProgram(
        tenant_id=tenant_id,
        key=program.key,
        name=program.name,
        kind=program.kind,
        status=program.status,
        description=program.description,
        source="demo",
        created_at=launched_at,
    )
    program_id = _kept(session, row).id
    for host, application_id, opens_per_day in zip(HOSTS, applications, program.opens_per_day, strict=True):
        if opens_per_day:
            ended = (program.key, host.key) == UNLINKED[:2]
            link = Link(
                tenant_id=tenant_id,
                mini_program_id=program_id,
                application_id=application_id,
                linked_at=launched_at,
                unlinked_at=since + timedelta(days=DAYS - UNLINKED[2]) if ended else None,
            )
            session.add(link)


def _organizations(session: Session, tenant_id: int) -> None:
    ids: dict[str | None, int | None] = {None: None}
    for key, parent, name in ORGANIZATIONS:
        row = Organization(tenant_id=tenant_id, key=key, name=name, parent_id=ids[parent])
        ids[key] = _kept(session, row).id


def _kept(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    return row
