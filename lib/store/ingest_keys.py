"""Ingest keys as the collector finds them: by the hash of what a client sent."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from lib.store.tables import Application, IngestKey, MiniProgram


@dataclass(frozen=True)
class WriteKey:
    """What a key writes: events of one mini program, in one application or (null) in whichever the events name."""

    id: int
    tenant_id: int
    mini_program_id: int
    mini_program: str
    application: str | None


def write_key_of(session: Session, key_hash: str) -> WriteKey | None:
    """The key of a hash; null where there is none, or it was revoked."""
    asked = (
        select(IngestKey.id, IngestKey.tenant_id, IngestKey.mini_program_id, MiniProgram.key, Application.key)
        .join(MiniProgram, IngestKey.mini_program_id == MiniProgram.id)
        .join(Application, IngestKey.application_id == Application.id, isouter=True)
        .where(IngestKey.key_hash == key_hash, IngestKey.revoked_at.is_(None))
    )
    found = session.execute(asked).one_or_none()
    return WriteKey(*found) if found else None
