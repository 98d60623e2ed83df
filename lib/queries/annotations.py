"""Notes on dates, shown on trends (SPEC U6): read by who reads usage, kept by those permitted, recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.errors import BadInput, NotFound
from lib.logs import Act, Operator, record
from lib.queries.administration.acting import checked_name, checked_text
from lib.queries.gate import ViewerQueries, needs
from lib.queries.remembering import remembered
from lib.store.tables import Annotation, Application, Project
from lib.usage.buckets import EARLIEST
from lib.words import Phrase

_LISTED = {
    "id": pl.Int64(),
    "noted_on": pl.Date(),
    "name": pl.String(),
    "description": pl.String(),
    "project": pl.String(),
    "project_name": pl.String(),
}


_PROJECT = sa.and_(Annotation.project_id == Project.id, Annotation.tenant_id == Project.tenant_id)
_NOTED = (
    select(Annotation.id, Annotation.noted_on, Annotation.name, Annotation.description, Project.key, Project.name)
    .outerjoin(Project, _PROJECT)
    .where(
        Annotation.tenant_id == sa.bindparam("tenant", type_=sa.Integer),
        Annotation.noted_on.between(sa.bindparam("first", type_=sa.Date), sa.bindparam("last", type_=sa.Date)),
    )
    # A note of a project is of a project of its tenant.
    .where(sa.or_(Annotation.project_id.is_(None), Project.id.is_not(None)))
    .order_by(Annotation.noted_on, Annotation.id)
)


@dataclass(frozen=True)
class NoteInput:
    """A note as it is typed. `project` is a key; None: the whole tenant."""

    noted_on: date
    name: str
    description: str = ""
    project: str | None = None


class AnnotationQueries(ViewerQueries):
    """The notes of the viewer's tenant: of all of it, and of the projects with an application that they hold."""

    @needs(Permission.USAGE_READ)
    def listing(self, first: date, last: date, project: str | None = None) -> pl.DataFrame:
        """Notes from the first to the last date, both included, in order: `id`, `noted_on`, `name`, `description`,
        `project` and `project_name` (null: the whole tenant).

        With a project, those of other projects are left out.
        """
        asked = _NOTED
        if not self.viewer.applications.every:
            asked = asked.where(sa.or_(Annotation.project_id.is_(None), Annotation.project_id.in_(self._held())))
        if project is not None:
            asked = asked.where(sa.or_(Annotation.project_id.is_(None), Project.key == project))
        with self.store.read(self.viewer.tenant_id) as session:
            told = {"tenant": self.viewer.tenant_id, "first": first, "last": last}
            rows = tuple(tuple(row) for row in session.execute(asked, told))
        return remembered(("notes", rows), lambda: pl.DataFrame(rows, schema=_LISTED, orient="row"))

    @needs(Permission.USAGE_READ)
    def project_of(self, application: str) -> str | None:
        """The key of the project that an application belongs to; None where it belongs to none."""
        asked = (
            select(Project.key)
            .join(Application, Application.project_id == Project.id)
            .where(Application.tenant_id == self.viewer.tenant_id, Application.key == application)
            .where(Project.id.in_(self._held()))
        )
        with self.store.read(self.viewer.tenant_id) as session:
            return session.scalar(asked)

    @needs(Permission.ANNOTATION_MANAGE)
    def projects(self) -> list[tuple[str, str]]:
        """Keys and names of the projects that the viewer may note something on, by name."""
        asked = select(Project.key, Project.name).where(Project.id.in_(self._held())).order_by(Project.name)
        with self.store.read(self.viewer.tenant_id) as session:
            return [(key, name) for key, name in session.execute(asked)]

    @needs(Permission.ANNOTATION_MANAGE)
    def add(self, note: NoteInput) -> None:
        """Note something on a date. Raises BadInput, and NotFound for a project that the viewer does not see."""
        note, tenant_id = _checked(note), self.viewer.tenant_id
        with self.store.write(tenant_id) as session:
            project_id = self._project_id(session, note.project)
            row = Annotation(tenant_id=tenant_id, project_id=project_id, created_at=datetime.now(UTC))
            _fill(row, note)
            session.add(row)
            session.flush()
            self._record(session, row, "add", "addition", None, _facts(note))

    @needs(Permission.ANNOTATION_MANAGE)
    def edit(self, note_id: int, note: NoteInput) -> None:
        """Change a note. Raises as `add` does, and NotFound for a note that is not there."""
        note = _checked(note)

        def change(session: Session, row: Annotation, old: dict[str, str | None]) -> None:
            row.project_id = self._project_id(session, note.project)
            _fill(row, note)
            self._record(session, row, "edit", "modification", old, _facts(note))

        self._with(note_id, change)

    @needs(Permission.ANNOTATION_MANAGE)
    def delete(self, note_id: int) -> None:
        """Take a note away. Raises NotFound for one that is not there, and BadInput for one of more than they hold."""

        def drop(session: Session, row: Annotation, old: dict[str, str | None]) -> None:
            session.delete(row)
            self._record(session, row, "delete", "deletion", old, None)

        self._with(note_id, drop)

    def _with(self, note_id: int, act: Callable[[Session, Annotation, dict[str, str | None]], None]) -> None:
        """Do something with a note and what it says now, in one transaction."""
        tenant_id = self.viewer.tenant_id
        with self.store.write(tenant_id) as session:
            asked = (
                select(Annotation, Project.key)
                .outerjoin(Project, Annotation.project_id == Project.id)
                .where(Annotation.tenant_id == tenant_id, Annotation.id == note_id)
            )
            found = session.execute(asked).one_or_none()
            if found is None:
                raise NotFound(kind=Phrase("kind.annotation"), key=note_id)
            row, project = found
            self._project_id(session, project)
            act(session, row, _facts(NoteInput(row.noted_on, row.name, row.description, project)))

    def _held(self) -> Select[int]:
        """The projects that the viewer sees: every one, or those with an application held (SPEC A5)."""
        of_tenant = select(Project.id).where(Project.tenant_id == self.viewer.tenant_id)
        scope = self.viewer.applications
        if scope.every:
            return of_tenant
        return of_tenant.where(
            Project.id.in_(
                select(Application.project_id).where(
                    Application.tenant_id == self.viewer.tenant_id, Application.id.in_(scope.ids)
                )
            )
        )

    def _project_id(self, session: Session, key: str | None) -> int | None:
        """The project's number, where the viewer may note something on it."""
        if key is None:
            if not self.viewer.applications.every:
                raise BadInput(what=Phrase("administration_error.every_application_needed"))
            return None
        found = session.scalar(self._held().where(Project.key == key))
        if found is None:
            raise NotFound(kind=Phrase("kind.project"), key=key)
        return found

    def _record(
        self,
        session: Session,
        row: Annotation,
        action: str,
        operation_class: str,
        old: dict[str, str | None] | None,
        new: dict[str, str | None] | None,
    ) -> None:
        act = Act(
            "usage",
            action,
            operation_class,
            "annotation",
            row.name,
            str(row.id),
            old,
            new,
            submodule="annotation",
        )
        record(session, self.viewer.tenant_id, Operator.of(self.viewer), act)


def _checked(note: NoteInput) -> NoteInput:
    if not EARLIEST.date() <= note.noted_on <= date(2100, 1, 1):
        raise BadInput(what=Phrase("annotation.no_date"))
    return NoteInput(note.noted_on, checked_name(note.name), checked_text(note.description), note.project)


def _fill(row: Annotation, note: NoteInput) -> None:
    row.noted_on, row.name, row.description = note.noted_on, note.name, note.description


def _facts(note: NoteInput) -> dict[str, str | None]:
    return {
        "project": note.project,
        "noted_on": note.noted_on.isoformat(),
        "name": note.name,
        "description": note.description,
    }
