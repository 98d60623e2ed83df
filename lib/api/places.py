"""`/api/v1/mini-programs` and `/api/v1/applications`: the keys that the other resources take."""

from __future__ import annotations

import polars as pl

from lib.access.permissions import Permission
from lib.api.parameters import TENANT, key_of
from lib.api.resources import Asked, Resource, row_schema
from lib.queries.console import Console

_TEXT = {"type": "string"}


def _mini_programs(console: Console, _asked: Asked) -> pl.DataFrame:
    return console.programs.listing().select("key", "name", "kind", "status")


def _applications(console: Console, asked: Asked) -> pl.DataFrame:
    rows = console.programs.applications(asked["mini_program"])
    return pl.DataFrame(rows, schema={"key": pl.String, "name": pl.String}, orient="row")


MINI_PROGRAMS = Resource(
    path="/api/v1/mini-programs",
    summary="Mini programs",
    description="Those that the account sees, by name.",
    permission=Permission.USAGE_READ,
    parameters=(TENANT,),
    answer=_mini_programs,
    row=row_schema(dict.fromkeys(("key", "name", "kind", "status"), _TEXT)),
    example=({"key": "shop", "name": "Shop", "kind": "retail", "status": "online"},),
)

APPLICATIONS = Resource(
    path="/api/v1/applications",
    summary="Applications",
    description="Those that the account sees, by name.",
    permission=Permission.USAGE_READ,
    parameters=(key_of("mini_program", "Only those that this mini program is linked to now.", "shop"), TENANT),
    answer=_applications,
    row=row_schema(dict.fromkeys(("key", "name"), _TEXT)),
    example=({"key": "web", "name": "Web"},),
)
