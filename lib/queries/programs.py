"""Mini programs as a viewer may see them: the list, one's details, what it is linked to."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.errors import NotFound
from lib.queries.gate import ViewerQueries, needs
from lib.store.tables import Application, Link, MiniProgram
from lib.usage.events import INSTANT
from lib.words import Phrase

_LISTED = {
    "key": pl.String(),
    "name": pl.String(),
    "kind": pl.String(),
    "status": pl.String(),
    "applications": pl.List(pl.String()),
}
_LINKED = {"application": pl.String(), "name": pl.String(), "linked_at": INSTANT, "unlinked_at": INSTANT}


@dataclass(frozen=True)
class ProgramDetails:
    """A mini program; `links` has `application` (key), `name`, `linked_at` and `unlinked_at` (null: linked now),
    oldest first."""

    key: str
    name: str
    kind: str
    status: str
    description: str
    links: pl.DataFrame


class ProgramQueries(ViewerQueries):
    """The mini programs of the viewer's tenant that have been linked to an application that the viewer holds."""

    @needs(Permission.USAGE_READ)
    def choices(self) -> list[tuple[str, str]]:
        """(key, name) of every mini program, by name."""
        asked = self._held().with_only_columns(MiniProgram.key, MiniProgram.name)
        with self.store.read(self.viewer.tenant_id) as session:
            return [(key, name) for key, name in session.execute(asked)]

    @needs(Permission.USAGE_READ)
    def applications(self, mini_program: str | None = None) -> list[tuple[str, str]]:
        """(key, name) of the applications, by name; with a mini program, of those that it is linked to now (SPEC
        U3)."""
        asked = self._held_applications().with_only_columns(Application.key, Application.name)
        if mini_program is not None:
            linked = select(Link.application_id).join(MiniProgram, Link.mini_program_id == MiniProgram.id)
            linked = linked.where(Link.tenant_id == self.viewer.tenant_id, MiniProgram.key == mini_program)
            asked = asked.where(Application.id.in_(linked.where(Link.unlinked_at.is_(None))))
        with self.store.read(self.viewer.tenant_id) as session:
            return [(key, name) for key, name in session.execute(asked)]

    @needs(Permission.USAGE_READ)
    def listing(self, search: str = "") -> pl.DataFrame:
        """`key`, `name`, `kind`, `status` and `applications` (names, linked now) where key or name contains the
        search."""
        wanted = search.strip().casefold()
        programs = [row for row in self._programs() if wanted in row.key.casefold() or wanted in row.name.casefold()]
        with self.store.read(self.viewer.tenant_id) as session:
            names = {row.id: row.name for row in self._applications(session)}
            links = session.scalars(
                select(Link).where(Link.tenant_id == self.viewer.tenant_id, Link.unlinked_at.is_(None))
            ).all()
        rows = [
            (
                row.key,
                row.name,
                row.kind,
                row.status,
                sorted(
                    {
                        names[link.application_id]
                        for link in links
                        if link.mini_program_id == row.id and link.application_id in names
                    }
                ),
            )
            for row in programs
        ]
        return pl.DataFrame(rows, schema=_LISTED, orient="row")

    @needs(Permission.USAGE_READ)
    def details(self, key: str) -> ProgramDetails:
        """One mini program with all that it was ever linked to. Raises NotFound."""
        program = next((row for row in self._programs() if row.key == key), None)
        if program is None:
            raise NotFound(kind=Phrase("kind.mini_program"), key=key)
        with self.store.read(self.viewer.tenant_id) as session:
            applications = {row.id: row for row in self._applications(session)}
            links = self._links(session, key)
        rows = [
            (
                applications[link.application_id].key,
                applications[link.application_id].name,
                link.linked_at,
                link.unlinked_at,
            )
            for link in links
            if link.application_id in applications
        ]
        linked = pl.DataFrame(rows, schema=_LINKED, orient="row")
        return ProgramDetails(program.key, program.name, program.kind, program.status, program.description, linked)

    def _programs(self) -> list[MiniProgram]:
        with self.store.read(self.viewer.tenant_id) as session:
            return list(session.scalars(self._held()))

    def _held(self) -> Select[MiniProgram]:
        """The mini programs that the viewer sees, by name."""
        tenant_id, scope = self.viewer.tenant_id, self.viewer.applications
        asked = select(MiniProgram).where(MiniProgram.tenant_id == tenant_id)
        if not scope.every:
            held = select(Link.mini_program_id).where(
                Link.tenant_id == tenant_id, Link.application_id.in_(sorted(scope.ids))
            )
            asked = asked.where(MiniProgram.id.in_(held))
        return asked.order_by(MiniProgram.name, MiniProgram.key)

    def _applications(self, session: Session) -> list[Application]:
        return list(session.scalars(self._held_applications()))

    def _held_applications(self) -> Select[Application]:
        """The applications that the viewer holds, by name."""
        scope = self.viewer.applications
        asked = select(Application).where(Application.tenant_id == self.viewer.tenant_id)
        if not scope.every:
            asked = asked.where(Application.id.in_(sorted(scope.ids)))
        return asked.order_by(Application.name, Application.key)

    def _links(self, session: Session, key: str) -> list[Link]:
        asked = select(Link).join(MiniProgram, Link.mini_program_id == MiniProgram.id)
        asked = asked.where(Link.tenant_id == self.viewer.tenant_id, MiniProgram.key == key)
        return list(session.scalars(asked.order_by(Link.linked_at, Link.id)))
