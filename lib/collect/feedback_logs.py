"""A log that a client uploads: what its form says of it, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from lib.collect import calls
from lib.collect.feedback import CHARACTERS, SOURCE, application_of, folded, same_program
from lib.export.names import clean_name
from lib.feedback.records import LogRecord, append_log
from lib.store import catalogue
from lib.store.ingest_keys import WriteKey

_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "logid", "messageid", "clientid"),
    "feedback_id": ("feedbackid", "feedback"),
    "user": ("user", "userid", "visitor", "visitorid", "openid", "uid", "anonymousid"),
    "mini_program": ("miniprogram", "miniprogramid", "miniprogramkey", "program"),
    "application": ("application", "applicationid", "applicationkey", "app", "host"),
    "name": ("name", "filename"),
}
_NAME_CHARACTERS = 1000


@dataclass(frozen=True)
class SentLog:
    """An uploaded log, and the key of the application that it is to belong to (null: to none)."""

    record: LogRecord
    application: str | None


def log_sent_of(told: Mapping[str, Any], key: WriteKey, name: str, received_at: datetime) -> SentLog:
    """What a form says of a file called `name`; hash and size are not known yet. Raises Refused, which names the
    field."""
    by_name = {folded(str(field)[:100]): (str(field)[:100], value) for field, value in told.items()}
    said: dict[str, str] = {}
    fields: dict[str, str] = {}
    for field, spellings in _SPELLINGS.items():
        written = next((by_name[each] for each in spellings if each in by_name), None)
        if written is not None:
            fields[field] = written[0]
            limit = CHARACTERS.get(field, CHARACTERS["id"] if field == "feedback_id" else _NAME_CHARACTERS)
            said[field] = (calls.text(written[1], written[0], limit) or "").strip()
    same_program(said.get("mini_program"), key, fields.get("mini_program", ""))
    record = LogRecord(
        mini_program_id=key.mini_program_id,
        application_id=None,
        name=file_name(name or said.get("name", ""), "feedback.log"),
        size_bytes=0,
        sha256="",
        uploaded_at=received_at,
        user=said.get("user", ""),
        client_id=said.get("id", ""),
        feedback_ref=said.get("feedback_id", ""),
    )
    return SentLog(record, application_of(key, said.get("application"), fields.get("application", "")))


def file_name(written: str, otherwise: str) -> str:
    """What a file is called by its last part, without signs that no file system takes or nobody sees."""
    return clean_name(written[:_NAME_CHARACTERS].replace("\\", "/").rpartition("/")[2]) or otherwise


def append_logs(session: Session, tenant_id: int, sent: Sequence[SentLog]) -> None:
    """Add what was uploaded to a tenant's transaction, each once."""
    names = {each.application for each in sent if each.application is not None}
    ids = catalogue.ensured_applications(session, tenant_id, names, SOURCE) if names else {}
    for each in sent:
        application_id = None if each.application is None else ids[each.application]
        append_log(session, tenant_id, replace(each.record, application_id=application_id))
