"""`/v1/events`: CloudEvents of services, all of a request or none of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from lib.collect import answers, calls, keys
from lib.collect.answers import Refused
from lib.collect.bodies import Bodies
from lib.collect.cloudevents import event_of, is_batch, written_events
from lib.collect.cloudevents_commits import EventCommits
from lib.collect.cloudevents_types import Kept, type_of
from lib.collect.operations import OPERATION_BYTES
from lib.errors import BadInput
from lib.store import Store
from lib.store.ingest_keys import WriteKey

BODY_BYTES = OPERATION_BYTES
"""How large a body may be, both as it comes and unpacked."""

KEY_HEADER = "X-Daybook-Key"

_WEIGHT_BYTES = 1024
"""What counts as one event more of those that wait: large ones fill the memory sooner."""


class EventIntake:
    """The events of one process. `key_of` looks up a write key, or refuses it."""

    def __init__(self, store: Store, bodies: Bodies, key_of: Callable[[object], Awaitable[WriteKey]]) -> None:
        self._bodies = bodies
        self._key_of = key_of
        self._commits = EventCommits(store)

    async def take(self, request: Request) -> Response:
        """Take all the events of a request in, and answer then. Raises Refused with none of them taken in, Full and
        Unavailable."""
        key = await self._key_of(key_in(request))
        body = await self._bodies.read(request, BODY_BYTES)
        library = calls.library_of(None, None, request.headers.get("user-agent"))
        try:
            count, kept = _kept(request, body, key)
        except Refused as refused:
            self._commits.note_refused(key, library, refused.reason, refused.event_count)
            raise
        if kept:
            try:
                await self._commits.durable(key, library, kept, len(body) // _WEIGHT_BYTES)
            except BadInput as error:
                raise Refused(400, "too_many", str(error).rstrip("."), event_count=count) from error
        dropped = count - len(kept)
        if dropped:
            self._commits.note_refused(key, library, "policy", dropped)
        return answers.taken(received=count, dropped=dropped)

    def close(self) -> None:
        """Write what waits, and end."""
        self._commits.close()


def key_in(request: Request) -> str | None:
    """The write key of a request: in a header of its own, as a bearer's token, or as the user of Basic
    authentication."""
    said = request.headers.get("authorization", "")
    scheme, _, token = said.partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else None
    return request.headers.get(KEY_HEADER) or bearer or keys.key_in(said)


def _kept(request: Request, body: bytes, key: WriteKey) -> tuple[int, list[Kept]]:
    """How many events there are, and the records of those that are kept. Raises Refused for one that is wrong."""
    received_at = datetime.now(UTC)
    written = written_events(request.headers, body)
    kept = []
    for index, each in enumerate(written):
        try:
            event = event_of(each)
            type_ = type_of(event)
            record = type_.read(event, received_at, key)
        except Refused as refused:
            if is_batch(request.headers):
                raise refused.at(index, len(written)) from refused
            raise
        if record is not None:
            kept.append(Kept(type_, record))
    return len(written), kept
