"""Feedback as it is kept, wherever it comes from; adding it to a transaction, each once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from lib.store import feedback, feedback_logs
from lib.store.time_ids import LOW_BITS, milliseconds_of

KEEPS_LOGS: Final = timedelta(days=30)
"""How long an uploaded log is kept (SPEC F3)."""


@dataclass(frozen=True)
class ImageRecord:
    """What was attached to a feedback, with the hash that its bytes are stored by."""

    name: str
    mime: str
    size_bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class FeedbackRecord:
    """What a user told. `kind` is empty but for abnormalities; `client_id` is the client's own id of it, or empty;
    `log_ref` is the id, ours or the client's, of the log that came with it. `source` says by which way it came."""

    mini_program_id: int
    application_id: int | None
    type: str
    kind: str
    content: str
    occurred_at: datetime
    contact: str = ""
    user: str = ""
    app_version: str = ""
    mini_program_version: str = ""
    os: str = ""
    device: str = ""
    source: str = "http"
    client_id: str = ""
    log_ref: str = ""
    images: tuple[ImageRecord, ...] = ()
    origin: bytes = b""


@dataclass(frozen=True)
class LogRecord:
    """A file that a client uploaded; `feedback_ref` is the id, ours or the client's, of the feedback it belongs to."""

    mini_program_id: int
    application_id: int | None
    name: str
    size_bytes: int
    sha256: str
    uploaded_at: datetime
    user: str = ""
    client_id: str = ""
    feedback_ref: str = ""
    origin: bytes = b""


@dataclass(frozen=True)
class Appended:
    """The ids of the records, in their order: those of the rows that were there already for those that were; how many
    became rows, and how many were repeated."""

    ids: tuple[int, ...]
    accepted: int
    repeated: int


@dataclass(frozen=True)
class KeptLog:
    """A log as it is kept, now or since before."""

    id: int
    sha256: str
    size_bytes: int
    expires_at: datetime


def origin_of(mini_program_id: int, client_id: str) -> bytes:
    """What names a client's own id of something within its tenant: 16 bytes of a hash."""
    return hashlib.sha256(f"{mini_program_id}:{client_id}".encode()).digest()[:16]


def kept_origin(record: FeedbackRecord | LogRecord) -> bytes:
    """What names a record within its tenant: where it has no id where it comes from, a new name each time."""
    if record.origin:
        return record.origin
    return origin_of(record.mini_program_id, record.client_id) if record.client_id else secrets.token_bytes(16)


def origin_of_event(source: str, event_id: str) -> bytes:
    """What names an event of another system within its tenant: 16 bytes of a hash."""
    return hashlib.sha256(f"event:{len(source)}:{source}{event_id}".encode()).digest()[:16]


def append(session: Session, tenant_id: int, records: Sequence[FeedbackRecord]) -> Appended:
    """Add records to the transaction; one whose origin is the tenant's already is left out.

    IntegrityError: another transaction sent the same meanwhile; the caller may try the whole of it again.
    """
    now = datetime.now(UTC)
    origins = [kept_origin(record) for record in records]
    ids = feedback.known_feedback(session, tenant_id, set(origins))
    fresh: list[tuple[FeedbackRecord, bytes]] = []
    seen = set(ids)
    for record, origin in zip(records, origins, strict=True):
        if origin not in seen:
            seen.add(origin)
            fresh.append((record, origin))
    made = _ids(session, tenant_id, [record.occurred_at for record, _ in fresh])
    ids |= {origin: number for (_, origin), number in zip(fresh, made, strict=True)}
    linked = _linked(session, tenant_id, fresh)
    rows = [_row(record, tenant_id, ids[origin], origin, *linked[origin], now) for record, origin in fresh]
    images = [image for record, origin in fresh for image in _images(record, tenant_id, ids[origin])]
    feedback.add_feedback(session, rows, images)
    return Appended(tuple(ids[origin] for origin in origins), len(fresh), len(records) - len(fresh))


