"""`/v1/feedback` and `/v1/feedback/logs`: what users tell, their images and logs. 200 once all of it is on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from lib.collect import answers, calls
from lib.collect.answers import RETRY_SECONDS, Refused
from lib.collect.bodies import Bodies, json_of
from lib.collect.cloudevents_commits import EventCommits
from lib.collect.cloudevents_routes import key_in
from lib.collect.cloudevents_types import FEEDBACK, FEEDBACK_LOG, EventType, Kept
from lib.collect.feedback import Sent, folded, sent_of
from lib.collect.feedback_forms import Form, Part, form_of, raw_of
from lib.collect.feedback_logs import SentLog, file_name, log_sent_of
from lib.errors import BadInput
from lib.feedback.files import FeedbackFiles, needed_in
from lib.feedback.pictures import picture_of
from lib.feedback.records import ImageRecord, kept_origin
from lib.store import Store, feedback, feedback_logs
from lib.store.ingest_keys import WriteKey
from lib.store.tables import FeedbackLog

JSON_BYTES = 256 * 1024
"""How large a feedback without images may be."""

IMAGES = 9
IMAGE_BYTES = 10 << 20
FORM_BYTES = 32 << 20
"""How many images a feedback may have, how large one may be, and all of them together with its text."""

LOG_BYTES = 20 << 20
"""How large an uploaded log may be."""

_FORM_EXTRA = 1 << 20
AT_ONCE = 32
"""Bodies with files that come at the same time; a further one is told to come again."""

_FIELDS = "application/x-www-form-urlencoded"
"""What curl and others say unless told otherwise, also of JSON."""
_JSON_TYPES = frozenset({"", "application/json", "text/plain", "text/json"})

KeyOf = Callable[[object], Awaitable[WriteKey]]


@dataclass
class FeedbackIntake:
    """The feedback and logs of one process. `key_of` looks up a write key, or refuses it."""

    store: Store
    bodies: Bodies
    key_of: KeyOf
    folder: Path

    def __post_init__(self) -> None:
        self._commits = EventCommits(self.store)
        self._files = FeedbackFiles(self.folder)
        self._coming = 0

    async def take(self, request: Request) -> Response:
        """A feedback: JSON, or a form with images. Raises Refused, Full and Unavailable with nothing taken in."""
        given = key_in(request)
        key = await self.key_of(given) if given else None
        media_type = _media_type(request)
        if media_type == "multipart/form-data":
            async with self._place(), form_of(request, most=FORM_BYTES, files=IMAGES) as form:
                return await self._feedback(request, key, form)
        if media_type not in {*_JSON_TYPES, _FIELDS} and not media_type.endswith("+json"):
            what = "Feedback is sent as JSON (application/json), or as a form with images (multipart/form-data)"
            raise Refused(415, "unknown_format", what, field="Content-Type")
        body = await self.bodies.read(request, JSON_BYTES)
        is_fields = media_type == _FIELDS and not body.lstrip().startswith(b"{")
        told = dict(parse_qsl(body.decode("utf-8", "replace"))) if is_fields else json_of(body)
        return await self._feedback(request, key, Form(told))  # type: ignore[arg-type]

    async def take_log(self, request: Request) -> Response:
        """A file: of a form, or the body itself. Raises Refused, Full and Unavailable with nothing taken in."""
        given = key_in(request)
        key = await self.key_of(given) if given else None
        is_form = _media_type(request) == "multipart/form-data"
        if not is_form and key is None:
            key = await self.key_of(request.query_params.get("writeKey"))
        body = form_of(request, most=LOG_BYTES + _FORM_EXTRA, files=1) if is_form else raw_of(request, most=LOG_BYTES)
        async with self._place(), body as form:
            key = key or await self.key_of(_write_key_in(form.told))
            return await self._log(request, key, form)

    def close(self) -> None:
        """Write what waits, and end."""
        self._commits.close()

    async def _feedback(self, request: Request, key: WriteKey | None, form: Form) -> Response:
        key = key or await self.key_of(_write_key_in(form.told))
        library = calls.library_of(None, None, request.headers.get("user-agent"))
        try:
            for part in form.files:
                if part.size_bytes > IMAGE_BYTES:
                    raise Refused(413, "image_too_large", f"An image is larger than {IMAGE_BYTES} bytes", part.field)
            sent = sent_of(form.told, key, datetime.now(UTC), images=len(form.files))
            if not form.files and _images_told(form.told):
                what = "Images are sent as files of a form (multipart/form-data)"
                raise Refused(400, "images_in_json", what, field="images")
        except Refused as refused:
            self._commits.note_refused(key, library, refused.reason, 1)
            raise
        # Without an id of its client it has one of ours, by which it is found again after its commit.
        origin = kept_origin(sent.record)
        async with self._placing():
            images = [await run_in_threadpool(self._stored, part) for part in form.files]
            record = replace(sent.record, images=tuple(images), origin=origin)
            await self._durable(key, library, FEEDBACK, Sent(record, sent.application), "application")
        number = await run_in_threadpool(self._found, key.tenant_id, origin)
        return answers.told(id=str(number))

    async def _log(self, request: Request, key: WriteKey, form: Form) -> Response:
        library = calls.library_of(None, None, request.headers.get("user-agent"))
        try:
            if not form.files or not form.files[0].size_bytes:
                raise Refused(400, "no_file", "There is no file, or it is empty", field="file")
            part = form.files[0]
            if part.size_bytes > LOG_BYTES:
                raise Refused(413, "too_large", f"The file is larger than {LOG_BYTES} bytes", field=part.field)
            sent = log_sent_of(form.told, key, part.name, datetime.now(UTC))
        except Refused as refused:
            self._commits.note_refused(key, library, refused.reason, 1)
            raise
        origin = kept_origin(sent.record)
        async with self._placing():
            sha256, size = await run_in_threadpool(self._files.place, part.source)
            record = replace(sent.record, sha256=sha256, size_bytes=size, origin=origin)
            await self._durable(key, library, FEEDBACK_LOG, SentLog(record, sent.application), "application")
        kept = await run_in_threadpool(self._found_log, key.tenant_id, origin)
        if kept.sha256 != sha256:  # the first copy that was accepted stays
            await run_in_threadpool(self._files.remove_unneeded, [sha256], needed_in(self.store))
        expires = kept.expires_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        return answers.told(id=str(kept.id), sha256=kept.sha256, size=kept.size_bytes, expires=expires)

    async def _durable(self, key: WriteKey, library: str, type_: EventType, sent: Any, field: str) -> None:
        """Return once it is on disk. Raises Refused where it names an application that may not be made."""
        try:
            await self._commits.durable(key, library, [Kept(type_, sent)])
        except BadInput as error:
            raise Refused(400, "too_many", str(error).rstrip("."), field=field) from error

    def _stored(self, part: Part) -> ImageRecord:
        picture = picture_of(part.source)
        sha256, size = self._files.place(part.source)
        name = file_name(part.name, "image")
        return ImageRecord(name, picture.mime, size, sha256, picture.width, picture.height)

    def _found(self, tenant_id: int, origin: bytes) -> int:
        with self.store.read(tenant_id) as session:
            return feedback.known_feedback(session, tenant_id, [origin])[origin]

    def _found_log(self, tenant_id: int, origin: bytes) -> FeedbackLog:
        with self.store.read(tenant_id) as session:
            found = feedback_logs.log_of_origin(session, tenant_id, origin)
        if found is None:  # somebody deleted it within the moment
            raise Refused(409, "deleted", "The log was deleted as it came: send it again")
        return found

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._coming >= AT_ONCE:
            what = "Too many files come in at once: send it again in a moment"
            raise Refused(429, "busy", what, retry_seconds=RETRY_SECONDS, ends_connection=True)
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    @asynccontextmanager
    async def _placing(self) -> AsyncIterator[None]:
        lock = self._files.placing()
        await run_in_threadpool(lock.__enter__)
        try:
            yield
        finally:
            lock.__exit__(None, None, None)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _write_key_in(told: object) -> object:
    if not isinstance(told, dict):
        return None
    return next((value for name, value in told.items() if folded(str(name)[:100]) == "writekey"), None)


def _images_told(told: Mapping[str, Any]) -> bool:
    named = {folded(str(name)[:100]) for name, value in told.items() if value}
    return bool(named & {"images", "image", "pictures", "screenshots"})
