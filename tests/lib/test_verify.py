"""`daybook verify usage` agrees with honest tables and finds each figure that is not (SPEC T6)."""

from __future__ import annotations

import random

import polars as pl
import pytest
from click.testing import CliRunner

from lib.cli import main
from lib.jobs.refresh import refresh
from lib.settings import Settings
from lib.store import Store
from lib.usage.intake import Intake
from lib.usage.lake import Lake
from tests.lib.events import event, events
from tests.lib.test_refresh import add_tenant

pytestmark = pytest.mark.spec("T6")


def verified(home: Settings, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["verify", "usage", *words], env={"DAYBOOK_HOME": str(home.home)})
    return done.exit_code, done.stdout


@pytest.fixture
def counted(sqlite_store: Store, home: Settings) -> Settings:
    """A home with 600 events of every kind, counted in two refreshes."""
    tenant = add_tenant(sqlite_store)
    chance = random.Random(11)
    kinds = ("page_view", "page_view", "page_view", "open", "share", "page_leave", "close", "custom")
    made = []
    for _ in range(600):
        kind = chance.choice(kinds)
        place = chance.randrange(1, 3)
        page = chance.choice(["/a", "/b", '/c\'s "页"']) if kind in {"page_view", "page_leave", "share"} else None
        made.append(
            event(
                chance.randrange(260_000),
                f"v{chance.randrange(25)}",
                kind=kind,
                page=page,
                application_id=place,
                application=f"app{place}",
                session=chance.choice([None, None, f"s{chance.randrange(40)}"]),
                duration_ms=chance.choice([None, None, 1500]),
            )
        )
    rows = events(*made)
    for half in (rows[:400], rows[400:]):
        Intake(sqlite_store, home.lake).accept(tenant, "usage", "test", half)
        refresh(home, sqlite_store)
    return home


def test_honest_tables_agree(counted: Settings) -> None:
    code, said = verified(counted)
    assert code == 0, said
    assert said.endswith(", 0 differ\n")
    assert verified(counted, "--since", "2024-05-13", "--until", "2024-05-14")[0] == 0


@pytest.mark.parametrize(
    ("table", "column"), [("counts", "opens"), ("totals", "opens"), ("pages", "exits"), ("recency", "n")]
)
def test_a_changed_figure_is_found_and_named(counted: Settings, table: str, column: str) -> None:
    lake = Lake(counted.lake)
    files = lake.manifest().tenants[1]
    name = files.recency["0"][0] if table == "recency" else files.days["2024-05-13"].tables[table][0]
    rows = pl.read_parquet(lake.path(name))
    first = pl.int_range(pl.len()) == 0
    rows.with_columns(pl.when(first).then(pl.col(column) + 1).otherwise(column)).write_parquet(lake.path(name))
    code, said = verified(counted)
    assert code == 1
    assert ("active_users" if table == "recency" else f"{column}: published") in said
    assert ", 1 differ\n" in said or table == "recency"


def test_nothing_counted_has_nothing_to_differ(sqlite_store: Store, home: Settings) -> None:
    add_tenant(sqlite_store)
    assert verified(home) == (0, "acme: compared 0 figures, 0 differ\n")
