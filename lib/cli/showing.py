"""`daybook show`: figures and rows on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
import polars as pl

from lib.access.permissions import AccountType, of_type
from lib.access.viewer import EVERY_APPLICATION, Viewer
from lib.cli.house import House, open_house
from lib.errors import BadInput
from lib.export.csv import plain
from lib.queries.usage import Dimension, UsageFilter, UsageQueries
from lib.queries.visits import VisitFilter, VisitQueries
from lib.usage.buckets import BUCKET, EPOCH, Grain, Period, zone_of

_BY = {"application": "application", "mini-program": "mini_program", "page": "page", "os": "os"}

_period_options = (
    click.option("--tenant", "tenant_key", required=True, metavar="T", help="Key of the tenant."),
    click.option(
        "--since", required=True, metavar="I", help="First instant: ISO 8601; without an offset, in the zone."
    ),
    click.option("--until", required=True, metavar="I", help="The instant after the last one."),
    click.option("--zone", default="UTC", show_default=True, metavar="Z", help="IANA name of the time zone shown."),
    click.option("--format", "output", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True),
)


def _with_period(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_period_options):
        command = option(command)
    return command


@click.group()
def show() -> None:
    """Show figures and rows, as the pages do."""


@show.command()
@_with_period
@click.option("--mini-program", metavar="M", help="Key of a mini program.")
@click.option("--application", metavar="A", help="Key of an application.")
@click.option("--grain", type=click.Choice([grain.value for grain in Grain]), default="period", show_default=True)
@click.option("--by", type=click.Choice(list(_BY)), help="One row for each.")
def usage(
    tenant_key: str,
    since: str,
    until: str,
    zone: str,
    output: str,
    mini_program: str | None,
    application: str | None,
    grain: str,
    by: str | None,
) -> None:
    """Usage in [since, until), counted in half hours; users are distinct in each row."""
    house = open_house()
    viewer = _operator_of(house, tenant_key)
    period = Period(
        _on_half_hour(_instant(since, zone), since, zone), _on_half_hour(_instant(until, zone), until, zone), zone
    )
    asked = UsageFilter(period, mini_program, application)
    queries = UsageQueries(viewer, house.store, house.settings.lake)
    if by is None:
        rows = queries.trend(asked, Grain(grain), filled=False)
    else:
        dimension: Dimension = _BY[by]  # type: ignore[assignment]
        rows = queries.breakdown(asked, Grain(grain), dimension).drop("name").rename({"key": dimension})
    _write(rows.drop("bucket") if grain == Grain.PERIOD else rows, output)


@show.command()
@_with_period
@click.option("--grain", type=click.Choice([grain.value for grain in Grain]), help="Count by; without it, the rows.")
@click.option("--address", metavar="IP", help="Only this client address.")
@click.option("--status", metavar="S", help="Only this status, such as 404 or 5xx.")
@click.option("--keyword", metavar="TEXT", help="Only with this in address, target, user agent or account.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many rows, the newest.")
def visits(
    tenant_key: str,
    since: str,
    until: str,
    zone: str,
    output: str,
    grain: str | None,
    address: str | None,
    status: str | None,
    keyword: str | None,
    limit: int | None,
) -> None:
    """Visits in [since, until): rows newest first, or counts by --grain."""
    house = open_house()
    queries = VisitQueries(_operator_of(house, tenant_key), house.store, house.settings.lake)
    asked = VisitFilter(_instant(since, zone), _instant(until, zone), zone, address, status, keyword)
    if grain is None:
        _write(queries.rows(asked, limit), output)
    else:
        rows = queries.histogram(asked, Grain(grain))
        _write(rows.drop("bucket") if grain == Grain.PERIOD else rows, output)


def _operator_of(house: House, tenant_key: str) -> Viewer:
    """Whoever can run the command on the server reads the database anyway: they see what a system administrator
    sees."""
    tenant = house.tenant(tenant_key)
    return Viewer(
        account_id=0,
        account_name="command line",
        account_type=AccountType.SYSTEM,
        tenant_id=tenant.id,
        tenant_key=tenant.key,
        tenant_name=tenant.name,
        permissions=of_type(AccountType.SYSTEM),
        applications=EVERY_APPLICATION,
    )


def _instant(text: str, zone: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(what=f'"{text}" is not an instant: write 2024-05-12 or 2024-05-12T08:30:00+00:00') from error
    local = instant if instant.tzinfo else instant.replace(tzinfo=zone_of(zone))
    return local.astimezone(EPOCH.tzinfo)


def _on_half_hour(instant: datetime, text: str, zone: str) -> datetime:
    """A local midnight of a zone at :15 or :45 goes back to the half hour that it is in, and says so (SPEC T2)."""
    past = (instant - EPOCH) % BUCKET
    if past and len(text) == len("2024-05-12"):
        minutes = past.seconds // 60
        click.echo(f"{text} in {zone} begins inside a half hour: counting from {minutes} minutes before it", err=True)
        return instant - past
    return instant


def _write(rows: pl.DataFrame, output: str) -> None:
    if output == "json":
        json.dump(
            [{key: _json(value) for key, value in row.items()} for row in rows.iter_rows(named=True)],
            sys.stdout,
            ensure_ascii=False,
        )
        sys.stdout.write("\n")
    elif output == "csv":
        sys.stdout.write(plain(rows).write_csv())
    else:
        _table(rows)


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _table(rows: pl.DataFrame) -> None:
    texts = [[_cell(value) for value in row] for row in rows.iter_rows()]
    widths = [max([len(name), *(len(row[at]) for row in texts)]) for at, name in enumerate(rows.columns)]
    for line in [rows.columns, *texts]:
        click.echo("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def _cell(value: Any) -> str:
    match value:
        case None:
            return "-"
        case datetime():
            return value.isoformat()
        case float():
            return f"{value:.2f}"
        case _:
            # Control characters of a log line could rewrite the terminal.
            return "".join(char if char.isprintable() else "\ufffd" for char in str(value))


COMMANDS: tuple[click.Command, ...] = (show,)
