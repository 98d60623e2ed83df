"""`daybook verify`: what is shown against what is kept."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import click
import polars as pl

from lib.access.viewer import EVERY_TENANT
from lib.cli.house import House, open_house
from lib.errors import BadInput, DaybookError
from lib.store import catalogue
from lib.usage.buckets import EARLIEST, bucket_of, start_of
from lib.usage.instants import instant_of
from lib.usage.lake import Lake
from lib.usage.published import published
from lib.usage.verify import CHECKS, begin, differences
from lib.words import Language, Phrase, say

SHOWN = 50
"""How many differences are printed of each check."""


@click.group()
def verify() -> None:
    """Check figures against an independent recount."""


@verify.command()
@click.option("--since", metavar="I", help="First instant; without it, everything is recounted.")
@click.option("--until", metavar="I", help="The instant after the last one.")
@click.option("--tenant", "tenant_key", metavar="T", help="Only this tenant.")
def usage(since: str | None, until: str | None, tenant_key: str | None) -> None:
    """Recount usage from the raw events with DuckDB and print every difference; exit code 1 when there is one."""
    house = open_house()
    first = bucket_of(instant_of(since, "UTC") if since else EARLIEST)
    found = sum(_verified(house, key, tenant_id, first, until) for key, tenant_id in _tenants(house, tenant_key))
    if found:
        raise Differences(
            what=f"{found} figures differ from the recount: run `daybook refresh --full` and verify again"
        )


class Differences(DaybookError):
    """{what}."""


def _tenants(house: House, key: str | None) -> list[tuple[str, int]]:
    if key is not None:
        return [(key, house.tenant(key).id)]
    with house.store.read(EVERY_TENANT) as session:
        return [(tenant.key, tenant.id) for tenant in catalogue.every_tenant(session)]


def _verified(house: House, key: str, tenant_id: int, first: int, until: str | None) -> int:
    tables = published(Lake(house.settings.lake), tenant_id)
    after_last = tables.totals.select(pl.col("t").max().fill_null(first) + 1).item()
    end = bucket_of(instant_of(until, "UTC")) if until else int(after_last)
    if tables.files.raw_since is not None:
        said = say("keeping.not_recountable", Language.EN, date=tables.files.raw_since)
        click.echo(f"{key}: {said}", err=True)
        if until and start_of(end) <= datetime.fromisoformat(tables.files.raw_since).replace(tzinfo=UTC):
            raise BadInput(what=Phrase("keeping.nothing_recountable", date=tables.files.raw_since))
    recounting = begin(tables, first, max(first, end))
    compared = wrong = 0
    with click.progressbar(list(CHECKS), label=f"Recounting {key}", file=sys.stderr) as checks:
        found = []
        for check in checks:
            count, rows = differences(recounting, check)
            found.append((check.key, count, rows))
    for name, count, rows in found:
        compared, wrong = compared + count, wrong + rows.height
        for row in rows.head(SHOWN).iter_rows(named=True):
            click.echo(f"{key} {name} {_sentence(row)}")
        if rows.height > SHOWN:
            click.echo(f"{key} {name}: and {rows.height - SHOWN} more")
    click.echo(f"{key}: compared {compared} figures, {wrong} differ")
    return wrong


def _sentence(row: dict[str, Any]) -> str:
    places = ("application_id", "mini_program_id", "page")
    place = "".join(f" {name}={row[name]!r}" for name in places if row[name] is not None)
    figures = f"published {row['published']}, recounted {row['recounted']}"
    return f"{start_of(row['t']).isoformat()}{place} {row['figure']}: {figures}"


COMMANDS: tuple[click.Command, ...] = (verify,)
