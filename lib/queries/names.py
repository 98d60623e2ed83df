"""The keys and names of a tenant's applications and mini programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from lib.access.viewer import ApplicationScope
from lib.errors import NotFound
from lib.store.tables import Application, Link, MiniProgram
from lib.words import Phrase

_NAMED = {"id": pl.Int32(), "key": pl.String(), "name": pl.String()}


@dataclass(frozen=True)
class Names:
    """Both as frames of `id`, `key` and `name`."""

    applications: pl.DataFrame
    mini_programs: pl.DataFrame

    def application_id(self, key: str) -> int:
        """Raises NotFound."""
        return _id(self.applications, "kind.application", key)

    def mini_program_id(self, key: str) -> int:
        """Raises NotFound."""
        return _id(self.mini_programs, "kind.mini_program", key)


def names_of(session: Session, tenant_id: int, scope: ApplicationScope) -> Names:
    """What a tenant has, as far as a viewer holds it: applications, and mini programs that ever were linked to one."""
    applications = select(Application.id, Application.key, Application.name).where(Application.tenant_id == tenant_id)
    programs = select(MiniProgram.id, MiniProgram.key, MiniProgram.name).where(MiniProgram.tenant_id == tenant_id)
    if not scope.every:
        held = Link.application_id.in_(sorted(scope.ids))
        applications = applications.where(Application.id.in_(sorted(scope.ids)))
        programs = programs.where(
            MiniProgram.id.in_(select(Link.mini_program_id).where(Link.tenant_id == tenant_id, held))
        )
    return Names(_named(session.execute(applications)), _named(session.execute(programs)))


def _named(rows: Iterable[Row[int, str, str]]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row) for row in rows], schema=_NAMED, orient="row")


def _id(named: pl.DataFrame, kind: str, key: str) -> int:
    for number, known in zip(named["id"], named["key"], strict=True):
        if known == key:
            return int(number)
    raise NotFound(kind=Phrase(kind), key=key)
