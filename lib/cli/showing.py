"""`daybook show`: figures and rows on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any

import click
import polars as pl

from lib.cli.asking import (
    DIMENSIONS,
    FEEDBACK_OPTIONS,
    OPERATION_OPTIONS,
    PERIOD_OPTIONS,
    ROWS_OPTIONS,
    SIGN_IN_OPTIONS,
    USAGE_OPTIONS,
    VISIT_OPTIONS,
    operator_of,
    span_filter,
    usage_filter,
    with_options,
)
from lib.cli.house import open_house
from lib.export.cells import cells
from lib.export.csv import harmless
from lib.export.json_rows import json_rows
from lib.logs.record import COMMAND, record
from lib.queries.feedback import FeedbackQueries
from lib.queries.feedback_filter import FeedbackFilter
from lib.queries.feedback_flat import feedback_counts, feedback_rows
from lib.queries.flat_rows import log_rows, operation_counts, operation_rows, usage_rows
from lib.queries.log_reading import reading_act
from lib.queries.operation_filter import OperationFilter
from lib.queries.operations import OperationQueries
from lib.queries.sign_ins import SignInFilter, SignInQueries
from lib.queries.usage import UsageQueries
from lib.queries.visit_filter import VisitFilter
from lib.queries.visits import VisitQueries
from lib.usage.buckets import Grain

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
@with_options([*PERIOD_OPTIONS, _output, *OPERATION_OPTIONS, *ROWS_OPTIONS])
def operations(
    tenant_key: str, since: str, until: str, zone: str, output: str, grain: str | None, limit: int | None, **words: Any
) -> None:
    """Operations that occurred in [since, until): rows newest first, or counts by --grain.

    JSON has the old and new values too. That the log was read is recorded in it.
    """
    house = open_house()
    queries = OperationQueries(operator_of(house, tenant_key), house.store, house.settings.lake)
    asked = span_filter(OperationFilter, since, until, zone, words)
    frames: Iterator[pl.DataFrame]
    if grain is not None:
        frames = iter([operation_counts(queries, asked, Grain(grain))])
    else:
        frames = _first(operation_rows(queries, asked), limit)
    shown = next(frames)  # of the moment before the record of having been read
    with house.store.write(queries.viewer.tenant_id) as session:
        record(session, queries.viewer.tenant_id, COMMAND, reading_act(asked.as_json()))
    _stream(chain([shown], frames), output)


@show.command()
@with_options([*PERIOD_OPTIONS, _output, *VISIT_OPTIONS])
def visits(
    tenant_key: str, since: str, until: str, zone: str, output: str, grain: str | None, limit: int | None, **words: Any
) -> None:
    """Visits in [since, until): rows newest first, or counts by --grain."""
    house = open_house()
    queries = VisitQueries(operator_of(house, tenant_key), house.store, house.settings.lake)
    asked = span_filter(VisitFilter, since, until, zone, words)
    _write(log_rows(queries, asked, Grain(grain) if grain else None, limit), output)


@show.command("sign-ins")
@with_options([*PERIOD_OPTIONS, _output, *SIGN_IN_OPTIONS])
def sign_ins(
    tenant_key: str, since: str, until: str, zone: str, output: str, grain: str | None, limit: int | None, **words: Any
) -> None:
    """Attempts to sign in, made in [since, until): rows newest first, or counts by --grain."""
    house = open_house()
    queries = SignInQueries(operator_of(house, tenant_key), house.store)
    asked = span_filter(SignInFilter, since, until, zone, words)
    _write(log_rows(queries, asked, Grain(grain) if grain else None, limit), output)


@show.command()
@with_options([*PERIOD_OPTIONS, _output, *FEEDBACK_OPTIONS, *ROWS_OPTIONS])
def feedback(
    tenant_key: str, since: str, until: str, zone: str, output: str, grain: str | None, limit: int | None, **words: Any
) -> None:
    """What users told in [since, until): rows newest first, or counts by --grain."""
    house = open_house()
    queries = FeedbackQueries(operator_of(house, tenant_key), house.store, house.settings)
    asked = span_filter(FeedbackFilter, since, until, zone, words)
    if grain is not None:
        _write(feedback_counts(queries, asked, Grain(grain)), output)
    else:
        _stream(_first(feedback_rows(queries, asked), limit), output)


def _first(frames: Iterable[pl.DataFrame], limit: int | None) -> Iterator[pl.DataFrame]:
    left = limit
    for frame in frames:
        yield frame if left is None else frame.head(left)
        left = None if left is None else left - len(frame)
        if left is not None and left <= 0:
            return


def _stream(frames: Iterable[pl.DataFrame], output: str) -> None:
    """Write rows of which there may be more than fit into memory; those of a table are gathered, to be aligned."""
    if output == "table":
        _table(pl.concat([frame.drop("old", "new", strict=False) for frame in frames]))
        return
    is_first = True
    for frame in frames:
        if output == "csv":
            values = [pl.Series(name, map(_as_json, frame[name])) for name in ("old", "new") if name in frame.columns]
            plain = harmless(cells(frame.with_columns(values)))
            sys.stdout.write(plain.write_csv(include_header=is_first))
        else:
            rows = [json.dumps(row, ensure_ascii=False) for row in json_rows(frame)]
            sys.stdout.write(("[" if is_first else ", " if rows else "") + ", ".join(rows))
        is_first = False
    sys.stdout.write("]\n" if output == "json" else "")


def _as_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


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
