"""An operation as it is kept: its canonical body, which is what is sealed, and the columns that derive from it."""

from __future__ import annotations

import os
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import orjson

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LOW_BITS: Final = 22
"""The bits of an id below its milliseconds: they tell operations of one millisecond apart."""

LOW_MASK: Final = (1 << LOW_BITS) - 1

LAST_INSTANT: Final = datetime(2039, 9, 1, tzinfo=UTC)
"""Ids of later instants would not fit into 63 bits."""


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """Who did what to what, when (SPEC O1). `old` and `new` are anything that JSON can say; `source` and `event_id`
    name it where it comes from outside, and stay empty for Daybook's own."""

    occurred_at: datetime
    operator: str
    module: str
    action: str
    operation_class: str
    channel: str
    product: str = "daybook"
    submodule: str = ""
    operator_id: int | None = None
    role: str = ""
    organization_id: int | None = None
    organization: str = ""
    project: str = ""
    application: str = ""
    object_type: str = ""
    object_name: str = ""
    object_id: str = ""
    result: str = "success"
    address: str = ""
    request_id: str = ""
    user_agent: str = ""
    old: Any = None
    new: Any = None
    content: str = ""
    source: str = ""
    event_id: str = ""
    is_catalogued: bool = True


# What every body tells, and the table has no column for.
_ONLY_IN_BODY = ("old", "new", "event_id", "user_agent")
_COLUMNS = tuple(name for name in OperationRecord.__slots__ if name not in _ONLY_IN_BODY)
_columns_of, _rest_of = attrgetter(*_COLUMNS), attrgetter(*_ONLY_IN_BODY)


def row_of(record: OperationRecord, tenant_id: int, operation_id: int, received_at: datetime) -> dict[str, Any]:
    """The row of a record: every column of `operation`, `body` included."""
    columns = dict(zip(_COLUMNS, _columns_of(record), strict=True))
    told = columns | dict(zip(_ONLY_IN_BODY, _rest_of(record), strict=True))
    columns["id"], columns["tenant_id"], columns["received_at"] = operation_id, tenant_id, received_at
    # A reader of JSON may keep numbers as doubles, which an id does not fit.
    told["id"], told["tenant_id"] = str(operation_id), tenant_id
    told["occurred_at"], told["received_at"] = _instant(record.occurred_at), _instant(received_at)
    columns["body"] = canonical(told)
    return columns


def canonical(told: dict[str, Any]) -> str:
    """The one JSON text of a record: keys in order, nothing that is empty, characters as they are.

    Raises TypeError for what JSON cannot say, such as half a character (a lone surrogate).
    """
    kept = {name: value for name, value in told.items() if value is not None and value != ""}
    try:
        return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # seldom: keys that are no text, values that only say themselves as one
        return orjson.dumps(kept, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


def derived(body: str) -> dict[str, Any]:
    """The columns that a body says: what the row must hold, or it was edited. Raises ValueError for another text."""
    told = orjson.loads(body)
    columns = {name: told.get(name, "") for name in _COLUMNS}
    columns |= {name: told.get(name) for name in ("operator_id", "organization_id")}
    columns |= {"id": int(told["id"]), "tenant_id": told["tenant_id"]}
    return columns | {name: datetime.fromisoformat(told[name]) for name in ("occurred_at", "received_at")}


def first_id(at: datetime) -> int:
    """The least id at or after an instant: a period is the ids in [first_id(since), first_id(until))."""
    milliseconds = -((EPOCH - at.astimezone(UTC)) // timedelta(milliseconds=1))
    return min(max(milliseconds, 0), (1 << 41) - 1) << LOW_BITS


def milliseconds_of(at: datetime) -> int:
    """Whole milliseconds since 1970: the upper bits of an id."""
    return (at.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)


class _Ids:
    """Numbers of one process that only grow, begun anywhere so that two processes seldom meet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = -1
        self._count = 0
        self._last = 0

    def next(self, at: datetime) -> int:
        with self._lock:
            if self._process != os.getpid():
                self._process, self._count = os.getpid(), secrets.randbelow(1 << LOW_BITS)
            milliseconds = milliseconds_of(at)
            # What one process did in one millisecond, or after its clock was set back a little, stays in its order.
            if self._last - 1000 < milliseconds <= self._last:
                milliseconds = self._last + (1 if self._count & LOW_MASK == LOW_MASK else 0)
            self._last = milliseconds
            self._count += 1
            return milliseconds << LOW_BITS | self._count & LOW_MASK


_ids = _Ids()


def next_id(at: datetime) -> int:
    """A 63-bit number for an operation of now: grows with time, and within the process in any case."""
    return _ids.next(at)


@lru_cache(maxsize=2)  # many records have one instant of receipt
def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
