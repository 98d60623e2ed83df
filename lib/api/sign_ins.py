"""`/api/v1/sign-ins`: attempts to sign in, or how many there were, as `daybook show sign-ins` prints them."""

from __future__ import annotations

import polars as pl

from lib.access.permissions import Permission
from lib.api.logs import COUNT, INSTANT, PERIOD, period_of
from lib.api.parameters import TENANT, number_of, one_of, text_of
from lib.api.resources import MOST_ROWS, Asked, Resource, bounded, row_schema
from lib.api.visits import FROM, PLACE, USUAL_ROWS
from lib.queries.console import Console
from lib.queries.flat_rows import log_rows
from lib.queries.sign_ins import RESULTS, SignInFilter
from lib.usage.buckets import Grain

_WORDS = ("account", "result", "keyword", "address", "country", "region")


def _answer(console: Console, asked: Asked) -> pl.DataFrame:
    wanted = SignInFilter(*period_of(asked), **{name: asked[name] for name in _WORDS})
    grain = None if asked["grain"] is None else Grain(asked["grain"])
    return bounded(log_rows(console.sign_ins, wanted, grain, asked["limit"]))


_TEXT = {"type": "string"}
_SIGN_IN = row_schema(
    {
        "at": INSTANT,
        **dict.fromkeys(("account", "address"), _TEXT),
        **dict.fromkeys(("country", "region"), PLACE),
        "result": {"type": "string", "enum": list(RESULTS)},
        **dict.fromkeys(("reason", "user_agent", "tenant", "company", "memo"), _TEXT),
    }
)
_COUNTS = row_schema(
    {"bucket": INSTANT, **dict.fromkeys(("sign_ins", "failures", "accounts", "addresses"), COUNT)},
    optional=("bucket",),
)

SIGN_INS = Resource(
    path="/api/v1/sign-ins",
    summary="Attempts to sign in",
    description="Attempts to sign in to the accounts of a tenant, and those that its services send in, newest first; "
    "with `grain`, how many there were in buckets, of which empty ones are left out. `locked` was refused unseen, as "
    "the account or the address had to wait after failures. Of an IPv6 address, the /64 is kept.",
    permission=Permission.SIGN_IN_READ,
    parameters=(
        *PERIOD,
        one_of("result", RESULTS, "Only with this result."),
        text_of("keyword", "Only with this in account, address or company.", "amy"),
        text_of("address", "Only this client address.", "192.0.2.7"),
        *FROM,
        number_of("limit", "At most so many rows, the newest.", MOST_ROWS, USUAL_ROWS),
        TENANT,
    ),
    answer=_answer,
    row={"anyOf": [_SIGN_IN, _COUNTS]},
    example=(
        {
            "at": "2024-05-12T08:05:00+00:00",
            "account": "amy",
            "address": "192.0.2.7",
            "country": "reserved",
            "region": None,
            "result": "failure",
            "reason": "password",
            "user_agent": "Mozilla/5.0",
            "tenant": "demo",
            "company": "Lantern Travel",
            "memo": "",
        },
    ),
)
