"""A section of the status page: what jobs ran, and in words what came of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from lib.queries.console import Console
from lib.ui import tables
from lib.ui.tables import Column, Kind
from lib.words import Language, catalogue, say

_COLUMNS = (
    Column("started_at", "status.started_at", Kind.INSTANT, width=130),
    Column("finished_at", "status.finished_at", Kind.INSTANT, width=130),
    Column("job", "status.job", width=80),
    Column("status", "status.run_status", Kind.WORD, width=75),
    Column("result", "run.result", width=425),
)

_WIDEST = 60
"""Characters of a message that fit into its column."""

_MOST_MESSAGES = 10


def section(console: Console, zone: str) -> None:
    """The newest runs. Messages that do not fit into the table are there in full, the newest first."""
    runs = console.status.runs()
    rows = told(runs, console.viewer.language)
    tables.section(console, "status.runs", "runs", lambda: rows, _COLUMNS, "status.no_runs", zone)
    messages = dict.fromkeys(text for text in runs["message"] if len(text) > _WIDEST)
    if messages:
        with st.expander(console.say("run.messages"), icon=":material/notes:"):
            for text in [*messages][:_MOST_MESSAGES]:
                st.code(text, language=None, wrap_lines=True)


def told(runs: pl.DataFrame, language: Language) -> pl.DataFrame:
    """The runs with a `result`: the message where there is one, else the figures in words."""
    results = [
        message or figures_text(json.loads(figures), language) if finished_at else ""
        for figures, message, finished_at in runs.select("figures", "message", "finished_at").iter_rows()
    ]
    return runs.with_columns(result=pl.Series(results, dtype=pl.String))


def figures_text(figures: Mapping[str, Any], language: Language) -> str:
    """What a run counted, without what there was none of; a figure that has no words goes by its own name."""
    counted = {key: value for key, value in figures.items() if value}
    if not counted.keys() - {"publication"}:
        return say("run.nothing", language) if figures else ""
    parts = []
    for key, value in counted.items():
        words = f"run.count_{key}"
        name = say(words, language) if words in catalogue() else key.replace("_", " ")
        count = f"{value:,}" if isinstance(value, int | float) else str(value)
        parts.append(say("run.figure", language, name=name, count=count))
    return say("run.and", language).join(parts)
