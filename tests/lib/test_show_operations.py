"""`daybook show operations`: rows and counts on standard output."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from click.testing import CliRunner

from lib.cli import main
from lib.settings import Settings
from lib.store import Store
from tests.accounts import add_tenant
from tests.lib.operation_log import BASE, RECORDS, add_log

pytestmark = pytest.mark.spec("O4")

WEEK = ("--since", "2024-05-12", "--until", "2024-05-19")


@pytest.fixture
def home_with_log(home: Settings, sqlite_store: Store) -> Settings:
    add_log(sqlite_store, add_tenant(sqlite_store, "acme"))
    return home


def shown(home: Settings, *words: str, code: int = 0) -> str:
    arguments = ["show", "operations", "--tenant", "acme", *words]
    result = CliRunner().invoke(main, arguments, env={"DAYBOOK_HOME": str(home.home)})
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def as_json(home: Settings, *words: str) -> list[dict[str, Any]]:
    return list(json.loads(shown(home, *WEEK, "--format", "json", *words)))


def test_json_has_every_column_newest_first_and_old_and_new_as_values(home_with_log: Settings) -> None:
    rows = as_json(home_with_log)
    assert [row["operator"] for row in rows] == ["cid", "Bob", "Bob", "amy"]
    assert rows[2]["old"] == {**RECORDS[1].old, "status": "enabled"}
    assert rows[2]["new"]["status"] == "disabled"
    assert set(rows[0]) >= {"id", "occurred_at", "role", "organization", "channel", "address", "request_id", "content"}


def test_csv_has_the_same_rows_with_values_as_json_text(home_with_log: Settings) -> None:
    rows = list(csv.DictReader(io.StringIO(shown(home_with_log, *WEEK, "--format", "csv"))))
    assert [row["action"] for row in rows] == ["draw", "download", "edit", "create"]
    assert json.loads(rows[2]["new"])["status"] == "disabled"
    assert rows[0]["object_name"] == "'=1+1 [x](http://x)"


def test_a_table_is_for_reading(home_with_log: Settings) -> None:
    lines = shown(home_with_log, *WEEK, "--operator", "Bob").splitlines()
    assert len(lines) == 3
    assert lines[0].split()[:3] == ["id", "tenant", "occurred_at"]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--operator", "Bob", "--operator", "cid"), 3),
        (("--module", "dashboard"), 2),
        (("--keyword", "会员"), 1),
        (("--result", "failure"), 1),
        (("--limit", "3"), 3),
        (("--keyword", "no such"), 0),
    ],
)
def test_filters_narrow_it_down(home_with_log: Settings, words: tuple[str, ...], count: int) -> None:
    assert len(as_json(home_with_log, *words)) == count


def test_by_a_grain_it_counts_operations_and_failures(home_with_log: Settings) -> None:
    assert as_json(home_with_log, "--grain", "day") == [
        {"bucket": "2024-05-12T00:00:00+00:00", "operations": 1, "failures": 0},
        {"bucket": "2024-05-13T00:00:00+00:00", "operations": 2, "failures": 1},
        {"bucket": "2024-05-14T00:00:00+00:00", "operations": 1, "failures": 0},
    ]
    assert as_json(home_with_log, "--grain", "period") == [{"operations": 4, "failures": 1}]


@pytest.mark.spec("O3")
def test_the_reading_itself_is_recorded_after_what_it_shows(home_with_log: Settings) -> None:
    ever = ("--since", "2024-01-01", "--until", "2039-01-01", "--format", "json")
    assert len(json.loads(shown(home_with_log, *ever))) == 4
    last = json.loads(shown(home_with_log, *ever, "--limit", "1"))[0]
    assert (last["operator"], last["module"], last["action"]) == ("command line", "operation_log", "read")
    assert last["new"]["filter"]["since"].startswith("2024-01-01")


def test_many_rows_are_one_array(home: Settings, sqlite_store: Store) -> None:
    tenant_id = add_tenant(sqlite_store, "acme")
    add_log(sqlite_store, tenant_id, *[BASE] * 10_050)
    rows = as_json(home)
    assert len(rows) == len({row["id"] for row in rows}) == 10_050


def test_a_wrong_period_is_said(home_with_log: Settings) -> None:
    said = shown(home_with_log, "--since", "2024-05-12", "--until", "2024-05-12", code=2)
    assert len(said.splitlines()) == 1
