"""The attempts to sign in: columns, filters, what is ranked, and how one is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.access.permissions import Permission
from lib.charts.histogram import Counted
from lib.queries.console import Console
from lib.queries.sign_ins import REASONS, RESULTS, SignInFilter
from lib.ui.access_log.log import ACCOUNT, ADDRESS, COUNTRY, REGION, Choice, Log, Ranking, cell, column, columns, told
from lib.ui.listing.records import Cell
from lib.words import Language, say

_MARKS = {"success": "plain", "failure": "failure", "locked": "warning"}


def _result(result: str, language: Language) -> str:
    return say(f"sign_in_result.{result}", language) if result in RESULTS else result


def _reason(reason: str, language: Language) -> str:
    return say(f"sign_in_reason.{reason}", language) if reason in REASONS else reason


def _cell(console: Console, key: str, row: Mapping[str, Any]) -> Cell:
    language = console.viewer.language
    match key:
        case "result":
            return {"text": _result(row["result"], language), "mark": _MARKS.get(row["result"], "unknown")}
        case "reason":
            return told(_reason(row["reason"] or "", language))
        case _:
            return cell(console, key, row)


_COLUMNS = columns(
    (column("result"), column("reason", look="name")),
    ("at", "account", "result", "reason", "address_place", "user_agent"),
    ("at", "account", "company", "memo", "tenant", "result", "reason", "address", "place", "user_agent"),
)


SIGN_INS = Log(
    key="sign_ins",
    permission=Permission.SIGN_IN_READ,
    filter=SignInFilter,
    queries=lambda console: console.sign_ins,
    counted=Counted("sign_ins", "failures", "sign_in_charts.alt", "sign_in_charts.alt_nothing", "sign_in_charts.point"),
    columns=_COLUMNS,
    choices=(
        ACCOUNT,
        Choice(
            "result",
            "column.result",
            "result",
            RESULTS,
            RESULTS.__contains__,
            _result,
        ),
        ADDRESS,
        COUNTRY,
        REGION,
    ),
    quick="result",
    rankings=(
        Ranking("account", "account", "access_log.top_accounts", "sign_ins_by_account", "column.account"),
        Ranking("address", "address", "access_log.top_addresses", "sign_ins_by_address", "column.address"),
        Ranking("country", "country", "access_log.top_countries", "sign_ins_by_country", "column.country"),
        Ranking("region", "region", "access_log.top_regions", "sign_ins_by_region", "column.region"),
    ),
    failed=lambda row: row["result"] == "failure",
    cell=_cell,
    fields=("at", "account", "company", "memo", "result", "reason", "address", "place", "user_agent", "id"),
)
