"""Feedback as clients and files tell it: fields of JSON, by many names, checked one by one.

A client that is told "400" has lost what its user wrote, so that what can be understood is taken: names in snake_case
or camelCase, a kind in place of a type, Chinese words of both, a clock that was never set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from sqlalchemy.orm import Session

from lib.collect import calls, systems
from lib.collect.answers import Refused
from lib.collect.operations import AHEAD
from lib.collect.times import MILLISECONDS_FROM
from lib.errors import BadInput
from lib.feedback.records import Appended, FeedbackRecord, append
from lib.feedback.types import ABNORMALITY, OTHER, FeedbackKind, FeedbackType, kind_named, type_named
from lib.store import catalogue
from lib.store.catalogue import checked_key
from lib.store.ingest_keys import WriteKey
from lib.usage.buckets import EARLIEST

SOURCE = "collect"

CHARACTERS: Final[Mapping[str, int]] = {
    "content": 20_000,
    "contact": 200,
    "user": 200,
    "app_version": 100,
    "mini_program_version": 100,
    "os": 100,
    "device": 200,
    "id": 200,
    "log_id": 200,
    "type": 60,
    "kind": 60,
    "mini_program": 100,
    "application": 100,
}
"""How long the texts of a feedback may be."""

_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "type": ("type", "feedbacktype", "category", "反馈类型", "类型"),
    "kind": ("kind", "abnormality", "abnormalitykind", "abnormalitytype", "subtype", "problem", "异常类型"),
    "content": ("content", "text", "message", "description", "body", "detail", "details", "反馈内容", "内容"),
    "contact": ("contact", "contactinfo", "contactdetails", "phone", "mobile", "email", "联系方式"),
    "user": ("user", "userid", "visitor", "visitorid", "openid", "uid", "anonymousid", "用户"),
    "mini_program": ("miniprogramid", "miniprogramkey", "miniprogram", "program", "小程序id", "小程序"),
    "application": ("applicationid", "applicationkey", "application", "app", "host", "应用id", "应用"),
    "app_version": ("appversion", "applicationversion", "hostversion", "应用版本"),
    "mini_program_version": ("miniprogramversion", "programversion", "version", "小程序版本"),
    "os": ("os", "operatingsystem", "platform", "system", "操作系统"),
    "device": ("device", "devicemodel", "model", "设备"),
    "time": ("time", "occurredat", "timestamp", "createdat", "sentat", "date", "反馈时间", "时间"),
    "id": ("id", "messageid", "feedbackid", "clientid", "反馈编号"),
    "log_id": ("logid", "log", "feedbacklogid", "feedbacklog", "日志编号"),
}
"""The names of each field, the first that is there says it: small letters, without what joins words."""

FIELDS: Final = tuple(_SPELLINGS)


@dataclass(frozen=True)
class Sent:
    """A feedback, and the key of the application that it is to belong to (null: to none)."""

    record: FeedbackRecord
    application: str | None


def sent_of(
    told: object,
    key: WriteKey,
    received_at: datetime,
    *,
    path: str = "",
    images: int = 0,
    occurred_at: datetime | None = None,
) -> Sent:
    """What a client that has a write key tells; `path` stands before the names of fields in what is said of them.

    `occurred_at` is when it happened where it does not say so itself. Raises Refused, which names the field.
    """
    if not isinstance(told, dict):
        place = path.rstrip(".")
        raise Refused(400, "not_an_object", f"{place or 'The body'} is not an object", field=place)
    named = _named(told, path)
    same_program(named.text("mini_program"), key, named.field("mini_program"))
    application = application_of(key, named.text("application"), named.field("application"))
    record = record_of(told, key.mini_program_id, received_at, path=path, images=images)
    if "time" not in named.found and occurred_at is not None and _is_timely(occurred_at, received_at):
        record = replace(record, occurred_at=occurred_at)
    return Sent(record, application)


def record_of(
    told: Mapping[str, Any],
    mini_program_id: int,
    received_at: datetime,
    *,
    path: str = "",
    images: int = 0,
    is_live: bool = True,
) -> FeedbackRecord:
    """The record of a feedback, of no application yet. What is not live must say itself when it happened.

    Raises Refused, which names the field.
    """
    named = _named(told, path)
    type_, kind = _type_and_kind(named)
    content = (named.text("content") or "").strip()
    if not content and not images:
        raise Refused(400, "missing", f"{path}content is missing", field=f"{path}content")
    os = named.text("os", "name")
    return FeedbackRecord(
        mini_program_id=mini_program_id,
        application_id=None,
        type=type_.key,
        kind=kind.key if kind else "",
        content=content,
        occurred_at=_occurred_at(named, received_at, is_live=is_live),
        contact=named.text("contact") or "",
        user=named.text("user", "id") or "",
        app_version=named.text("app_version") or "",
        mini_program_version=named.text("mini_program_version") or "",
        os="" if os is None else systems.normalised(os),
        device=named.text("device", "model") or "",
        client_id=named.text("id") or "",
        log_ref=named.text("log_id") or "",
    )


def same_program(said: str | None, key: WriteKey, field: str) -> None:
    """Raise Refused where a mini program is named that the write key is not of."""
    if said and said != key.mini_program:
        what = f'{field} is "{said}", and the write key is of "{key.mini_program}"'
        raise Refused(400, "other_mini_program", what, field=field)


def application_of(key: WriteKey, said: str | None, field: str) -> str | None:
    """The application that a write key is bound to, else the one that is named; null for none. Raises Refused."""
    if key.application is not None or not said:
        return key.application
    try:
        return checked_key(said)
    except BadInput as error:
        what = f"{field} cannot be the key of an application: use letters, digits, dots, dashes and underscores"
        raise Refused(400, "bad_application", what, field=field) from error


def append_sent(session: Session, tenant_id: int, sent: Sequence[Sent]) -> Appended:
    """Add what was sent to a tenant's transaction, each once."""
    names = {each.application for each in sent if each.application is not None}
    ids = catalogue.ensured_applications(session, tenant_id, names, SOURCE) if names else {}
    return append(
        session,
        tenant_id,
        [
            replace(each.record, application_id=None if each.application is None else ids[each.application])
            for each in sent
        ],
    )


