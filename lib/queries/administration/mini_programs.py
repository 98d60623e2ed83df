"""Mini programs (SPEC A1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.logs import Operator
from lib.queries.administration.acting import (
    INSTANT,
    SEVERAL,
    WORDS,
    checked_name,
    checked_optional_name,
    checked_text,
    inserted,
    note,
    row_of,
)
from lib.queries.administration.links import LinkAdministration
from lib.queries.gate import needs
from lib.store.catalogue import checked_key
from lib.store.tables import Application, Link, MiniProgram


class MiniProgramStatus(StrEnum):
    """How far a mini program is; its words are `administration.status_<value>`."""

    ONLINE = "online"
    TESTING = "testing"
    OFFLINE = "offline"


@dataclass(frozen=True)
class MiniProgramInput:
    """A mini program; its key never changes. `applications` are linked when it is added, and not looked at
    in an edit."""

    key: str
    name: str
    kind: str = ""
    status: MiniProgramStatus = MiniProgramStatus.ONLINE
    description: str = ""
    applications: frozenset[str] = field(default=frozenset())

    def __post_init__(self) -> None:
        checked_key(self.key)
        object.__setattr__(self, "name", checked_name(self.name))
        object.__setattr__(self, "kind", checked_optional_name(self.kind))
        object.__setattr__(self, "status", MiniProgramStatus(self.status))
        object.__setattr__(self, "description", checked_text(self.description))


def add_mini_program(
    session: Session, tenant_id: int, operator: Operator, given: MiniProgramInput, source: str = "console"
) -> None:
    """Add it and link it to its applications. Raises AlreadyThere, and NotFound for an application."""
    applications = [row_of(session, Application, tenant_id, key, "application") for key in sorted(given.applications)]
    now = datetime.now(UTC)
    row = MiniProgram(tenant_id=tenant_id, key=given.key, name=given.name, source=source, created_at=now)
    row.kind, row.status, row.description = given.kind, given.status.value, given.description
    inserted(session, row, "mini_program", given.key)
    session.add_all(
        Link(tenant_id=tenant_id, mini_program_id=row.id, application_id=application.id, linked_at=now)
        for application in applications
    )
    new = {**_mini_program(row), "applications": [application.key for application in applications]}
    note(session, tenant_id, operator, "mini_program", "add", row.name, row.id, None, new)


def edit_mini_program(session: Session, tenant_id: int, operator: Operator, given: MiniProgramInput) -> None:
    """Change name, kind, status and description of the mini program of the key. Raises NotFound."""
    row = row_of(session, MiniProgram, tenant_id, given.key, "mini_program")
    old = _mini_program(row)
    row.name, row.kind = given.name, given.kind
    row.status, row.description = given.status.value, given.description
    if _mini_program(row) != old:
        note(session, tenant_id, operator, "mini_program", "edit", row.name, row.id, old, _mini_program(row))


def _mini_program(row: MiniProgram) -> dict[str, object]:
    return {
        "key": row.key,
        "name": row.name,
        "kind": row.kind,
        "status": row.status,
        "description": row.description,
    }


class MiniProgramAdministration(LinkAdministration):
    """Mini programs; a viewer with listed applications reaches those linked to one of them."""

    @needs(Permission.CATALOGUE_MANAGE)
    def mini_programs(self) -> pl.DataFrame:
        """A row for each mini program in reach: `key`, `name`, `kind`, `status`, `description`,
        `applications` (keys of
        those held that are linked now), `source`, `created_at`."""
        links = self.links()
        now = links.filter(pl.col("unlinked_at").is_null()).group_by("mini_program").agg(pl.col("application").sort())
        applications = dict(now.iter_rows())
        reached = None if self.viewer.applications.every else set(links["mini_program"])
        of_tenant = select(MiniProgram).where(MiniProgram.tenant_id == self.viewer.tenant_id).order_by(MiniProgram.key)
        with self.store.read(self._scope) as session:
            rows = [
                (*_mini_program(row).values(), applications.get(row.key, []), row.source, row.created_at)
                for row in session.scalars(of_tenant)
                if reached is None or row.key in reached
            ]
        words = dict.fromkeys(("key", "name", "kind", "status", "description"), WORDS)
        schema = {**words, "applications": SEVERAL, "source": WORDS, "created_at": INSTANT}
        return pl.DataFrame(rows, schema, orient="row")

    @needs(Permission.CATALOGUE_MANAGE)
    def add_mini_program(self, given: MiniProgramInput) -> None:
        """Add it and link it to its applications. Raises AlreadyThere, and NotFound for an application."""
        if not given.applications:
            self._require_every_application()
        for application in given.applications:
            self._require_application(application)
        self._act(add_mini_program, given)

    @needs(Permission.CATALOGUE_MANAGE)
    def edit_mini_program(self, given: MiniProgramInput) -> None:
        """Change name, kind, status and description of the mini program of the key. Raises NotFound."""
        self._require_mini_program(given.key)
        self._act(edit_mini_program, given)
