"""The list of all types: how large, how new, how many errors, by which rule."""

from __future__ import annotations

import polars as pl
import streamlit as st

from lib.queries.console import Console
from lib.queries.server_health import Health
from lib.queries.server_logs import KeptType
from lib.ui.server_logs import state
from lib.ui.sizes import size_text
from lib.ui.tables import Column, Kind, heading, table

COLUMNS = (
    Column("type", "server_logs.type", Kind.OPENS, width=150),
    Column("file_name", "server_logs.file_name", width=150),
    Column("size", "server_logs.size", width=90),
    Column("archives", "server_logs.archives", Kind.COUNT, width=80),
    Column("newest", "server_logs.newest", Kind.INSTANT, width=140),
    Column("errors", "server_logs.errors", Kind.COUNT, width=110),
    Column("warnings", "server_logs.warnings", Kind.COUNT, width=120),
    Column("level", "server_logs.level", width=100),
    Column("kept", "server_logs.kept", width=170),
)

_ROW = {
    "key": pl.String(),
    "type": pl.String(),
    "file_name": pl.String(),
    "size": pl.String(),
    "archives": pl.Int64(),
    "newest": pl.Datetime("us", "UTC"),
    "errors": pl.Int64(),
    "warnings": pl.Int64(),
    "level": pl.String(),
    "kept": pl.String(),
}


def draw(console: Console, health: Health, zone: str) -> None:
    """The table; a click on a type opens it."""
    heading(console, "server_logs.types", "log_types", lambda: _rows(console, health), COLUMNS)
    rows = _rows(console, health)
    table(console, "log_types", rows, COLUMNS, zone=zone, clicks={"type": lambda row: _open(row["key"])})


def _open(key: str) -> None:
    state.open_log(key)
    st.rerun()


def _rows(console: Console, health: Health) -> pl.DataFrame:
    counts = {(key, level): n for key, level, n in _sums(health.tally.counts).iter_rows()}
    rows = [_row(console, each, counts) for each in console.server_logs.types()]
    return pl.DataFrame(rows, schema=_ROW, orient="row")


def _row(console: Console, kept: KeptType, counts: dict[tuple[str, str], int]) -> tuple[object, ...]:
    key, files = kept.log_type.key, kept.files
    return (
        key,
        console.say(f"log_type.{key}"),
        kept.log_type.file,
        size_text(kept.size_bytes) if files else None,
        sum(file.closed_on is not None for file in files),
        max((file.written_at for file in files), default=None),
        counts.get((key, "ERROR"), 0),
        counts.get((key, "WARN"), 0),
        kept.rule.level.value,
        console.say("server_logs.kept_as", copies=kept.rule.copies, days=kept.rule.days),
    )


def _sums(counts: pl.DataFrame) -> pl.DataFrame:
    return counts.group_by("log_type", "level").agg(pl.col("entries").sum())
