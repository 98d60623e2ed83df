"""The keys and names of a tenant's applications and mini programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import polars as pl
from sqlalchemy import Integer, Row, bindparam, select
from sqlalchemy.orm import Session

from lib.access.viewer import ApplicationScope
from lib.errors import NotFound
from lib.store.tables import Application, Link, MiniProgram
from lib.words import Phrase

_NAMED = {"id": pl.Int32(), "key": pl.String(), "name": pl.String()}

Named = tuple[tuple[int, str, str], ...]
"""Numbers, keys and names."""


@dataclass(frozen=True)
class Names:
    """What a viewer may know by name; equal where all of it is."""

    of_applications: Named
    of_mini_programs: Named

    @cached_property
    def applications(self) -> pl.DataFrame:
        """`id`, `key` and `name`."""
        return pl.DataFrame(self.of_applications, schema=_NAMED, orient="row")

    @cached_property
    def mini_programs(self) -> pl.DataFrame:
        """`id`, `key` and `name`."""
        return pl.DataFrame(self.of_mini_programs, schema=_NAMED, orient="row")

    def application_id(self, key: str) -> int:
        """Raises NotFound."""
        return _id(self.of_applications, "kind.application", key)

    def mini_program_id(self, key: str) -> int:
        """Raises NotFound."""
        return _id(self.of_mini_programs, "kind.mini_program", key)


def names_of(session: Session, tenant_id: int, scope: ApplicationScope) -> Names:
    """What a tenant has, as far as a viewer holds it: applications, and mini programs that ever were linked to one."""
    asked, told = (_APPLICATIONS, _PROGRAMS), {"tenant": tenant_id}
    if not scope.every:
        held, linked = sorted(scope.ids), Link.tenant_id == _TENANT
        asked = (
            _APPLICATIONS.where(Application.id.in_(held)),
            _PROGRAMS.where(
                MiniProgram.id.in_(select(Link.mini_program_id).where(linked, Link.application_id.in_(held)))
            ),
        )
    applications, programs = (_named(session.execute(each, told)) for each in asked)
    return Names(applications, programs)


_TENANT = bindparam("tenant", type_=Integer)
_APPLICATIONS = select(Application.id, Application.key, Application.name).where(Application.tenant_id == _TENANT)
_PROGRAMS = select(MiniProgram.id, MiniProgram.key, MiniProgram.name).where(MiniProgram.tenant_id == _TENANT)


def _named(rows: Iterable[Row[int, str, str]]) -> Named:
    return tuple((number, key, name) for number, key, name in rows)


def _id(named: Named, kind: str, key: str) -> int:
    for number, known, _ in named:
        if known == key:
            return number
    raise NotFound(kind=Phrase(kind), key=key)
