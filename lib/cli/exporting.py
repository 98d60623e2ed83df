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
    FEEDBACK_OPTIONS,
    OPERATION_OPTIONS,
    PERIOD_OPTIONS,
    SIGN_IN_OPTIONS,
    USAGE_OPTIONS,
    VISIT_OPTIONS,
    Option,
    operator_of,
    span_filter,
    usage_filter,
    with_options,
)
from lib.cli.export_files import Target, write_file
from lib.cli.house import open_house
from lib.export.formats import FORMAT_BY_KEY
from lib.logs.place_names import named_places
from lib.queries.console import Console
from lib.queries.exportable import Exportable, days_between
from lib.queries.feedback_filter import FeedbackFilter
from lib.queries.flat_rows import log_rows, usage_rows
from lib.queries.operation_filter import OperationFilter
from lib.queries.rooms import room
from lib.queries.sign_ins import SignInFilter, named_reasons
from lib.queries.spans import SpanFilter
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


@dataclass(frozen=True)
class Log:
    """A log of which a command exports what a filter asks for: rows of a room, and where `counted` is there, also
    counts of them by --grain, or the newest --limit."""

    command: str
    help: str
    room: str
    filter: type[SpanFilter]
    options: tuple[Option, ...]
    counted: Callable[[Console, Any, Grain | None, int | None], pl.DataFrame] | None = None

    def exportable(self, console: Console, asked: SpanFilter, grain: Grain | None, limit: int | None) -> Exportable:
        """The rows as they can be taken away."""
        if self.counted is None or (grain is None and limit is None):
            return room(self.room).exportable(console, asked.as_json())
        rows, language = self.counted(console, asked, grain, limit), console.viewer.language
        named = named_reasons(named_places(rows, language), language)
        days = days_between(asked.since, asked.until, asked.zone)
        return Exportable.of_frame(self.command, _headings(rows.columns), lambda: named, *days, asked.zone)


LOGS = (
    Log(
        "visits",
        "Visits in [since, until), as `daybook show visits` shows them.",
        "visits",
        VisitFilter,
        VISIT_OPTIONS,
        lambda console, *asked: log_rows(console.visits, *asked),
    ),
    Log(
        "sign-ins",
        "Attempts to sign in, as `daybook show sign-ins` shows them.",
        "sign_ins",
        SignInFilter,
        SIGN_IN_OPTIONS,
        lambda console, *asked: log_rows(console.sign_ins, *asked),
    ),
    Log(
        "feedback",
        "What users told in [since, until), as the page of user feedback lists it.",
        "feedback",
        FeedbackFilter,
        FEEDBACK_OPTIONS,
    ),
    Log(
        "operations",
        "Operations that occurred in [since, until), as the page of the operation log lists them.",
        "operations",
        OperationFilter,
        OPERATION_OPTIONS,
    ),
)


def _export_of(log: Log) -> None:
    @export.command(log.command, help=log.help)
    @with_options([*PERIOD_OPTIONS, *log.options, *_FILE_OPTIONS])
    def _run(
        tenant_key: str,
        since: str,
        until: str,
        zone: str,
        format_key: str,
        output: Path,
        language: str,
        grain: str | None = None,
        limit: int | None = None,
        **words: Any,
    ) -> None:
        house = open_house()
        viewer = replace(operator_of(house, tenant_key), language=Language(language))
        asked = span_filter(log.filter, since, until, zone, words)
        console = Console(viewer, house.store, house.settings)
        rows = log.exportable(console, asked, Grain(grain) if grain else None, limit)
        write_file(house, tenant_key, rows, Target(format_key, output, viewer.language))


for _log in LOGS:
    _export_of(_log)


def _headings(columns: Iterable[str]) -> dict[str, str]:
    """The catalogue keys above columns: `column.<key>`, and after those the names of metrics."""
    named = sorted(columns, key=METRIC_BY_KEY.__contains__)
    return {key: METRIC_BY_KEY[key].words if key in METRIC_BY_KEY else f"column.{key}" for key in named}


COMMANDS: tuple[click.Command, ...] = (export,)
