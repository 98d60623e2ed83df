"""`daybook export`: rows into a file, as the download buttons of the pages make it."""

from __future__ import annotations

import os
from pathlib import Path

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
from lib.cli.house import House, open_house
from lib.errors import BadInput
from lib.export.formats import FORMATS
from lib.export.headings import headings_of
from lib.logs.record import COMMAND, record
from lib.queries.exports import export_act
from lib.queries.flat_rows import usage_rows, visit_rows
from lib.queries.usage import UsageQueries
from lib.queries.visits import VisitFilter, VisitQueries
from lib.usage.buckets import Grain
from lib.usage.instants import instant_of
from lib.words import Language

_FORMATS = {each.key: each for each in FORMATS}

_FILE_OPTIONS = (
    click.option("--format", "format_key", type=click.Choice(list(_FORMATS)), required=True),
    click.option(
        "--output",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        required=True,
        help="The file to write; one that is there is replaced.",
    ),
    click.option(
        "--language",
        type=click.Choice([language.value for language in Language]),
        default="en",
        show_default=True,
        help="The language of the headings.",
    ),
)


@click.group()
def export() -> None:
    """Write figures and rows to a file, and record it in the operation log."""


@export.command()
@with_options([*PERIOD_OPTIONS, *USAGE_OPTIONS, *_FILE_OPTIONS])
def usage(
    tenant_key: str,
    since: str,
    until: str,
    zone: str,
    mini_program: str | None,
    application: str | None,
    grain: str,
    by: str | None,
    format_key: str,
    output: Path,
    language: str,
) -> None:
    """Usage in [since, until), as `daybook show usage` shows it."""
    house = open_house()
    queries = UsageQueries(operator_of(house, tenant_key), house.store, house.settings.lake)
    asked = usage_filter(since, until, zone, mini_program, application)
    rows = usage_rows(queries, asked, Grain(grain), DIMENSIONS[by] if by else None)
    _export(house, tenant_key, "usage", rows, format_key, output, language)


@export.command()
@with_options([*PERIOD_OPTIONS, *VISIT_OPTIONS, *_FILE_OPTIONS])
def visits(
    tenant_key: str,
    since: str,
    until: str,
    zone: str,
    grain: str | None,
    address: str | None,
    status: str | None,
    keyword: str | None,
    limit: int | None,
    format_key: str,
    output: Path,
    language: str,
) -> None:
    """Visits in [since, until), as `daybook show visits` shows them."""
    house = open_house()
    queries = VisitQueries(operator_of(house, tenant_key), house.store, house.settings.lake)
    asked = VisitFilter(instant_of(since, zone), instant_of(until, zone), zone, address, status, keyword)
    rows = visit_rows(queries, asked, Grain(grain) if grain else None, limit)
    _export(house, tenant_key, "visits", rows, format_key, output, language)


def _export(
    house: House, tenant_key: str, kind: str, rows: pl.DataFrame, format_key: str, output: Path, language: str
) -> None:
    """Write the file and its record together: beside it first, and renamed in the record's transaction."""
    written = _FORMATS[format_key].write(rows, headings_of(rows.columns, Language(language)))
    beside = output.with_name(f".{output.name}.{os.getpid()}")
    act = export_act(kind, output.name, format_key, len(rows))
    tenant_id = house.tenant(tenant_key).id
    try:
        beside.write_bytes(written)
        with house.store.write(tenant_id) as session:
            record(session, tenant_id, COMMAND, act)
            session.flush()
            beside.replace(output)
    except OSError as error:
        raise BadInput(what=f"{output} cannot be written ({error.strerror})") from error
    finally:
        beside.unlink(missing_ok=True)
    click.echo(f"{output}: {len(rows)} rows.", err=True)


COMMANDS: tuple[click.Command, ...] = (export,)
