"""`daybook export`: what `daybook show` prints, as a file, recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.cli import main
from lib.store.tables import Operation
from tests.lib.api import Api, made_company, opened

PERIOD = ("--tenant", "acme", "--since", "2024-05-12", "--until", "2024-05-19")


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Api]:
    api = opened(made_company(tmp_path))
    yield api
    api.store.dispose()


def export(api: Api, *words: str | Path) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, words)], env={"DAYBOOK_HOME": str(api.home.home)})


@pytest.mark.spec("U7", "O3")
def test_usage_is_written_as_it_is_shown_and_recorded(acme: Api, tmp_path: Path) -> None:
    file = tmp_path / "usage.xlsx"
    words = ("--grain", "day", "--by", "page")
    done = export(acme, "usage", *PERIOD, *words, "--format", "xlsx", "--output", file, "--language", "zh")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"{file}: 4 rows.\n")
    headings, *rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    assert headings[:4] == ["时间", "页面", "访问次数", "活跃用户数"]
    shown = acme.shown(*PERIOD[2:], *words)
    assert [row[:4] for row in rows] == [
        [row["bucket"], row["page"], row["page_views"], row["active_users"]] for row in shown
    ]
    with acme.store.read(EVERY_TENANT) as session:
        act = session.scalars(select(Operation).where(Operation.module == "export")).one()
    assert (act.operator, act.channel, act.action, act.object_type) == ("command line", "system", "create", "usage")
    assert json.loads(act.new_value or "") == {"format": "xlsx", "rows": 4}


@pytest.mark.spec("L2", "O8")
def test_visits_are_written_with_their_instants_and_without_formulas(acme: Api, tmp_path: Path) -> None:
    log, file = tmp_path / "access.log", tmp_path / "visits.csv"
    log.write_text('192.0.2.1 - =cmd [12/May/2024:08:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "@x"\n')
    acme.daybook("import", "visits", str(log), "--tenant", "acme")
    assert export(acme, "visits", *PERIOD, "--format", "csv", "--output", file).exit_code == 0
    assert file.read_text("utf-8-sig").splitlines() == [
        "Time,Client address,Account,Method,Requested,Protocol,Status,Bytes sent,Referrer,User agent",
        "2024-05-12T08:00:00+00:00,192.0.2.1,'=cmd,GET,/a,HTTP/1.1,200,5,,'@x",
    ]


def test_a_file_that_cannot_be_written_leaves_no_record_and_nothing_beside(acme: Api, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "usage.csv"
    done = export(acme, "usage", *PERIOD, "--format", "csv", "--output", file)
    assert (done.exit_code, done.stderr) == (2, f"{file} cannot be written (No such file or directory).\n")
    with acme.store.read(EVERY_TENANT) as session:
        assert session.scalars(select(Operation).where(Operation.module == "export")).all() == []


@pytest.mark.parametrize("words", [("usage", *PERIOD), ("usage", *PERIOD, "--format", "pdf", "--output", "x")])
def test_wrong_use_ends_with_two(acme: Api, words: tuple[str, ...]) -> None:
    assert export(acme, *words).exit_code == 2
