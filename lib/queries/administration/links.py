"""Links: mini programs in applications, from a date to a date (SPEC A2)."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.logs import Operator
from lib.queries.administration.acting import INSTANT, WORDS, Administering, note, refused, row_of
from lib.queries.gate import needs
from lib.store.tables import Application, Link, MiniProgram


def link(session: Session, tenant_id: int, operator: Operator, mini_program: str, application: str) -> None:
    """Link the mini program to the application from now on. Raises BadInput where it is linked already."""
    program, host = _ends(session, tenant_id, mini_program, application)
    if _open_link(session, program, host) is not None:
        raise refused("linked_already", mini_program=mini_program, application=application)
    row = Link(tenant_id=tenant_id, mini_program_id=program.id, application_id=host.id, linked_at=datetime.now(UTC))
    session.add(row)
    session.flush()
    name = f"{program.key} - {host.key}"
    note(session, tenant_id, operator, "link", "add", name, row.id, None, _link(row, program, host))


def unlink(session: Session, tenant_id: int, operator: Operator, mini_program: str, application: str) -> None:
    """End the link now; it stays with its dates. Raises BadInput where there is none."""
    program, host = _ends(session, tenant_id, mini_program, application)
    row = _open_link(session, program, host)
    if row is None:
        raise refused("not_linked", mini_program=mini_program, application=application)
    old = _link(row, program, host)
    row.unlinked_at = datetime.now(UTC)
    name = f"{program.key} - {host.key}"
    note(session, tenant_id, operator, "link", "end", name, row.id, old, _link(row, program, host))


def _ends(session: Session, tenant_id: int, mini_program: str, application: str) -> tuple[MiniProgram, Application]:
    program = row_of(session, MiniProgram, tenant_id, mini_program, "mini_program")
    # Locked, so that two that link at once do not both find nothing.
    session.execute(select(MiniProgram.id).where(MiniProgram.id == program.id).with_for_update())
    return program, row_of(session, Application, tenant_id, application, "application")


def _open_link(session: Session, program: MiniProgram, host: Application) -> Link | None:
    return session.scalar(
        select(Link).where(
            Link.tenant_id == program.tenant_id,
            Link.mini_program_id == program.id,
            Link.application_id == host.id,
            Link.unlinked_at.is_(None),
        )
    )


def _link(row: Link, program: MiniProgram, host: Application) -> dict[str, object]:
    ended = row.unlinked_at and row.unlinked_at.isoformat()
    return {
        "mini_program": program.key,
        "application": host.key,
        "linked_at": row.linked_at.isoformat(),
        "unlinked_at": ended,
    }


class LinkAdministration(Administering):
    """Links; a viewer with listed applications reaches theirs."""

    @needs(Permission.CATALOGUE_MANAGE)
    def links(self) -> pl.DataFrame:
        """A row for each link of an application held, ended ones too: `mini_program`, `application`
        (keys), `linked_at`,
        `unlinked_at` (null: still linked)."""
        held = self._applications().subquery()
        statement = (
            select(MiniProgram.key, held.c.key, Link.linked_at, Link.unlinked_at)
            .join_from(Link, MiniProgram, Link.mini_program_id == MiniProgram.id)
            .join(held, Link.application_id == held.c.id)
            .where(Link.tenant_id == self.viewer.tenant_id)
            .order_by(MiniProgram.key, held.c.key, Link.linked_at)
        )
        with self.store.read(self._scope) as session:
            rows = [tuple(row) for row in session.execute(statement)]
        schema = {"mini_program": WORDS, "application": WORDS, "linked_at": INSTANT, "unlinked_at": INSTANT}
        return pl.DataFrame(rows, schema, orient="row")

    @needs(Permission.CATALOGUE_MANAGE)
    def link(self, mini_program: str, application: str) -> None:
        """Link the mini program to the application from now on. Raises BadInput where it is linked
        already."""
        self._require_mini_program(mini_program)
        self._require_application(application)
        self._act(link, mini_program, application)

    @needs(Permission.CATALOGUE_MANAGE)
    def unlink(self, mini_program: str, application: str) -> None:
        """End the link now; it stays with its dates. Raises BadInput where there is none."""
        self._require_mini_program(mini_program)
        self._require_application(application)
        self._act(unlink, mini_program, application)
