"""The layers point down, and one layer knows each library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from lib.settings import PROJECT_DIR
from tests.house.source import Source, product, sources

PAGES_MAY_IMPORT = ("__future__", "streamlit", "polars", "plotly", "datetime", "lib")


def knows_streamlit(file: Source) -> bool:
    """Streamlit stays on the screen's side."""
    return file.imports_package("streamlit") or file.imports_package("streamlit_authenticator")


def knows_plotly(file: Source) -> bool:
    """Figures are made in one layer."""
    return file.imports_package("plotly")


def makes_an_engine(file: Source) -> bool:
    """One place decides how the database is reached."""
    return file.calls("create_engine")


def selects(file: Source) -> bool:
    """Rows are asked for where the viewer's scope is."""
    asked = ("select", "Select", "text", "insert", "update", "delete")
    named = any(name in {f"sqlalchemy.{each}" for each in asked} for name in file.imports())
    return named or ("import sqlalchemy as sa" in file.text)


RULES: dict[Callable[[Source], bool], tuple[str, ...]] = {
    knows_streamlit: ("lib/ui/", "pages/", "Home.py"),
    knows_plotly: ("lib/charts/", "pages/"),
    makes_an_engine: ("lib/store/engine.py",),
    selects: ("lib/store/", "lib/queries/"),
}

PLANTED: dict[Callable[[Source], bool], tuple[str, ...]] = {
    knows_streamlit: (
        "import streamlit as st",
        "from streamlit.web import cli",
        "def f():\n    import streamlit",
    ),
    knows_plotly: ("from plotly import graph_objects as go", "import plotly.express"),
    makes_an_engine: ("import sqlalchemy as sa\nsa.create_engine('sqlite://')", "create_engine(url)"),
    selects: (
        "from sqlalchemy import select",
        "import sqlalchemy as sa",
        "from sqlalchemy import func, text",
    ),
}


def breaches(rule: Callable[[Source], bool], files: Iterable[Source]) -> list[str]:
    """The files that do what only others may."""
    return [file.place for file in files if rule(file) and not file.place.startswith(RULES[rule])]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_only_its_own_layer_does_it(rule: Callable[[Source], bool]) -> None:
    assert breaches(rule, product()) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_way_to_do_it_elsewhere_is_caught(rule: Callable[[Source], bool]) -> None:
    for number, text in enumerate(PLANTED[rule]):
        planted = Source(f"lib/jobs/planted_{number}.py", text)
        assert breaches(rule, [planted]) == [planted.place]


def foreign(page: Source) -> list[str]:
    """What a page imports and may not."""
    return sorted({name for name in page.imports() if name.split(".")[0] not in PAGES_MAY_IMPORT})


@pytest.mark.spec("P6")
def test_a_page_imports_only_what_an_analyst_needs() -> None:
    assert {page.place: foreign(page) for page in sources("pages") if foreign(page)} == {}


def test_a_page_that_opens_a_file_or_a_database_of_its_own_is_caught() -> None:
    planted = Source("pages/planted.py", "import sqlite3\nfrom pathlib import Path\nimport polars as pl")
    assert foreign(planted) == ["pathlib", "pathlib.Path", "sqlite3"]


def lint_imports(project: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on a copy of the project."""
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [linter, "--no-cache"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(project), "NO_COLOR": "1", "COLUMNS": "200"},
    )


def test_the_layers_point_down() -> None:
    linted = lint_imports(PROJECT_DIR)
    assert linted.returncode == 0, linted.stdout


def test_an_import_that_points_up_is_caught(tmp_path: Path) -> None:
    shutil.copytree(PROJECT_DIR / "lib", tmp_path / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT_DIR / "pyproject.toml", tmp_path)
    buckets = tmp_path / "lib" / "usage" / "buckets.py"
    buckets.write_text(buckets.read_text("utf-8") + "\nfrom lib.queries import gate\n", "utf-8")
    linted = lint_imports(tmp_path)
    assert linted.returncode == 1
    assert "lib.usage.buckets -> lib.queries.gate" in linted.stdout
