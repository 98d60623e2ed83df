"""`/api/v1/visits`: requests, or how many there were, as `daybook show visits` prints them."""

from __future__ import annotations

import polars as pl

from lib.access.permissions import Permission
from lib.api.logs import COUNT, INSTANT, PERIOD, period_of
from lib.api.parameters import TENANT, Parameter, number_of, one_of, text_of
from lib.api.resources import MOST_ROWS, Asked, Resource, bounded, row_schema
from lib.errors import BadInput
from lib.queries.console import Console
from lib.queries.flat_rows import log_rows
from lib.queries.visit_filter import RESULTS, VisitFilter
from lib.usage.buckets import Grain

USUAL_ROWS = 1000


def _answer(console: Console, asked: Asked) -> pl.DataFrame:
    wanted = VisitFilter(*period_of(asked), **{name: asked[name] for name in _WORDS})
    grain = None if asked["grain"] is None else Grain(asked["grain"])
    return bounded(log_rows(console.visits, wanted, grain, asked["limit"]))


def _status(text: str) -> str:
    is_code = len(text) == 3 and text[0] in "12345" and (text[1:] == "xx" or (text.isascii() and text[1:].isdigit()))
    if not is_code:
        raise BadInput(what="The parameter status is a code such as 404, or a class such as 5xx")
    return text


_STATUS = Parameter(
    "status",
    "Only this status, such as 404 or 5xx.",
    {"type": "string", "pattern": "^[1-5](?:xx|[0-9]{2})$"},
    _status,
    example="5xx",
)

_WORDS = ("address", "status", "keyword", "account", "method", "result", "path", "country", "region")

FROM = (
    text_of("account", "Only of this account.", "amy"),
    text_of("country", "Only from this country (ISO 3166-1), or private, loopback, reserved or unknown.", "CN"),
    text_of("region", "Only from this region (ISO 3166-2).", "CN-GD"),
)
"""Who came from where."""

PLACE = {
    "type": ["string", "null"],
    "description": "An ISO 3166 code; in place of a country also private, loopback, reserved or unknown.",
}

_TEXT = {"type": ["string", "null"]}
_NAME = {"type": "string"}
_NUMBER = {"type": ["integer", "null"]}
_VISIT = row_schema(
    {
        "at": INSTANT,
        **dict.fromkeys(("address", "account", "method", "target", "protocol", "referrer", "user_agent"), _TEXT),
        "status": _NUMBER,
        "size_bytes": _NUMBER,
        "duration_ms": _NUMBER,
        **dict.fromkeys(("country", "region"), PLACE),
        **dict.fromkeys(("tenant", "company", "memo"), _NAME),
    }
)
_COUNTS = row_schema(
    {"bucket": INSTANT, **dict.fromkeys(("visits", "visitors", "addresses", "errors", "bytes"), COUNT)},
    optional=("bucket",),
)

VISITS = Resource(
    path="/api/v1/visits",
    summary="Visits",
    description="Requests of Daybook itself, of services that send them in, and of imported access logs, newest "
    "first; with `grain`, how many there were in buckets, of which empty ones are left out: visitors are distinct "
    "address and user agent, errors are status 400 and above. An account that holds only some applications sees none: "
    "a visit belongs to no application.",
    permission=Permission.VISIT_READ,
    parameters=(
        *PERIOD,
        text_of("address", "Only this client address.", "192.0.2.7"),
        _STATUS,
        text_of("keyword", "Only with this in address, target, user agent, account or company.", "/cart"),
        text_of("method", "Only this method.", "GET"),
        one_of("result", RESULTS, "Only with a status below 400, or from 400 on."),
        text_of("path", "Only this path, whatever its query.", "/cart"),
        *FROM,
        number_of("limit", "At most so many rows, the newest.", MOST_ROWS, USUAL_ROWS),
        TENANT,
    ),
    answer=_answer,
    row={"anyOf": [_VISIT, _COUNTS]},
    example=(
        {
            "at": "2024-05-12T08:05:00+00:00",
            "address": "192.0.2.7",
            "account": None,
            "method": "GET",
            "target": "/cart",
            "protocol": "HTTP/1.1",
            "status": 200,
            "size_bytes": 5120,
            "referrer": None,
            "user_agent": "curl/8.5.0",
            "duration_ms": None,
            "country": "reserved",
            "region": None,
            "tenant": "demo",
            "company": "Lantern Travel",
            "memo": "",
        },
    ),
)
