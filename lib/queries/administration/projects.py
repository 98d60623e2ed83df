"""Projects, and the applications in them (SPEC A1)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.logs import Operator
from lib.queries.administration.acting import (
    COUNT,
    INSTANT,
    WORDS,
    Administering,
    checked_name,
    inserted,
    note,
    row_of,
)
from lib.queries.gate import needs
from lib.store.catalogue import checked_key
from lib.store.tables import Application, Project


@dataclass(frozen=True)
class ProjectInput:
    """A project; its key never changes."""

    key: str
    name: str

    def __post_init__(self) -> None:
        checked_key(self.key)
        object.__setattr__(self, "name", checked_name(self.name))


@dataclass(frozen=True)
class ApplicationInput:
    """An application, in the project of a key or in none; its key never changes."""

    key: str
    name: str
    project: str | None = None

    def __post_init__(self) -> None:
        checked_key(self.key)
        object.__setattr__(self, "name", checked_name(self.name))


def add_project(session: Session, tenant_id: int, operator: Operator, given: ProjectInput) -> None:
    """Raises AlreadyThere."""
    row = Project(tenant_id=tenant_id, key=given.key, name=given.name, created_at=datetime.now(UTC))
    inserted(session, row, "project", given.key)
    note(session, tenant_id, operator, "project", "add", row.name, row.id, None, _project(row))


def edit_project(session: Session, tenant_id: int, operator: Operator, given: ProjectInput) -> None:
    """Rename the project of the key. Raises NotFound."""
    row = row_of(session, Project, tenant_id, given.key, "project")
    old = _project(row)
    row.name = given.name
    if _project(row) != old:
        note(session, tenant_id, operator, "project", "edit", row.name, row.id, old, _project(row))


def add_application(
    session: Session, tenant_id: int, operator: Operator, given: ApplicationInput, source: str = "console"
) -> None:
    """Raises AlreadyThere, and NotFound for the project."""
    row = Application(
        tenant_id=tenant_id,
        project_id=_project_id(session, tenant_id, given.project),
        key=given.key,
        name=given.name,
        source=source,
        created_at=datetime.now(UTC),
    )
    inserted(session, row, "application", given.key)
    note(session, tenant_id, operator, "application", "add", row.name, row.id, None, _application(session, row))


def edit_application(session: Session, tenant_id: int, operator: Operator, given: ApplicationInput) -> None:
    """Rename the application of the key, and move it to the project given. Raises NotFound."""
    row = row_of(session, Application, tenant_id, given.key, "application")
    old = _application(session, row)
    row.name = given.name
    row.project_id = _project_id(session, tenant_id, given.project)
    new = _application(session, row)
    if new != old:
        note(session, tenant_id, operator, "application", "edit", row.name, row.id, old, new)


def _project(row: Project) -> dict[str, object]:
    return {"key": row.key, "name": row.name}


def _application(session: Session, row: Application) -> dict[str, object]:
    project = session.get(Project, row.project_id) if row.project_id is not None else None
    return {"key": row.key, "name": row.name, "project": project.key if project else None}


def _project_id(session: Session, tenant_id: int, key: str | None) -> int | None:
    return None if key is None else row_of(session, Project, tenant_id, key, "project").id


class ProjectAdministration(Administering):
    """Projects and applications. Making and changing them is for viewers who hold every application of the
    tenant."""

    @needs(Permission.CATALOGUE_MANAGE)
    def projects(self) -> pl.DataFrame:
        """A row for each project that an application held is in: `key`, `name`, `applications` (how many
        of those)."""
        every = self.viewer.applications.every
        with self.store.read(self._scope) as session:
            held = Counter(application.project_id for application in session.scalars(self._applications()))
            of_tenant = select(Project).where(Project.tenant_id == self.viewer.tenant_id).order_by(Project.key)
            rows = [(row.key, row.name, held[row.id]) for row in session.scalars(of_tenant) if every or held[row.id]]
        return pl.DataFrame(rows, {"key": WORDS, "name": WORDS, "applications": COUNT}, orient="row")

    @needs(Permission.CATALOGUE_MANAGE)
    def applications(self) -> pl.DataFrame:
        """A row for each application held: `key`, `name`, `project` (its key, null for none), `source`,
        `created_at`."""
        with self.store.read(self._scope) as session:
            of_tenant = select(Project.id, Project.key).where(Project.tenant_id == self.viewer.tenant_id)
            projects: dict[int | None, str] = {row.id: row.key for row in session.execute(of_tenant)}
            rows = [
                (row.key, row.name, projects.get(row.project_id), row.source, row.created_at)
                for row in session.scalars(self._applications())
            ]
        schema = {"key": WORDS, "name": WORDS, "project": WORDS, "source": WORDS, "created_at": INSTANT}
        return pl.DataFrame(rows, schema, orient="row")

    @needs(Permission.CATALOGUE_MANAGE)
    def add_project(self, given: ProjectInput) -> None:
        """Raises AlreadyThere."""
        self._require_every_application()
        self._act(add_project, given)

    @needs(Permission.CATALOGUE_MANAGE)
    def edit_project(self, given: ProjectInput) -> None:
        """Rename the project of the key. Raises NotFound."""
        self._require_every_application()
        self._act(edit_project, given)

    @needs(Permission.CATALOGUE_MANAGE)
    def add_application(self, given: ApplicationInput) -> None:
        """Raises AlreadyThere, and NotFound for the project."""
        self._require_every_application()
        self._act(add_application, given)

    @needs(Permission.CATALOGUE_MANAGE)
    def edit_application(self, given: ApplicationInput) -> None:
        """Rename the application of the key, and move it to the project given. Raises NotFound."""
        self._require_every_application()
        self._act(edit_application, given)
