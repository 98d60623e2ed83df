"""Ingest keys: what integrators write events with (SPEC A8, I1)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.access.tokens import hash_of_token
from lib.errors import NotFound
from lib.logs import Operator
from lib.queries.administration.acting import (
    COUNT,
    INSTANT,
    WORDS,
    Administering,
    kind,
    note,
    refused,
    row_of,
)
from lib.queries.gate import needs
from lib.store.tables import Application, IngestKey, Link, MiniProgram

PREFIX_LENGTH = 8
"""How many characters of a key are kept readable, to tell keys apart."""


@dataclass(frozen=True)
class IngestKeyInput:
    """A key for a mini program: in one application, or in any (null)."""

    mini_program: str
    application: str | None = None


def add_ingest_key(session: Session, tenant_id: int, operator: Operator, given: IngestKeyInput) -> str:
    """Make a key and return it, the only time that it can be read. Raises NotFound."""
    program = row_of(session, MiniProgram, tenant_id, given.mini_program, "mini_program")
    host = row_of(session, Application, tenant_id, given.application, "application") if given.application else None
    key = "dk" + secrets.token_hex(24)
    row = IngestKey(
        tenant_id=tenant_id,
        mini_program_id=program.id,
        application_id=host and host.id,
        key_hash=hash_of_token(key),
        prefix=key[:PREFIX_LENGTH],
        created_at=datetime.now(UTC),
    )
    session.add(row)
    session.flush()
    note(session, tenant_id, operator, "ingest_key", "add", row.prefix, row.id, None, _ingest_key(session, row))
    return key


def revoke_ingest_key(session: Session, tenant_id: int, operator: Operator, key_id: int) -> None:
    """End a key for good. Raises NotFound, and BadInput where it is revoked already."""
    row = session.scalar(select(IngestKey).where(IngestKey.tenant_id == tenant_id, IngestKey.id == key_id))
    if row is None:
        raise NotFound(kind=kind("ingest_key"), key=key_id)
    if row.revoked_at is not None:
        raise refused("key_revoked_already", prefix=row.prefix)
    old = _ingest_key(session, row)
    row.revoked_at = datetime.now(UTC)
    note(
        session,
        tenant_id,
        operator,
        "ingest_key",
        "revoke",
        row.prefix,
        row.id,
        old,
        _ingest_key(session, row),
    )


def _ingest_key(session: Session, row: IngestKey) -> dict[str, object]:
    program = session.get_one(MiniProgram, row.mini_program_id)
    host = session.get_one(Application, row.application_id) if row.application_id is not None else None
    return {
        "prefix": row.prefix,
        "mini_program": program.key,
        "application": host and host.key,
        "revoked_at": row.revoked_at and row.revoked_at.isoformat(),
    }


class IngestKeyAdministration(Administering):
    """Ingest keys; a viewer with listed applications reaches those of one of them."""

    @needs(Permission.INGEST_KEY_MANAGE)
    def ingest_keys(self) -> pl.DataFrame:
        """A row for each key in reach: `id`, `prefix`, `mini_program`, `application` (keys; null: any),
        `created_at`,
        `revoked_at` (null: works)."""
        held = self._applications().subquery()
        statement = (
            select(
                IngestKey.id,
                IngestKey.prefix,
                MiniProgram.key,
                held.c.key,
                IngestKey.created_at,
                IngestKey.revoked_at,
            )
            .join_from(IngestKey, MiniProgram, IngestKey.mini_program_id == MiniProgram.id)
            .join(held, IngestKey.application_id == held.c.id, isouter=self.viewer.applications.every)
            .where(IngestKey.tenant_id == self.viewer.tenant_id)
            .order_by(IngestKey.id)
        )
        with self.store.read(self._scope) as session:
            rows = [tuple(row) for row in session.execute(statement)]
        words = dict.fromkeys(("prefix", "mini_program", "application"), WORDS)
        schema = {"id": COUNT, **words, "created_at": INSTANT, "revoked_at": INSTANT}
        return pl.DataFrame(rows, schema, orient="row")

    @needs(Permission.INGEST_KEY_MANAGE)
    def key_places(self) -> tuple[dict[str, str], dict[str, str]]:
        """The mini programs and the applications that a key can be made for: their names by key."""
        held = self._applications().with_only_columns(Application.id)
        programs = select(MiniProgram).where(MiniProgram.tenant_id == self.viewer.tenant_id)
        if not self.viewer.applications.every:
            linked = select(Link.mini_program_id).where(Link.application_id.in_(held))
            programs = programs.where(MiniProgram.id.in_(linked))
        with self.store.read(self._scope) as session:
            return (
                {row.key: row.name for row in session.scalars(programs.order_by(MiniProgram.key))},
                {row.key: row.name for row in session.scalars(self._applications())},
            )

    @needs(Permission.INGEST_KEY_MANAGE)
    def add_ingest_key(self, given: IngestKeyInput) -> str:
        """Make a key and return it, the only time that it can be read. Raises NotFound."""
        self._require_application(given.application)
        self._require_mini_program(given.mini_program)
        return self._act(add_ingest_key, given)

    @needs(Permission.INGEST_KEY_MANAGE)
    def revoke_ingest_key(self, key_id: int) -> None:
        """End a key for good. Raises NotFound, and BadInput where it is revoked already."""
        if key_id not in set(self.ingest_keys()["id"]):
            raise NotFound(kind=kind("ingest_key"), key=key_id)
        self._act(revoke_ingest_key, key_id)
