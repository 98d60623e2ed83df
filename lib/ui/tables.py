"""Tables: columns as records, shown with their units, and taken away in the formats of lib/export."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha256
from typing import Any

import polars as pl
import pyarrow as pa
import streamlit as st

from lib.queries.console import Console
from lib.queries.exportable import Exportable
from lib.queries.remembering import remembered
from lib.ui import downloads
from lib.ui.periods import days_of, today_in
from lib.usage.buckets import Period
from lib.usage.metrics import Metric, Unit
from lib.words import catalogue

ROW_HEIGHT = 36
MOST_ROWS_IN_SIGHT = 12
MOST_ROWS_OF_A_PAGE = 32
"""Of a table that is all there is on its page."""

MOST_ROWS_REMEMBERED = 500

OPENS_ICON = ":material/chevron_right:"


class Kind(Enum):
    """What a column holds, and so how it is shown."""

    TEXT = auto()
    WORD = auto()
    """One of a few values, each with words at `<words of the column>_<value>`."""
    TEXTS = auto()
    OPENS = auto()
    """A text that can be clicked."""
    BUTTON = auto()
    """A button with the heading's words; the frame has no such column."""
    COUNT = auto()
    RATIO = auto()
    SHARE = auto()
    SECONDS = auto()
    INSTANT = auto()


@dataclass(frozen=True)
class Column:
    """A column of a table by its key in the frame; `words` is the catalogue key of its heading."""

    key: str
    words: str
    kind: Kind = Kind.TEXT
    help_words: str = ""
    width: int | None = None


_KIND_OF_UNIT = {
    Unit.COUNT: Kind.COUNT,
    Unit.USERS: Kind.COUNT,
    Unit.RATIO: Kind.RATIO,
    Unit.SHARE: Kind.SHARE,
    Unit.SECONDS: Kind.SECONDS,
}


def metric_columns(metrics: Sequence[Metric]) -> tuple[Column, ...]:
    """A column for each metric, with its definition at the heading."""
    return tuple(
        Column(metric.key, metric.words, _KIND_OF_UNIT[metric.unit], f"{metric.words}_help") for metric in metrics
    )


def table(
    console: Console,
    name: str,
    rows: pl.DataFrame,
    columns: Sequence[Column],
    *,
    zone: str = "UTC",
    clicks: Mapping[str, Callable[[dict[str, Any]], object]] | None = None,
) -> None:
    """Show the rows; what screen readers say of it is at `table.<name>`.

    `clicks` says what a click on a cell of a column (OPENS, BUTTON) does with the cell's row. Where one column OPENS,
    a click anywhere in the row does the same.
    """
    clicks = clicks or {}
    opening = [column.key for column in columns if column.kind is Kind.OPENS and column.key in clicks]
    by_row = len(opening) == 1
    chosen = _row_clicked(name, opening[0]) if by_row else None
    choosing: dict[str, Any] = {"on_select": "rerun", "selection_mode": "single-cell"} if by_row else {}
    st.dataframe(
        _arrow(console, rows, columns, zone),
        hide_index=True,
        height="content" if len(rows) <= MOST_ROWS_IN_SIGHT else (MOST_ROWS_IN_SIGHT + 1) * ROW_HEIGHT,
        row_height=ROW_HEIGHT,
        column_config={column.key: _configured(console, name, column) for column in columns},
        key=f"table.{name}",
        placeholder="—",
        alt=console.say(f"table.{name}", rows=len(rows)),
        **choosing,
    )
    for key, act in clicks.items():
        clicked = st.session_state.get(f"table.{name}.{key}")
        if clicked is not None and 0 <= clicked["row"] < len(rows):
            act(rows.row(clicked["row"], named=True))
    if chosen is not None and chosen < len(rows):
        clicks[opening[0]](rows.row(chosen, named=True))


def _row_clicked(name: str, opening: str) -> int | None:
    """The row of the cell that was clicked, told once: no cell stays chosen, so that it can be clicked again.

    Not of the column that opens: its button tells of itself, and arrow keys move from one to the next, which a browser
    tells in the same way as clicks.
    """
    key = f"table.{name}"
    cells = st.session_state[key]["selection"]["cells"] if key in st.session_state else []
    if not cells or cells[0][1] == opening:
        return None
    st.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": []}}
    return int(cells[0][0])


def chosen_rows(
    console: Console,
    name: str,
    rows: pl.DataFrame,
    columns: Sequence[Column],
    *,
    zone: str = "UTC",
    among: str = "",
) -> list[int]:
    """Show the rows with a box before each; answers with the places of those that are chosen.

    A choice holds as long as `among`, which names the rows there are, stays the same.
    """
    selected = st.dataframe(
        rows.select(_shown(console, column, zone) for column in columns),
        hide_index=True,
        height="content" if len(rows) <= MOST_ROWS_IN_SIGHT else (MOST_ROWS_IN_SIGHT + 1) * ROW_HEIGHT,
        row_height=ROW_HEIGHT,
        on_select="rerun",
        selection_mode="multi-row",
        column_config={column.key: _configured(console, name, column) for column in columns},
        key=f"table.{name}.{among}",
        placeholder="—",
        alt=console.say(f"table.{name}", rows=len(rows)),
    )
    return [row for row in selected["selection"]["rows"] if 0 <= row < len(rows)]


