"""An operation as it is kept: its canonical body, which is what is sealed, and the columns that derive from it."""

from __future__ import annotations

import os
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

import orjson

from lib.store.tables import Operation
from lib.store.time_ids import LOW_BITS, LOW_MASK, milliseconds_of


@dataclass(slots=True)  # not frozen: that makes each of its many fields four times as expensive to fill
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

COLUMNS: Final = tuple(column.name for column in Operation.__table__.columns)
"""The columns of `operation`, in the order in which `values_of` lists them."""

# First who and when, then what derives from the record, the body last.
_DERIVED = tuple(name for name in COLUMNS if name in _COLUMNS and name != "occurred_at")
_derived_of = attrgetter(*_DERIVED)
_SORTED = tuple(sorted(set(OperationRecord.__slots__) - {"occurred_at"}))
_sorted_of = attrgetter(*_SORTED)


def values_of(record: OperationRecord, tenant_id: int, operation_id: int, received_at: datetime) -> tuple[Any, ...]:
    """The row of a record as `store.operations.add_rows` takes it: instants are text as columns of SQLite keep them."""
    occurred, received = _instant(record.occurred_at), _received(received_at)
    pairs = zip(_SORTED, _sorted_of(record), strict=True)
    told = {name: value for name, value in pairs if value or (value is not None and value != "")}
    # A reader of JSON may keep numbers as doubles, which an id does not fit.
    told["id"], told["tenant_id"], told["occurred_at"], told["received_at"] = (
        str(operation_id),
        tenant_id,
        occurred,
        received,
    )
    body = _written(told)
    return (tenant_id, operation_id, _kept(occurred), _kept(received), *_derived_of(record), body)


def row_of(record: OperationRecord, tenant_id: int, operation_id: int, received_at: datetime) -> dict[str, Any]:
    """The row of a record: every column of `operation`, `body` included."""
    row = dict(zip(COLUMNS, values_of(record, tenant_id, operation_id, received_at), strict=True))
    return row | {"occurred_at": record.occurred_at, "received_at": received_at}


def _written(told: dict[str, Any]) -> str:
    """The one JSON text of a record, of which nothing is empty: keys in order, characters as they are.

    Raises TypeError for what JSON cannot say, such as half a character (a lone surrogate).
    """
    try:
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # seldom: keys that are no text, values that only say themselves as one
        return orjson.dumps(told, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()


def derived(body: str) -> dict[str, Any]:
    """The columns that a body says: what the row must hold, or it was edited. Raises ValueError for another text."""
    told = orjson.loads(body)
    columns = {name: told.get(name, "") for name in _COLUMNS}
    columns |= {name: told.get(name) for name in ("operator_id", "organization_id")}
    columns |= {"id": int(told["id"]), "tenant_id": told["tenant_id"]}
    return columns | {name: datetime.fromisoformat(told[name]) for name in ("occurred_at", "received_at")}


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


def _instant(at: datetime) -> str:
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(timespec="microseconds")[:26] + "Z"


_received = lru_cache(maxsize=2)(_instant)  # many records have one instant of receipt


def _kept(instant: str) -> str:
    return f"{instant[:10]} {instant[11:26]}"
