"""`daybook export`: rows into a file, as the download buttons of the pages make it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import polars as pl

from lib.cli.asking import (
    DIMENSIONS,
    OPERATION_OPTIONS,
    PERIOD_OPTIONS,
    SIGN_IN_OPTIONS,
    USAGE_OPTIONS,
    VISIT_OPTIONS,
    operation_filter,
    operator_of,
    sign_in_filter,
    usage_filter,
    visit_filter,
    with_options,
)
from lib.cli.export_files import Target, write_file
from lib.cli.feedback import FEEDBACK_OPTIONS, feedback_filter
from lib.cli.house import House, open_house
from lib.export.formats import FORMAT_BY_KEY
from lib.logs.place_names import named_places
from lib.queries.console import Console
from lib.queries.exportable import Exportable, days_between
from lib.queries.flat_rows import sign_in_rows, usage_rows, visit_rows
from lib.queries.rooms import room
from lib.queries.sign_ins import SignInFilter, named_reasons
from lib.queries.usage import UsageQueries
from lib.queries.visit_filter import VisitFilter
from lib.usage.buckets import Grain
from lib.usage.metrics import METRIC_BY_KEY
from lib.words import Language

_FILE_OPTIONS = (
    click.option("--format", "format_key", type=click.Choice(list(FORMAT_BY_KEY)), required=True),
    click.option(
        "--output",
        type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path),
        required=True,
        help="The file to write; one that is there is replaced. - is standard output.",
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
    days = days_between(asked.period.since, asked.period.until, zone)
    figures = Exportable.of_frame("usage", _headings(rows.columns), lambda: rows, *days, zone)
    write_file(house, tenant_key, figures, Target(format_key, output, Language(language)))


@export.command()
@with_options([*PERIOD_OPTIONS, *VISIT_OPTIONS, *_FILE_OPTIONS])
def visits(
    tenant_key: str,
    since: str,
    until: str,
    zone: str,
    grain: str | None,
    limit: int | None,
    format_key: str,
    output: Path,
    language: str,
    **words: Any,
) -> None:
    """Visits in [since, until), as `daybook show visits` shows them."""
    house = open_house()
    asked = visit_filter(since, until, zone, words)
    target = Target(format_key, output, Language(language))

    def counted(console: Console) -> pl.DataFrame:
        return visit_rows(console.visits, asked, Grain(grain) if grain else None, limit)

    _write(house, tenant_key, Listed("visits", "visits", asked, grain is None and limit is None, counted), target)


@export.command("sign-ins")
@with_options([*PERIOD_OPTIONS, *SIGN_IN_OPTIONS, *_FILE_OPTIONS])
def sign_ins(
    tenant_key: str,
    since: str,
    until: str,
    zone: str,
    grain: str | None,
    limit: int | None,
    format_key: str,
    output: Path,
    language: str,
    **words: Any,
) -> None:
    """Attempts to sign in, as `daybook show sign-ins` shows them."""
    house = open_house()
    asked = sign_in_filter(since, until, zone, words)
    target = Target(format_key, output, Language(language))

    def counted(console: Console) -> pl.DataFrame:
        return sign_in_rows(console.sign_ins, asked, Grain(grain) if grain else None, limit)

    _write(house, tenant_key, Listed("sign_ins", "sign-ins", asked, grain is None and limit is None, counted), target)


@dataclass(frozen=True)
class Listed:
    """Rows of a room that a filter asks for: whole, or else what `counted` makes of them."""

    room: str
    kind: str
    asked: VisitFilter | SignInFilter
    is_whole: bool
    counted: Callable[[Console], pl.DataFrame]

    def exportable(self, console: Console) -> Exportable:
        """The rows as they can be taken away."""
        if self.is_whole:
            return room(self.room).exportable(console, self.asked.as_json())
        rows, zone = self.counted(console), self.asked.zone
        named = named_reasons(named_places(rows, console.viewer.language), console.viewer.language)
        days = days_between(self.asked.since, self.asked.until, zone)
        return Exportable.of_frame(self.kind, _headings(rows.columns), lambda: named, *days, zone)


def _write(house: House, tenant_key: str, listed: Listed, target: Target) -> None:
    viewer = replace(operator_of(house, tenant_key), language=target.language)
    write_file(house, tenant_key, listed.exportable(Console(viewer, house.store, house.settings)), target)


@export.command()
@with_options([*PERIOD_OPTIONS, *FEEDBACK_OPTIONS, *_FILE_OPTIONS])
def feedback(
    tenant_key: str, since: str, until: str, zone: str, format_key: str, output: Path, language: str, **words: Any
) -> None:
    """What users told in [since, until), as the page of user feedback lists it."""
    house = open_house()
    viewer = replace(operator_of(house, tenant_key), language=Language(language))
    asked = feedback_filter(since, until, zone, words)
    listed = room("feedback").exportable(Console(viewer, house.store, house.settings), asked.as_json())
    write_file(house, tenant_key, listed, Target(format_key, output, Language(language)))


@export.command()
@with_options([*PERIOD_OPTIONS, *OPERATION_OPTIONS, *_FILE_OPTIONS])
def operations(
    tenant_key: str,
    since: str,
    until: str,
    zone: str,
    format_key: str,
    output: Path,
    language: str,
    **words: Any,
) -> None:
    """Operations that occurred in [since, until), as the page of the operation log lists them."""
    house = open_house()
    viewer = replace(operator_of(house, tenant_key), language=Language(language))
    asked = operation_filter(since, until, zone, words)
    listed = room("operations").exportable(Console(viewer, house.store, house.settings), asked.as_json())
    write_file(house, tenant_key, listed, Target(format_key, output, Language(language)))


def _headings(columns: Iterable[str]) -> dict[str, str]:
    """The catalogue keys above columns: `column.<key>`, and after those the names of metrics."""
    named = sorted(columns, key=METRIC_BY_KEY.__contains__)
    return {key: METRIC_BY_KEY[key].words if key in METRIC_BY_KEY else f"column.{key}" for key in named}


COMMANDS: tuple[click.Command, ...] = (export,)