def section(
    console: Console,
    words: str,
    name: str,
    ask: Callable[[], pl.DataFrame],
    columns: Sequence[Column],
    nothing: str,
    zone: str,
) -> None:
    """A heading and a table of what `ask` answers, or the words of `nothing`."""
    heading(console, words, name, ask, columns)
    rows = ask()
    if rows.is_empty():
        st.info(console.say(nothing), icon=":material/hourglass_empty:")
    else:
        table(console, name, rows, columns, zone=zone)


def heading(
    console: Console,
    words: str,
    name: str,
    ask: Callable[[], pl.DataFrame],
    columns: Sequence[Column],
    period: Period | None = None,
    *,
    minor: bool = False,
) -> None:
    """The heading of a section, or of a part of one, with the download of what `ask` answers beside it."""
    headed(console, words, taken(console, name, ask, columns, period), minor=minor)


def headed(console: Console, words: str, exportable: Exportable, *, minor: bool = False) -> None:
    """The heading of a section, or of a part of one, with the download of what it shows beside it.

    Not at the other end of the line: there a table's own tools would lie over it.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        if minor:
            st.markdown(f"**{console.say(words)}**", width="content")
        else:
            st.subheader(console.say(words), anchor=False, width="content")
        downloads.control(console, exportable)


def download(
    console: Console,
    name: str,
    ask: Callable[[], pl.DataFrame],
    columns: Sequence[Column],
    period: Period | None = None,
) -> None:
    """The download of what `ask` answers, without a heading."""
    downloads.control(console, taken(console, name, ask, columns, period))


def taken(
    console: Console,
    name: str,
    ask: Callable[[], pl.DataFrame],
    columns: Sequence[Column],
    period: Period | None = None,
) -> Exportable:
    """What `ask` answers as rows to take away, asked again for the viewer as they are at that moment.

    The file is named after the days of the period, and after today where there is none.
    """
    today = today_in(console.viewer.zone)
    first, last = days_of(period) if period else (today, today)
    headings = {column.key: column.words for column in columns if column.kind is not Kind.BUTTON}
    zone = period.zone if period else console.viewer.zone
    return Exportable.of_frame(name, headings, ask, first, last, zone)


def _arrow(console: Console, rows: pl.DataFrame, columns: Sequence[Column], zone: str) -> pl.DataFrame | pa.Table:
    """The rows as they are shown; of few rows what Streamlit would make of them, which takes it longer than the rest.

    It is known again by a hash of the rows, so that it is of whoever sees these rows.
    """

    def shown() -> pl.DataFrame:
        return rows.select(_shown(console, column, zone) for column in columns)

    if len(rows) > MOST_ROWS_REMEMBERED:
        return shown()
    told = io.BytesIO()
    rows.select(column.key for column in columns if column.key in rows.columns).write_ipc_stream(told)
    key = ("table", sha256(told.getbuffer()).digest(), tuple(columns), zone, console.viewer.language)
    return remembered(key, lambda: pa.Table.from_pandas(shown().to_pandas()), lambda table: int(table.nbytes))


def _shown(console: Console, column: Column, zone: str) -> pl.Expr:
    value = pl.col(column.key)
    match column.kind:
        case Kind.SECONDS:
            # Tenths only where they tell something; whole seconds read as a clock, 00:03:20.
            tidy = pl.when(value < 10).then(value.round(1)).otherwise(value.round(0))
            return (tidy * 1000).cast(pl.Int64).cast(pl.Duration("ms")).alias(column.key)
        case Kind.SHARE:
            return (value * 100).alias(column.key)
        case Kind.INSTANT:
            return value.dt.convert_time_zone(zone).dt.replace_time_zone(None)
        case Kind.TEXTS:
            return value.list.join(console.say("table.and"))
        case Kind.WORD:
            before = f"{column.words}_"
            known = {key.removeprefix(before): key for key in catalogue() if key.startswith(before)}
            return value.replace_strict({one: console.say(key) for one, key in known.items()}, default=value)
        case Kind.OPENS:
            return (pl.lit(f"{OPENS_ICON} ") + _without_marks(value)).alias(column.key)
        case Kind.BUTTON:
            return pl.lit(console.say(column.words)).alias(column.key)
        case _:
            return value


def _without_marks(labels: pl.Expr) -> pl.Expr:
    """A button's label is read as Markdown; a mark of width zero between colons keeps :material/...: a text."""
    return labels.str.replace_all(":", ":\u2060")


def _configured(console: Console, name: str, column: Column) -> Any:
    config, words = st.column_config, console.say(column.words)
    common: dict[str, Any] = {"width": column.width}
    if column.help_words:
        common["help"] = console.say(column.help_words)
    match column.kind:
        case Kind.OPENS | Kind.BUTTON:
            key = f"table.{name}.{column.key}"
            heading = "" if column.kind is Kind.BUTTON else words
            return config.ButtonColumn(heading, type="tertiary", alignment="left", key=key, **common)
        case Kind.INSTANT:
            return config.DatetimeColumn(words, format="YYYY-MM-DD HH:mm", **common)
        case Kind.TEXT | Kind.TEXTS | Kind.WORD:
            return config.TextColumn(words, **common)
        case _:
            return config.NumberColumn(words, format=_FORMATS[column.kind], **common)


_FORMATS = {Kind.COUNT: "%,d", Kind.RATIO: "%,.2f", Kind.SHARE: "%.1f %%", Kind.SECONDS: "compact"}
