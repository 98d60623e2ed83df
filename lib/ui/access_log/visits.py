"""The visits: columns, filters, what is ranked, and how a visit is drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lib.access.permissions import Permission
from lib.charts.histogram import Counted
from lib.queries.console import Console
from lib.queries.visit_filter import RESULTS, VisitFilter
from lib.ui.access_log.log import ACCOUNT, ADDRESS, COUNTRY, REGION, Choice, Log, Ranking, cell, column, columns, told
from lib.ui.listing.records import Cell
from lib.ui.sizes import size_text
from lib.words import Language, say

STATUS_CLASSES = ("2xx", "3xx", "4xx", "5xx")

_FAILED, _SERVER_FAILED = 400, 500


def _is_status(text: str) -> bool:
    return re.fullmatch(r"[1-5](xx|[0-9]{2})", text) is not None


def _outcome(result: str, language: Language) -> str:
    return say(f"access_log.outcome_{result}", language)


def _cell(console: Console, key: str, row: Mapping[str, Any]) -> Cell:
    match key:
        case "request":
            return told(" ".join(part for part in (row["method"], row["target"]) if part))
        case "status":
            return _status(row["status"])
        case "duration_ms":
            return told(duration(row["duration_ms"]))
        case "size_bytes":
            return told(None if row["size_bytes"] is None else size_text(row["size_bytes"]))
        case _:
            return cell(console, key, row)


def _status(status: int | None) -> Cell:
    if status is None:
        return {"text": ""}
    mark = "plain" if status < _FAILED else "warning" if status < _SERVER_FAILED else "failure"
    return {"text": str(status), "mark": mark}


def duration(milliseconds: int | None) -> str | None:
    """How long a request took, as it is read."""
    if milliseconds is None:
        return None
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:,.2f} s"


_COLUMNS = columns(
    (
        column("request", "method", "target", look="code wide", words="access_log.request"),
        column("method"),
        column("target", look="code wide"),
        column("status"),
        column("duration_ms", look="number", words="access_log.duration"),
        column("size_bytes", look="number"),
        column("protocol"),
        column("referrer", look="code"),
    ),
    ("at", "account", "request", "status", "duration_ms", "address_place", "user_agent"),
    (
        *("at", "account", "company", "memo", "method", "target", "status", "duration_ms", "size_bytes"),
        *("address", "place", "user_agent", "referrer", "protocol"),
    ),
)

VISITS = Log(
    key="visits",
    permission=Permission.VISIT_READ,
    filter=VisitFilter,
    queries=lambda console: console.visits,
    counted=Counted("visits", "errors", "visit_charts.alt", "visit_charts.alt_nothing", "visit_charts.point"),
    columns=_COLUMNS,
    choices=(
        ACCOUNT,
        Choice("status", "column.status", "status", STATUS_CLASSES, _is_status, free=True),
        Choice("method", "column.method", "method", free=True),
        Choice("path", "access_log.path", "target", free=True),
        ADDRESS,
        COUNTRY,
        REGION,
        Choice(
            "result",
            "access_log.outcome",
            fixed=RESULTS,
            fits=RESULTS.__contains__,
            word=_outcome,
        ),
    ),
    quick="status",
    rankings=(
        Ranking("target", "path", "access_log.top_paths", "visits_by_path", "access_log.path"),
        Ranking("address", "address", "access_log.top_addresses", "visits_by_address", "column.address"),
        Ranking("country", "country", "access_log.top_countries", "visits_by_country", "column.country"),
        Ranking("region", "region", "access_log.top_regions", "visits_by_region", "column.region"),
    ),
    failed=lambda row: (row["status"] or 0) >= _SERVER_FAILED,
    cell=_cell,
    fields=(
        *("at", "account", "company", "memo", "method", "target", "protocol", "status", "duration_ms", "size_bytes"),
        *("address", "place", "user_agent", "referrer", "id"),
    ),
)
