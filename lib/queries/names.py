"""The keys and names of a tenant's applications and mini programs."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.errors import NotFound
from lib.store.tables import Application, MiniProgram
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


def names_of(session: Session, tenant_id: int) -> Names:
    """What a tenant has."""
    return Names(*(_named(session, tenant_id, table) for table in (Application, MiniProgram)))


def _named(session: Session, tenant_id: int, table: type[Application | MiniProgram]) -> pl.DataFrame:
    rows = session.execute(select(table.id, table.key, table.name).where(table.tenant_id == tenant_id))
    return pl.DataFrame([tuple(row) for row in rows], schema=_NAMED, orient="row")


def _id(named: pl.DataFrame, kind: str, key: str) -> int:
    found = named.filter(pl.col("key") == key)["id"]
    if found.is_empty():
        raise NotFound(kind=Phrase(kind), key=key)
    return int(found[0])
