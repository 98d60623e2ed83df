"""Feedback of two companies, for tests: who may see which of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.feedback.files import FeedbackFiles
from lib.feedback.records import FeedbackRecord, ImageRecord, KeptLog, LogRecord, append, append_log
from lib.queries.console import Console
from lib.queries.feedback_filter import FeedbackFilter, FeedbackLogFilter
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Application, MiniProgram, Tenant
from tests.lib.companies import viewer

DAY = datetime(2026, 3, 2, tzinfo=UTC)
EVERY = FeedbackFilter(DAY, DAY + timedelta(days=1))
EVERY_LOG = FeedbackLogFilter(DAY, DAY + timedelta(days=1))

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
"""A PNG of one pixel."""


def ids_of(store: Store, tenant: str = "acme") -> tuple[int, dict[str, int], dict[str, int]]:
    """A tenant's id, and its mini programs and applications by key."""
    with store.read(EVERY_TENANT) as session:
        tenant_id = session.scalars(select(Tenant.id).where(Tenant.key == tenant)).one()
        programs = session.execute(select(MiniProgram.key, MiniProgram.id).where(MiniProgram.tenant_id == tenant_id))
        places = session.execute(select(Application.key, Application.id).where(Application.tenant_id == tenant_id))
        return tenant_id, {row[0]: row[1] for row in programs}, {row[0]: row[1] for row in places}


def told(
    store: Store,
    content: str,
    *,
    minutes: int = 0,
    tenant: str = "acme",
    program: str = "shop",
    application: str | None = "web",
    **more: object,
) -> FeedbackRecord:
    """A feedback of some minutes after the day began."""
    _, programs, places = ids_of(store, tenant)
    usual = FeedbackRecord(
        programs[program],
        None if application is None else places[application],
        "product",
        "",
        content,
        DAY + timedelta(minutes=minutes),
    )
    return replace(usual, **more)  # type: ignore[arg-type]


def keep(store: Store, records: Sequence[FeedbackRecord], tenant: str = "acme") -> tuple[int, ...]:
    """Add feedback; its ids."""
    tenant_id = ids_of(store, tenant)[0]
    with store.write(tenant_id) as session:
        return append(session, tenant_id, records).ids


def image(settings: Settings, content: bytes = PIXEL, name: str = "shot.png") -> ImageRecord:
    """An image whose bytes are stored; PIXEL is a picture."""
    sha256, size = FeedbackFiles(settings.feedback_dir).place(io.BytesIO(content))
    is_picture = content == PIXEL
    mime = "image/png" if is_picture else "application/octet-stream"
    return ImageRecord(name, mime, size, sha256, *((1, 1) if is_picture else (None, None)))


def keep_log(
    settings: Settings,
    store: Store,
    name: str,
    content: bytes = b"line\n",
    *,
    minutes: int = 0,
    tenant: str = "acme",
    program: str = "shop",
    application: str | None = "web",
    **more: object,
) -> KeptLog:
    """Store a log of some minutes after the day began."""
    tenant_id, programs, places = ids_of(store, tenant)
    sha256, size = FeedbackFiles(settings.feedback_dir).place(io.BytesIO(content))
    assert sha256 == hashlib.sha256(content).hexdigest()
    at = DAY + timedelta(minutes=minutes)
    place = None if application is None else places[application]
    usual = LogRecord(programs[program], place, name, size, sha256, at)
    with store.write(tenant_id) as session:
        return append_log(session, tenant_id, replace(usual, **more))  # type: ignore[arg-type]


def console(settings: Settings, store: Store, name: str = "acme-platform", *held: Permission) -> Console:
    """What an account may ask, given permissions besides its own."""
    seen: Viewer = viewer(store, name, "acme" if name == "root" else None)
    return Console(replace(seen, permissions=seen.permissions | {*held}), store, settings)
