"""`daybook export`: what `daybook show` prints, as a file, recorded."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from lib.access.viewer import EVERY_TENANT
from lib.cli import main
from lib.settings import PROJECT_DIR
from lib.store.tables import Operation, Tenant
from tests.lib.api import Api, made_company, opened

PERIOD = ("--tenant", "acme", "--since", "2024-05-12", "--until", "2024-05-19")

VISITED = ("--tenant", "acme", "--since", "2023-05-12", "--until", "2023-05-19")


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Api]:
    api = opened(made_company(tmp_path))
    yield api
    api.store.dispose()


def export(api: Api, *words: str | Path) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, words)], env={"DAYBOOK_HOME": str(api.home.home)})


def recorded(api: Api) -> list[Operation]:
    """The exports in the operation log, in order."""
    with api.store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(Operation).where(Operation.module == "export").order_by(Operation.id)))


@pytest.mark.spec("U7", "O3")
def test_usage_is_written_as_it_is_shown_and_recorded(acme: Api, tmp_path: Path) -> None:
    file = tmp_path / "usage.xlsx"
    words = ("--grain", "day", "--by", "page")
    done = export(acme, "usage", *PERIOD, *words, "--format", "xlsx", "--output", file, "--language", "zh")
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"{file}: 4 rows, SHA-256 {sha256}\n")
    headings, *rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    assert headings[:4] == ["时间", "页面", "访问次数", "活跃用户数"]
    shown = acme.shown(*PERIOD[2:], *words)
    assert [row[:4] for row in rows] == [
        [row["bucket"], row["page"], row["page_views"], row["active_users"]] for row in shown
    ]
    (act,) = recorded(acme)
    assert (act.operator, act.channel, act.action, act.object_type) == ("command line", "system", "create", "usage")
    assert json.loads(act.body)["new"] == {
        "format": "xlsx",
        "rows": 4,
        "sha256": sha256,
        "size_bytes": file.stat().st_size,
        "replaced": 0,
        "cut": 0,
    }


@pytest.mark.spec("L2", "O8")
def test_visits_are_written_with_their_instants_and_without_formulas(acme: Api, tmp_path: Path) -> None:
    log, file = tmp_path / "access.log", tmp_path / "visits.csv"
    log.write_text('192.0.2.1 - =cmd [12/May/2023:08:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "@x"\n')
    acme.daybook("import", "visits", str(log), "--tenant", "acme")
    assert export(acme, "visits", *VISITED, "--format", "csv", "--output", file).exit_code == 0
    assert file.read_text("utf-8-sig").splitlines() == [
        "Time,Client address,Account,Method,Requested,Protocol,Status,Bytes sent,Referrer,User agent,"
        "Duration (ms),Country or area,Region,Tenant,Company,Memo",
        "2023-05-12T08:00:00+00:00,192.0.2.1,'=cmd,GET,/a,HTTP/1.1,200,5,,'@x,,Reserved address,,acme,Acme,\"\"",
    ]


def test_a_file_that_cannot_be_written_leaves_no_record_and_nothing_beside(acme: Api, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "usage.csv"
    done = export(acme, "usage", *VISITED, "--format", "csv", "--output", file)
    assert (done.exit_code, done.stderr) == (2, f"{file} cannot be written (No such file or directory).\n")
    assert recorded(acme) == []


LOG = """192.0.2.1 - 王€ [12/May/2023:08:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "x"
192.0.2.2 - - [13/May/2023:08:00:00 +0000] "GET /b HTTP/1.1" 200 5 "-" "x"
192.0.2.3 - - [13/May/2023:09:00:00 +0000] "GET /c HTTP/1.1" 404 5 "-" "x"
"""


@pytest.fixture
def visited(acme: Api, tmp_path: Path) -> Api:
    """Acme with three visits of two days, one filed and waiting again as the other two are."""
    for number, text in enumerate((LOG.splitlines()[0] + "\n", LOG)):
        log = tmp_path / f"access{number}.log"
        log.write_text(text, "utf-8")
        acme.daybook("import", "visits", str(log), "--tenant", "acme")
        if not number:
            acme.daybook("refresh")
    return acme


@pytest.mark.spec("L2", "O8")
def test_visits_in_gbk_are_newest_first_and_what_gbk_lacks_is_told(visited: Api, tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    done = export(visited, "visits", *VISITED, "--format", "csv-gbk", "--output", file, "--language", "zh")
    assert done.exit_code == 0
    assert done.stderr.splitlines()[1:] == ["1 characters that csv-gbk lacks were replaced"]
    heading, *rows = file.read_text("gbk").splitlines()
    assert heading.startswith("时间,客户端地址,账号,")
    assert [row.split(",")[:3] for row in rows] == [
        ["2023-05-13T09:00:00+00:00", "192.0.2.3", ""],
        ["2023-05-13T08:00:00+00:00", "192.0.2.2", ""],
        ["2023-05-12T08:00:00+00:00", "192.0.2.1", "王?"],
    ]
    (act,) = recorded(visited)
    asked = {"since": "2023-05-12T00:00:00+00:00", "until": "2023-05-19T00:00:00+00:00", "zone": "UTC"}
    assert json.loads(act.body)["new"]["filter"] == asked


@pytest.mark.spec("O3")
def test_what_goes_to_standard_output_is_recorded_before_and_after(visited: Api) -> None:
    done = export(visited, "visits", *VISITED, "--status", "4xx", "--format", "csv", "--output", "-")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1:] == [
        '2023-05-13T09:00:00+00:00,192.0.2.3,,GET,/c,HTTP/1.1,404,5,,x,,Reserved address,,acme,Acme,""'
    ]
    begun, created = recorded(visited)
    assert (begun.action, created.action, created.result) == ("begin", "create", "success")
    assert begun.object_id == created.object_id
    assert json.loads(created.body)["new"]["sha256"] == hashlib.sha256(done.stdout_bytes).hexdigest()


def test_an_output_that_is_closed_is_recorded_as_broken_off(visited: Api) -> None:
    words = [*VISITED, "--format", "csv", "--output", "-"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lib.cli", "export", "visits", *words],
            env={**os.environ, "DAYBOOK_HOME": str(visited.home.home)},
            cwd=PROJECT_DIR,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    begun, created = recorded(visited)
    assert (begun.action, created.action, created.result) == ("begin", "create", "failure")
    assert created.content == "the output was closed"


def test_a_full_disk_is_said_and_leaves_nothing(visited: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    file = tmp_path / "visits.xlsx"
    done = export(visited, "visits", *VISITED, "--format", "xlsx", "--output", file)
    assert (done.exit_code, done.stderr) == (2, f"{file} cannot be written (No space left on device).\n")
    assert not [each for each in tmp_path.iterdir() if "visits.xlsx" in each.name]
    assert recorded(visited) == []


@pytest.mark.parametrize("words", [("usage", *VISITED), ("usage", *VISITED, "--format", "pdf", "--output", "x")])
def test_wrong_use_ends_with_two(acme: Api, words: tuple[str, ...]) -> None:
    assert export(acme, *words).exit_code == 2


@pytest.mark.spec("O8", "I4")
def test_operations_are_written_as_the_page_lists_them(acme: Api, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    day = ("--tenant", "acme", "--since", "2024-01-01", "--until", "2038-01-01")
    words = ("--format", "csv", "--output", file, "--language", "zh")
    done = export(acme, "operations", *day, *words)
    assert done.exit_code == 0, done.output
    heading, *rows = csv.reader(file.read_text("utf-8-sig").splitlines())
    assert heading[:5] == ["记录 ID", "租户", "时间", "接收时间", "操作人"]
    with acme.store.read(EVERY_TENANT) as session:
        tenant_id = session.scalars(select(Tenant.id).where(Tenant.key == "acme")).one()
        known = select(Operation.id).where(Operation.tenant_id == tenant_id, Operation.module != "export")
        assert [int(row[0]) for row in rows] == list(session.scalars(known.order_by(Operation.id.desc())))
    assert rows
    none = export(acme, "operations", *day, "--action", "never", "--result", "failure", *words)
    assert none.stderr.startswith(f"{file}: 0 rows, ")
    (_, act) = recorded(acme)
    assert json.loads(act.body)["new"]["filter"] == {
        "since": "2024-01-01T00:00:00+00:00",
        "until": "2038-01-01T00:00:00+00:00",
        "zone": "UTC",
        "actions": ["never"],
        "results": ["failure"],
    }
