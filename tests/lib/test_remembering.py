"""Answers that are kept, and tables that are drawn once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from streamlit.dataframe_util import convert_arrow_table_to_arrow_bytes, convert_pandas_df_to_arrow_bytes

from lib.queries import remembering
from lib.queries.console import Console
from lib.queries.remembering import remembered
from lib.settings import Settings
from lib.store import Store
from lib.ui import tables
from lib.ui.tables import Column, Kind
from lib.usage.lake import Lake
from lib.usage.published import published, read_ahead
from lib.usage.recency import SCOPES
from tests.lib.test_refresh import viewer_of

COLUMNS = (
    Column("name", "usage.name", Kind.OPENS),
    Column("opens", "metric.opens", Kind.COUNT),
    Column("seconds", "metric.time_per_user", Kind.SECONDS),
    Column("share", "metric.exit_rate", Kind.SHARE),
)
ROWS = pl.DataFrame(
    {"name": ["Shop :a:", "\u5546\u5e97"], "opens": [3, 4], "seconds": [2.25, 75.4], "share": [0.5, None]}
)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "_answers", type(remembering._answers)())
    monkeypatch.setattr(remembering, "_kept_bytes", 0)


def test_what_was_not_asked_for_the_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "_KEPT", 2)
    for key in ("a", "b", "a", "c"):
        remembered(key, partial("first {}".format, key))
    assert [remembered(key, partial("second {}".format, key)) for key in "acb"] == ["first a", "first c", "second b"]


def test_no_more_bytes_are_kept_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "_KEPT_BYTES", 100)
    remembered("small", lambda: "x" * 60)
    assert remembered("large", lambda: b"y" * 101) == b"y" * 101
    assert remembered("sized", lambda: 7, lambda seven: seven * 10) == 7
    assert (list(remembering._answers), remembering._kept_bytes) == (["sized"], 70)


def test_a_small_table_is_to_the_byte_what_streamlit_makes_of_its_rows(home: Settings, sqlite_store: Store) -> None:
    console = Console(viewer_of(1), sqlite_store, home)
    drawn = tables._arrow(console, ROWS, COLUMNS, "UTC")
    assert isinstance(drawn, pa.Table)
    shown = ROWS.select(tables._shown(console, column, "UTC") for column in COLUMNS)
    assert convert_arrow_table_to_arrow_bytes(drawn) == convert_pandas_df_to_arrow_bytes(shown.to_pandas())
    assert tables._arrow(console, ROWS.clone(), COLUMNS, "UTC") is drawn
    others = ROWS.with_columns(pl.col("opens") + 1)
    assert tables._arrow(console, others, COLUMNS, "UTC")["opens"].to_numpy().tolist() == [4, 5]


def test_a_large_table_is_left_to_streamlit(home: Settings, sqlite_store: Store) -> None:
    console = Console(viewer_of(1), sqlite_store, home)
    rows = pl.concat([ROWS] * 251)
    assert isinstance(tables._arrow(console, rows, COLUMNS, "UTC"), pl.DataFrame)


def test_a_lake_without_a_publication_has_nothing_to_read_ahead(tmp_path: Path) -> None:
    read_ahead(Lake(tmp_path))
    assert published(Lake(tmp_path), 1).kept(SCOPES[0]) == []
