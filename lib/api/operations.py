"""`/api/v1/operations`: the rows that the page of the operation log lists, with their old and new values."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from lib.access.permissions import Permission
from lib.api.logs import COUNT, ID, INSTANT, PERIOD, period_of
from lib.api.parameters import TENANT, number_of, older_than, one_of, text_of
from lib.api.readings import Readings
from lib.api.resources import Asked, Resource, row_schema
from lib.logs.catalogue import CLASSES
from lib.logs.wording import CHANNELS, RESULTS
from lib.queries.console import Console
from lib.queries.flat_rows import OPERATION, operation_counts, operations_told
from lib.queries.operation_filter import OperationFilter
from lib.queries.operation_rows import ROW
from lib.store.time_ids import LAST_INSTANT
from lib.usage.buckets import Grain

MOST_AT_ONCE: Final = 1000

_WORDS = {
    "operator": "operators",
    "product": "products",
    "project": "projects",
    "application": "applications",
    "module": "modules",
    "submodule": "submodules",
    "action": "actions",
}
_FEW = {"class": ("classes", CLASSES), "channel": ("channels", CHANNELS), "result": ("results", RESULTS)}


_readings = Readings()


def _answer(console: Console, asked: Asked) -> pl.DataFrame:
    wanted = _filter(asked)
    if asked["grain"] is not None:
        rows = operation_counts(console.operations, wanted, Grain(asked["grain"]))
    else:
        page = console.operations.page(wanted, before=asked["before"], size=asked["limit"], columns=OPERATION)
        rows = operations_told(page.rows)
    _readings.note(console, wanted.as_json(), is_further_page=asked["before"] is not None and asked["grain"] is None)
    return rows


def _filter(asked: Asked) -> OperationFilter:
    given: dict[str, Any] = {field: (asked[name],) for name, field in _WORDS.items() if asked[name] is not None}
    given |= {field: (asked[name],) for name, (field, _) in _FEW.items() if asked[name] is not None}
    texts: dict[str, Any] = {name: asked[name] or "" for name in ("keyword", "object_type", "object_id")}
    since, until, zone = period_of(asked, LAST_INSTANT)
    return OperationFilter(since, until, zone, **texts, **given)


_TEXT = {"type": "string"}
_VALUE = {"description": "The value as it was recorded; null where there is none."}
_OPERATION = row_schema(
    {
        **dict.fromkeys(ROW, _TEXT),
        "id": ID,
        "occurred_at": INSTANT,
        "received_at": INSTANT,
        "is_catalogued": {"type": "boolean", "description": "Whether its product's catalogue has the operation."},
        "old": _VALUE,
        "new": _VALUE,
    }
)
_COUNTS = row_schema({"bucket": INSTANT, "operations": COUNT, "failures": COUNT}, optional=("bucket",))

OPERATIONS = Resource(
    path="/api/v1/operations",
    summary="The operation log",
    description="Operations, newest first; with `grain`, how many there were and how many of them failed, in buckets "
    "of which empty ones are left out. Reading is recorded in the log.",
    permission=Permission.OPERATION_LOG_READ,
    parameters=(
        *PERIOD,
        text_of("keyword", "Only with this in operator, object, id, content or module, in any case.", "看板"),
        *(text_of(name, f"Only this {name}, by key.", name) for name in _WORDS),
        *(one_of(name, values, f"Only this {name}.") for name, (_, values) in _FEW.items()),
        text_of("object_type", "Only objects of this type.", "dashboard"),
        text_of("object_id", "Only the object of this id.", "710034"),
        number_of("limit", "At most so many rows.", MOST_AT_ONCE, 100),
        older_than("an operation", "operations", "7529445256826723857"),
        TENANT,
    ),
    answer=_answer,
    row={"anyOf": [_OPERATION, _COUNTS]},
    example=(
        {
            "id": "7529445256826723857",
            "tenant": "demo",
            "occurred_at": "2024-05-12T09:27:19.555872+00:00",
            "received_at": "2024-05-12T09:27:20.000000+00:00",
            **dict.fromkeys(("role", "organization", "project", "application", "request_id", "source"), ""),
            "operator": "amy",
            "product": "datafinder",
            "module": "dashboard",
            "submodule": "dashboard",
            "action": "edit",
            "operation_class": "modification",
            "object_type": "dashboard",
            "object_name": "Sales",
            "object_id": "710034",
            "channel": "ui",
            "result": "success",
            "address": "192.0.2.7",
            "is_catalogued": True,
            "content": "",
            "old": {"status": "enabled"},
            "new": {"status": "disabled"},
        },
    ),
)
