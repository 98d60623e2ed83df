"""`daybook show`: figures and rows on standard output."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

import click
import polars as pl

from lib.cli.asking import (
    DIMENSIONS,
    PERIOD_OPTIONS,
    USAGE_OPTIONS,
    VISIT_OPTIONS,
    operator_of,
    usage_filter,
    with_options,
)
from lib.cli.house import open_house
from lib.export.cells import cells
from lib.export.csv import harmless
from lib.export.json_rows import json_rows
from lib.queries.flat_rows import usage_rows, visit_rows
from lib.queries.usage import UsageQueries
from lib.queries.visits import VisitFilter, VisitQueries
from lib.usage.buckets import Grain
from lib.usage.instants import instant_of

_output = click.option(
    "--format", "output", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)


@click.group()
def show() -> None:
    """Show figures and rows, as the pages do."""


@show.command()
@with_options([*PERIOD_OPTIONS, _output, *USAGE_OPTIONS])
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
    queries = UsageQueries(operator_of(house, tenant_key), house.store, house.settings.lake)
    asked = usage_filter(since, until, zone, mini_program, application)
    _write(usage_rows(queries, asked, Grain(grain), DIMENSIONS[by] if by else None), output)


@show.command()
@with_options([*PERIOD_OPTIONS, _output, *VISIT_OPTIONS])
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
    queries = VisitQueries(operator_of(house, tenant_key), house.store, house.settings.lake)
    asked = VisitFilter(instant_of(since, zone), instant_of(until, zone), zone, address, status, keyword)
    _write(visit_rows(queries, asked, Grain(grain) if grain else None, limit), output)


def _write(rows: pl.DataFrame, output: str) -> None:
    if output == "json":
        json.dump(json_rows(rows), sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    elif output == "csv":
        sys.stdout.write(harmless(cells(rows)).write_csv())
    else:
        _table(rows)


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