def append_log(session: Session, tenant_id: int, record: LogRecord) -> KeptLog:
    """Add a log to the transaction; what was uploaded before is answered as it is kept.

    IntegrityError: another transaction sent the same meanwhile; the caller may try the whole of it again.
    """
    number = milliseconds_of(record.uploaded_at) << LOW_BITS | secrets.randbelow(1 << LOW_BITS)
    origin = kept_origin(record)
    known = feedback_logs.log_of_origin(session, tenant_id, origin)
    if known is not None:
        return KeptLog(known.id, known.sha256, known.size_bytes, known.expires_at)
    expires_at = record.uploaded_at + KEEPS_LOGS
    row = {
        "tenant_id": tenant_id,
        "id": number,
        "mini_program_id": record.mini_program_id,
        "application_id": record.application_id,
        "name": record.name,
        "size_bytes": record.size_bytes,
        "sha256": record.sha256,
        "user_id": record.user,
        "uploaded_at": record.uploaded_at,
        "expires_at": expires_at,
        "client_id": record.client_id,
        "origin": origin,
        "feedback_origin": _feedback_meant(session, tenant_id, record),
    }
    feedback_logs.add_log(session, row)
    return KeptLog(number, record.sha256, record.size_bytes, expires_at)


def _feedback_meant(session: Session, tenant_id: int, record: LogRecord) -> bytes | None:
    if not record.feedback_ref:
        return None
    if _is_id(record.feedback_ref):
        own = feedback.origin_of_feedback(session, tenant_id, record.mini_program_id, int(record.feedback_ref))
        if own is not None:
            return own
    return origin_of(record.mini_program_id, record.feedback_ref)


def _linked(
    session: Session, tenant_id: int, fresh: Sequence[tuple[FeedbackRecord, bytes]]
) -> dict[bytes, tuple[int | None, bytes | None]]:
    """By the origin of a feedback the id of its log, where that is there, and the origin of the log that it names."""
    named: dict[bytes, bytes] = {}
    for record, origin in fresh:
        if not record.log_ref:
            continue
        own = None
        if _is_id(record.log_ref):
            own = feedback.origin_of_log(session, tenant_id, record.mini_program_id, int(record.log_ref))
        named[origin] = own or origin_of(record.mini_program_id, record.log_ref)
    logs = feedback.logs_meant(session, tenant_id, set(named.values()))
    belonging = feedback.logs_belonging(session, tenant_id, [origin for _, origin in fresh])
    return {
        origin: (logs.get(named.get(origin, b"")) or belonging.get(origin), named.get(origin)) for _, origin in fresh
    }


def _is_id(written: str) -> bool:
    """Whether a text can be an id of ours; ids of clients are seldom numbers of so many digits."""
    return written.isascii() and written.isdecimal() and 15 <= len(written) <= 19 and int(written) < 1 << 63


def _ids(session: Session, tenant_id: int, instants: Sequence[datetime]) -> list[int]:
    """An id for each instant, in their order within a millisecond, and none that is taken."""
    while True:
        start = secrets.randbelow((1 << LOW_BITS) - len(instants))
        ids = [milliseconds_of(at) << LOW_BITS | start + number for number, at in enumerate(instants)]
        if not feedback.taken_ids(session, tenant_id, ids):
            return ids


def _row(
    record: FeedbackRecord,
    tenant_id: int,
    number: int,
    origin: bytes,
    log_id: int | None,
    log_origin: bytes | None,
    received_at: datetime,
) -> feedback.Row:
    told = (record.content, record.user, record.device, record.mini_program_version, record.app_version)
    return {
        "tenant_id": tenant_id,
        "id": number,
        "mini_program_id": record.mini_program_id,
        "application_id": record.application_id,
        "type": record.type,
        "kind": record.kind,
        "os": record.os,
        "app_version": record.app_version,
        "mini_program_version": record.mini_program_version,
        "device": record.device,
        "user_id": record.user,
        "contact": record.contact,
        "content": record.content,
        "occurred_at": record.occurred_at,
        "received_at": received_at,
        "source": record.source,
        "client_id": record.client_id,
        "origin": origin,
        "image_count": len(record.images),
        "log_id": log_id,
        "log_origin": log_origin,
        "search": "\n".join(text for text in told if text).casefold(),
    }


def _images(record: FeedbackRecord, tenant_id: int, feedback_id: int) -> list[feedback.Row]:
    # An id of its own: who knows a feedback's id knows none of its images'.
    return [
        {
            "tenant_id": tenant_id,
            "id": secrets.randbits(62),
            "feedback_id": feedback_id,
            "position": position,
            "name": image.name,
            "mime": image.mime,
            "size_bytes": image.size_bytes,
            "width": image.width,
            "height": image.height,
            "sha256": image.sha256,
        }
        for position, image in enumerate(record.images)
    ]
