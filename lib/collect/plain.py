"""The usual batch of a Segment library, read field by field instead of event by event: several times as fast.

It takes what is surely right and tells nothing: whatever is unusual, it leaves to lib.collect.segment, which reads
with care and names what is wrong. Both make the same rows of the same batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import compress
from math import isfinite
from typing import Any

import orjson

from lib.collect import calls
from lib.collect.answers import Refused
from lib.collect.bodies import EVENT_BYTES
from lib.collect.calls import Call
from lib.collect.clickstreams import CHARACTERS, DURATION_MS, KINDS
from lib.collect.columns import Columns
from lib.usage.buckets import EARLIEST
from lib.usage.events import Kind

TRACKED = {name: KINDS[name] for name in ("mp_open", "page_leave", "mp_close", "mp_share")}
"""The names of `track` that mean something; any other is a custom event's."""

UNCOUNTED = frozenset(("identify", "group", "alias"))
"""Calls about who somebody is: accepted, and of no consequence, as no event happened."""

APPLICATION = "context.app.namespace"
"""The field that names an event's application, where the key does not."""

COUNTED = frozenset(("track", "page", "screen"))
TYPES = COUNTED | UNCOUNTED

APPLICATION_CHARACTERS = 200

_TEXT = frozenset((str, type(None)))
_OBJECT = frozenset((dict, type(None)))
_NUMBER = frozenset((int, float, type(None)))
_NOTHING: dict[str, Any] = {}
_CUSTOM, _PAGE_VIEW = Kind.CUSTOM.value, Kind.PAGE_VIEW.value
_PAGE = CHARACTERS["page"]

Texts = list[str | None]


class Unusual(Exception):
    """Something is wrong with a batch, or only seldom right."""


def columns_of(
    batch: Sequence[Any], size: int, shared: dict[str, Any], sent_at: datetime | None, call: Call
) -> Columns | None:
    """The events of a batch; null where one of them is unusual, or wrong."""
    try:
        return _columns(batch, size, shared, sent_at, call)
    except (Unusual, Refused, ValueError, OverflowError):
        return None


def _columns(batch: Sequence[Any], size: int, shared: dict[str, Any], sent_at: datetime | None, call: Call) -> Columns:
    _require(set(map(type, batch)) == {dict})
    _require(size <= EVENT_BYTES or max(map(len, map(orjson.dumps, batch))) <= EVENT_BYTES)
    types = [event.get("type") for event in batch]
    visitors = _texts(batch, "anonymousId", CHARACTERS["visitor"])
    _require(set(map(type, types)) == {str} and TYPES.issuperset(types) and all(visitors))
    seqs: Sequence[int] = range(len(batch))
    if not COUNTED.issuperset(types):
        counted = [type_ in COUNTED for type_ in types]
        batch, types, visitors, seqs = (list(compress(each, counted)) for each in (batch, types, visitors, seqs))
    contexts = [{**shared, **each} if shared else each for each in _objects(batch, "context")]
    properties = _objects(batch, "properties")
    _require(all(each.get("miniProgramId") in (None, call.key.mini_program) for each in properties))
    apps = _objects(contexts, "app")
    agents = [each or call.user_agent for each in _texts(contexts, "userAgent", CHARACTERS["user_agent"])]
    paths = _texts(_objects(contexts, "page"), "path", CHARACTERS["page"])
    ids = _texts(batch, "messageId", CHARACTERS["id"])
    _require(all(ids))
    return Columns(
        (
            _applications(_texts(apps, "namespace", APPLICATION_CHARACTERS), call),
            [call.key.mini_program] * len(batch),
            _instants(batch, sent_at, call),
            seqs,
            *_what(batch, types, properties, paths),
            visitors,
            _texts(contexts, "sessionId", CHARACTERS["session"]),
            _durations(properties),
            _systems(_texts(_objects(contexts, "os"), "name", CHARACTERS["os"]), agents),
            _texts(apps, "version", CHARACTERS["version"]),
            _texts(_objects(contexts, "device"), "model", CHARACTERS["device"]),
            [call.address] * len(batch),
            agents,
            ids,
        )
    )


def _require(is_usual: bool) -> None:
    if not is_usual:
        raise Unusual


def _objects(of: Iterable[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """An object inside of each; empty where it is missing."""
    values = [each.get(name) for each in of]
    _require(_OBJECT.issuperset(map(type, values)))
    return [value or _NOTHING for value in values]


def _texts(objects: Iterable[dict[str, Any]], name: str, limit: int) -> Texts:
    """A text in each; null where there is none. Whole numbers, which may stand for texts, are unusual."""
    values = [each.get(name) for each in objects]
    types = set(map(type, values))
    if types == {type(None)}:
        return values
    _require(_TEXT.issuperset(types))
    present = list(filter(None, values))
    joined = "".join(present)
    _require("\0" not in joined and (len(joined) <= limit or max(map(len, present)) <= limit))
    return values if len(present) == len(values) else [value or None for value in values]


def _applications(named: Texts, call: Call) -> Texts:
    keys = {name: calls.application_of(call.key, name, APPLICATION) for name in set(named)}
    return [keys[name] for name in named]


def _instants(batch: Sequence[dict[str, Any]], sent_at: datetime | None, call: Call) -> list[datetime]:
    said = [event.get("originalTimestamp") for event in batch]
    if None in said:
        said = [event.get("timestamp") if first is None else first for event, first in zip(batch, said, strict=True)]
    _require(set(map(type, said)) == {str} and not any(event.get("sentAt") is not None for event in batch))
    found = [datetime.fromisoformat(str(text).upper()) for text in said]  # the letters may be small ones
    if any(at.tzinfo is not UTC for at in found):
        found = [at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC) for at in found]
    first, last = min(found), max(found)
    _require(first >= EARLIEST)
    # From there on all are moved by the same, and what the first and the last may be, those between may be too.
    moved, _ = (calls.occurred_at(at, sent_at, call, "timestamp") for at in (first, last))
    return [at + (moved - first) for at in found] if moved != first else found


def _what(
    batch: Sequence[dict[str, Any]], types: Sequence[str], properties: Sequence[dict[str, Any]], paths: Texts
) -> tuple[list[str], Texts, Texts]:
    """The kinds, custom events' names, and the pages."""
    tracked, titles = _texts(batch, "event", CHARACTERS["event"]), _texts(batch, "name", _PAGE)
    others = (_texts(properties, name, _PAGE) for name in ("page", "name", "path"))
    kinds, names, pages = [], [], []
    for type_, event, title, page, name, path, second in zip(types, tracked, titles, *others, paths, strict=True):
        if type_ == "track":
            _require(event is not None)
            kind = TRACKED.get(event or "", _CUSTOM)
            found = page or second or path
        else:
            kind, found = _PAGE_VIEW, title or name or second or path
            _require(found is not None)
        kinds.append(kind)
        names.append(event if kind == _CUSTOM else None)
        pages.append(found)
    return kinds, names, pages


def _durations(properties: Sequence[dict[str, Any]]) -> list[int | None]:
    values = [each.get("duration_ms") for each in properties]
    present = [value for value in values if value is not None]
    if not present:
        return values
    _require(_NUMBER.issuperset(map(type, present)) and all(map(isfinite, present)))
    _require(min(present) >= 0 and max(present) <= DURATION_MS)
    return [None if value is None else round(value) for value in values]


def _systems(named: Texts, agents: Texts) -> list[str]:
    pairs = list(zip(named, agents, strict=True))
    families = {pair: calls.os_of(*pair) for pair in set(pairs)}
    return [families[pair] for pair in pairs]