def folded(name: str) -> str:
    """A field's name without what tells snake_case, kebab-case and camelCase apart."""
    return name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")


def is_field(name: str) -> bool:
    """Whether a folded name is that of one of FIELDS."""
    return any(name in spellings for spellings in _SPELLINGS.values())


@dataclass(frozen=True)
class _Named:
    """What was told, by FIELDS: the name that it had there, and the value."""

    found: Mapping[str, tuple[str, Any]]
    path: str

    def field(self, name: str) -> str:
        """What a field is called in a refusal: as it was written, where it was."""
        return self.path + (self.found[name][0] if name in self.found else name)

    def text(self, name: str, inside: str = "") -> str | None:
        """The text of a field; `inside` is where it is, if its value is an object."""
        value = self.found.get(name, ("", None))[1]
        if inside and isinstance(value, dict):
            value = value.get(inside)
        if isinstance(value, float) and isfinite(value):
            value = json.dumps(value)
        text = calls.text(value, self.field(name), CHARACTERS[name])
        return None if text is None else text.strip() or None


def _named(told: Mapping[str, Any], path: str) -> _Named:
    by_name: dict[str, tuple[str, Any]] = {}
    for name, value in told.items():
        if value is not None and value != "":
            by_name.setdefault(folded(str(name)[:100]), (str(name)[:100], value))
    found = {}
    for field, spellings in _SPELLINGS.items():
        written = next((by_name[each] for each in spellings if each in by_name), None)
        if written is not None:
            found[field] = written
    return _Named(found, path)


def _type_and_kind(named: _Named) -> tuple[FeedbackType, FeedbackKind | None]:
    """A kind may stand where a type does, and a type where a kind does."""
    type_, kind = None, None
    for field in ("type", "kind"):
        word = named.text(field)
        if word is None:
            continue
        as_kind, as_type = kind_named(word), type_named(word)
        if as_kind is None and as_type is None:
            known = "abnormality, product or complaint" if field == "type" else "a kind of abnormality, nor a type"
            what = f'{named.field(field)} is "{word}", which is none of {known}'
            raise Refused(400, "unknown_value", what, field=named.field(field))
        type_, kind = type_ or as_type, kind or as_kind
    if type_ is None and kind is None:
        what = f"{named.path}type is missing: abnormality, product or complaint, or the kind of an abnormality"
        raise Refused(400, "missing", what, field=f"{named.path}type")
    type_ = type_ or ABNORMALITY
    return type_, (kind or OTHER) if type_ is ABNORMALITY else None


def _occurred_at(named: _Named, received_at: datetime, *, is_live: bool) -> datetime:
    """When it happened; of what is live when it came, where a clock tells that which cannot be right."""
    field = named.field("time")
    at = _instant(named.found["time"][1], field) if "time" in named.found else None
    if at is not None and _is_timely(at, received_at):
        return at
    if is_live:
        return received_at
    if "time" not in named.found:
        raise Refused(400, "missing", f"{field} is missing", field=field)
    raise Refused(400, "untimely", f"{field} is before 2000 or in the future: the clock was never set", field=field)


def said_in(told: Mapping[str, Any], name: str) -> str | None:
    """The text of one of FIELDS; null where it is not there. Raises Refused."""
    return _named(told, "").text(name)


def _is_timely(at: datetime, received_at: datetime) -> bool:
    return EARLIEST <= at <= received_at + AHEAD


def _instant(value: object, field: str) -> datetime | None:
    """An instant of ISO 8601, or of seconds or milliseconds since 1970, be it as a text; null for none that is one.

    Raises Refused for what is no time at all.
    """
    if isinstance(value, str) and _is_number(value):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000 if abs(value) >= MILLISECONDS_FROM else value, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return calls.instant(value, field)


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False
