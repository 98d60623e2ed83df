"""What every client library's call is to the collector: rows of events, read with care from what anybody may send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, NamedTuple

from lib.collect import systems
from lib.collect.answers import Refused
from lib.collect.clickstreams import CHARACTERS, DURATION_MS
from lib.collect.sources import AHEAD
from lib.errors import BadInput
from lib.store.catalogue import checked_key
from lib.store.ingest_keys import WriteKey
from lib.usage.buckets import EARLIEST

CLOCKS_AGREE = timedelta(seconds=5)
"""A difference between two clocks that may as well be the way of the request."""

LIBRARY_CHARACTERS = 60
NAME_CHARACTERS = 4096


class Row(NamedTuple):
    """An event as the writer takes it: columns of lib.usage.events.READABLE, without what only the database knows."""

    application: str
    mini_program: str
    at: datetime
    seq: int
    kind: str
    name: str | None
    page: str | None
    visitor: str
    session: str | None
    duration_ms: int | None
    os: str
    version: str | None
    device: str | None
    address: str | None
    user_agent: str | None
    event_id: str


@dataclass(frozen=True)
class Call:
    """Who calls, from where and when, and how old an event of theirs may be."""

    key: WriteKey
    received_at: datetime
    address: str | None
    user_agent: str | None
    oldest_event_days: int


@dataclass(frozen=True)
class Taken:
    """What a call brought: the events that are counted, the library that sent them, and where these name their
    application."""

    rows: Sequence[Row]
    library: str
    application_field: str


def part(of: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside an object; empty where it is missing. Raises Refused for anything else."""
    value = of.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(400, "not_an_object", f"{name} is not an object", field=name)
    return value


def text(value: object, field: str, limit: int) -> str | None:
    """A text, or a whole number as one; null where there is none. Raises Refused."""
    if isinstance(value, str):
        if len(value) > limit:
            raise Refused(400, "too_long", f"{field} is longer than {limit} characters", field=field)
        if "\0" in value:
            raise Refused(400, "nul", f"{field} has a NUL character", field=field)
        return value or None
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Refused(400, "not_a_text", f"{field} is not a text", field=field)


def instant(value: object, field: str) -> datetime | None:
    """An instant of ISO 8601, in UTC where it names no zone; null where there is none. Raises Refused."""
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError
        written = datetime.fromisoformat(value.upper())  # the letters may be small ones
        return written.replace(tzinfo=UTC) if written.tzinfo is None else written.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        what = f'{field} is not a time of ISO 8601, such as "2024-05-12T12:00:00Z"'
        raise Refused(400, "bad_time", what, field=field) from error


def occurred_at(written: datetime, sent_at: datetime | None, call: Call, field: str) -> datetime:
    """When an event happened by this machine's clock. Raises Refused where that is too old, or no clock was so wrong.

    The client's clock was wrong by what `sent_at` differs from the receipt, however far that is: libraries
    say anew with each try when they send. A difference of seconds is the request's way.
    """
    at = written
    if sent_at is not None:
        behind = call.received_at - sent_at
        if abs(behind) > CLOCKS_AGREE:
            try:
                at = written + behind
            except OverflowError:
                at = written
    if at < EARLIEST:
        what = f"{field} is {at:%Y-%m-%d %H:%M:%S} UTC, before 2000: the clock was never set"
        raise Refused(400, "untimely", what, field=field)
    if at > call.received_at + AHEAD:
        raise Refused(400, "untimely", f"{field} is {at:%Y-%m-%d %H:%M:%S} UTC, in the future", field=field)
    # Each old day is counted anew with the next refresh: a key that strangers hold must not name thousands of them.
    if at < call.received_at - timedelta(days=call.oldest_event_days):
        told = f"{at:%Y-%m-%d %H:%M:%S} UTC, more than {call.oldest_event_days} days ago"
        raise Refused(400, "untimely", f"{field} is {told}: `daybook import` takes older events", field=field)
    return at


def duration(value: object, field: str, scale: float = 1.0) -> int | None:
    """A duration in milliseconds, of a number with `scale` of them to the unit. Raises Refused."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise Refused(400, "bad_duration", f"{field} is not a number", field=field)
    if not 0 <= value * scale <= DURATION_MS:
        raise Refused(400, "bad_duration", f"{field} is negative, or longer than 31 days", field=field)
    return round(value * scale)


def application_of(key: WriteKey, named: str | None, field: str) -> str:
    """The key of the application: the one that the write key is bound to, else the one that the event names."""
    if key.application is not None:
        return key.application
    if named is None:
        what = f"{field} is missing, and the write key is of no application"
        raise Refused(400, "no_application", what, field=field)
    try:
        return checked_key(named)
    except BadInput as error:
        what = f"{field} cannot be the key of an application: use letters, digits, dots, dashes and underscores"
        raise Refused(400, "bad_application", what, field=field) from error


def visitor_of(*candidates: tuple[object, str]) -> str:
    """The first of some (id, field) that is there. Raises Refused."""
    for value, field in candidates:
        visitor = text(value, field, CHARACTERS["visitor"])
        if visitor is not None:
            return visitor
    fields = " nor ".join(field for _, field in candidates)
    raise Refused(400, "no_visitor", f"There is neither {fields}", field=candidates[0][1])


def os_of(name: str | None, user_agent: str | None) -> str:
    """The operating system that a client names, else the one of its user agent."""
    if name is not None:
        return systems.normalised(name)
    return systems.of_user_agent(user_agent) if user_agent else systems.OTHER


def library_of(name: object, version: object, user_agent: str | None) -> str:
    """A client library's name and version, for people; the user agent's first word where it does not say."""
    said = " ".join(part for part in (name, version) if isinstance(part, str))
    if not said:
        said = (user_agent or "").split(" ", 1)[0]
    return "".join(character if character.isprintable() else "?" for character in said)[:LIBRARY_CHARACTERS]
