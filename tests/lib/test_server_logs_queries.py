"""Who may see and keep server logs, what is recorded, files taken away, cleaning, and health (SPEC V2, V4, V5)."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import select
from starlette.applications import Starlette

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.cli import main
from lib.errors import BadInput, NotFound, NotPermitted
from lib.jobs import cleaning
from lib.logs.files import health, rules
from lib.logs.files.access_lines import AccessLines
from lib.logs.files.folder import listing
from lib.logs.files.own import log_files
from lib.logs.files.search import Asked
from lib.logs.files.types import Level, Rule
from lib.queries.console import Console
from lib.queries.entrance import Entrance
from lib.queries.server_logs import MOST_FILES
from lib.settings import Settings
from lib.store import Store
from lib.store.runs import job_run
from lib.store.tables import Operation, ServerLogRule, SignIn
from lib.ui.log_files_route import log_files_route
from tests.accounts import add_tenant, add_viewer, open_session
from tests.lib.log_files import archive, write

SECRET = "s3cret"


def console_of(store: Store, settings: Settings, name: str) -> Console:
    """The console of an account."""
    return Console(Entrance(store).viewer_of(open_session(store, name)), store, settings)


@pytest.fixture
def root(home: Settings, sqlite_store: Store) -> Console:
    """The console of a system administrator, over some log files."""
    add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "root", None, AccountType.SYSTEM)
    write(home.log_dir, "crm_data.log", ["2026-11-22T09:00:00Z ERROR [1] a: so", "2026-11-22T09:00:01Z INFO [1] a: on"])
    archive(home.log_dir, "crm_data.2026-11-20.1.log.gz", b"2026-11-20T09:00:00Z WARN [1] a: before\n")
    write(home.log_dir, "crm_data.2026-11-21.1.log", ["2026-11-21T09:00:00Z WARN [1] a: between"])
    return console_of(sqlite_store, home, "root")


def recorded(store: Store) -> list[tuple[int, str, str, str, Mapping[str, Any] | None, Mapping[str, Any] | None]]:
    """Tenant, action, class, object's name, old and new value of what was done with server logs."""
    with store.read(EVERY_TENANT) as session:
        rows = session.scalars(select(Operation).where(Operation.module == "server_log").order_by(Operation.id))
        told = [(row, json.loads(row.body)) for row in rows]
        return [
            (row.tenant_id, row.action, row.operation_class, row.object_name, body.get("old"), body.get("new"))
            for row, body in told
        ]


@pytest.mark.spec("A4", "V4")
def test_only_system_administrators_see_server_logs(home: Settings, sqlite_store: Store) -> None:
    tenant = add_tenant(sqlite_store, "acme")
    add_viewer(sqlite_store, "plat", tenant, AccountType.PLATFORM)
    add_viewer(sqlite_store, "amy", tenant, permissions=list(Permission))
    write(home.log_dir, "crm_data.log", [SECRET])
    for name in ("plat", "amy"):
        console = console_of(sqlite_store, home, name)
        logs = console.server_logs
        for ask in (
            logs.types,
            lambda logs=logs: logs.page("crm_data", Asked()),
            lambda logs=logs: logs.note_reading("crm_data", {}),
            lambda logs=logs: logs.take(["crm_data"]),
            lambda logs=logs: logs.delete(["crm_data"]),
            lambda logs=logs: logs.change_rule("crm_data", Rule()),
            console.server_health.now,
        ):
            with pytest.raises(NotPermitted, match="server_log:"):
                ask()
    assert (home.log_dir / "crm_data.log").exists()
    assert recorded(sqlite_store) == []


@pytest.mark.spec("V2")
def test_a_changed_rule_is_kept_recorded_and_put_beside_the_logs(root: Console) -> None:
    root.server_logs.change_rule("crm_data", Rule(Level.DEBUG, 3, 7))
    root.server_logs.change_rule("crm_data", Rule(Level.DEBUG, 3, 7))
    (kept,) = [each for each in root.server_logs.types() if each.log_type.key == "crm_data"]
    assert kept.rule == Rule(Level.DEBUG, 3, 7)
    assert rules.read_rules(root.settings.log_dir)["crm_data"] == kept.rule
    assert rules.read_rules(root.settings.log_dir)["email"] == Rule()
    old, new = {"level": "INFO", "copies": 30, "days": 90}, {"level": "DEBUG", "copies": 3, "days": 7}
    assert recorded(root.store) == [(0, "change_rule", "modification", "crm_data", old, new)]


@pytest.mark.spec("V2")
def test_rules_are_kept_by_both_databases(home: Settings, store: Store) -> None:
    add_viewer(store, "root", None, AccountType.SYSTEM)
    console = console_of(store, home, "root")
    for level in (Level.ERROR, Level.TRACE):
        console.server_logs.change_rule("email", Rule(level, 1, 1))
    with store.read(EVERY_TENANT) as session:
        (row,) = session.scalars(select(ServerLogRule))
        assert (row.log_type, row.level, row.copies, row.days) == ("email", "TRACE", 1, 1)


@pytest.mark.spec("V2")
@pytest.mark.parametrize(
    "given", [(Level.UNKNOWN, 1, 1), (Level.INFO, 0, 1), (Level.INFO, 1_001, 1), (Level.INFO, 1, 0)]
)
def test_a_rule_has_its_bounds(given: tuple[Level, int, int]) -> None:
    with pytest.raises(ValueError, match=r"^(level|copies|days)$"):
        Rule(*given)


@pytest.mark.spec("V4", "O3")
def test_deleted_files_are_gone_and_recorded(root: Console) -> None:
    assert root.server_logs.delete(["crm_data", "crm_data.2026-11-20.1"]) == 2
    assert [file.key for file in listing(root.settings.log_dir)] == ["crm_data.2026-11-21.1"]
    told = recorded(root.store)
    assert [(each[1], each[2], each[3]) for each in told] == [
        ("delete", "deletion", "crm_data.log"),
        ("delete", "deletion", "crm_data.2026-11-20.1.log.gz"),
    ]
    assert told[0][4] is not None
    assert told[0][4]["size_bytes"] == 73


@pytest.mark.spec("V4")
@pytest.mark.parametrize(
    "keys",
    [[], ["passwords"], ["crm_data", "../secret"], ["/etc/passwd"], ["crm_data\0"], ["crm_data"] * (MOST_FILES + 1)],
)
def test_keys_of_nothing_delete_and_take_nothing(root: Console, keys: list[str]) -> None:
    before = listing(root.settings.log_dir)
    for act in (root.server_logs.delete, root.server_logs.take):
        with pytest.raises((NotFound, BadInput)):
            act(keys)
    with pytest.raises(NotFound):
        root.server_logs.page("../secret", Asked())
    assert listing(root.settings.log_dir) == before
    assert recorded(root.store) == []


def test_a_file_of_the_address_that_is_not_there_shows_nothing(root: Console) -> None:
    assert root.server_logs.page("crm_data", Asked(), file="email").found == ()
    page = root.server_logs.page("crm_data", Asked(), file="crm_data.2026-11-20.1")
    assert [each.entry.level for each in page.found] == [Level.WARN]


@pytest.mark.spec("O3")
def test_reading_is_recorded_with_its_filter(root: Console) -> None:
    root.server_logs.note_reading("crm_data", {"keyword": "so"})
    assert recorded(root.store) == [(0, "read", "querying", "crm_data", None, {"filter": {"keyword": "so"}})]


def fetch(root: Console, keys: str, name: str | None = "root", **headers: str) -> httpx.Response:
    """What the route answers to a browser in which that account is signed in; None is a stranger."""
    entrance = Entrance(root.store)
    token = entrance.redeem(entrance.succeed(entrance.attempt(name)).ticket).token if name else ""
    app = Starlette(routes=[log_files_route(root.store, root.settings, entrance)])

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://here", cookies={"daybook": token}
        ) as client:
            return await client.get(f"/export/server-logs/{keys}", headers=headers)

    return asyncio.run(asked())


@pytest.mark.spec("V4")
def test_one_file_is_taken_away_as_it_is_and_several_as_a_zip(root: Console) -> None:
    folder = root.settings.log_dir
    answer = fetch(root, "crm_data")
    assert answer.content == (folder / "crm_data.log").read_bytes()
    assert answer.headers["content-disposition"] == 'attachment; filename="crm_data.log"'
    assert answer.headers["content-type"] == "application/octet-stream"
    packed = fetch(root, "crm_data.2026-11-20.1")
    assert gzip.decompress(packed.content) == b"2026-11-20T09:00:00Z WARN [1] a: before\n"
    several = zipfile.ZipFile(io.BytesIO(fetch(root, "crm_data,crm_data.2026-11-20.1,crm_data").content))
    assert several.testzip() is None
    assert {name: several.read(name) for name in several.namelist()} == {
        name: (folder / name).read_bytes() for name in ("crm_data.log", "crm_data.2026-11-20.1.log.gz")
    }
    assert [(each[1], each[3]) for each in recorded(root.store)] == [
        ("download", "crm_data.log"),
        ("download", "crm_data.2026-11-20.1.log.gz"),
        ("download", "crm_data.log + 1"),
    ]


@pytest.mark.spec("A4", "V4")
def test_the_route_refuses_everybody_else_and_every_other_name(root: Console, tmp_path: Path) -> None:
    tenant = add_tenant(root.store, "other")
    add_viewer(root.store, "plat", tenant, AccountType.PLATFORM)
    add_viewer(root.store, "amy", tenant, permissions=list(Permission))
    (tmp_path / "secret").write_text(SECRET)
    (root.settings.log_dir / "email.log").symlink_to(tmp_path / "secret")
    assert {name: fetch(root, "crm_data", name).status_code for name in ("plat", "amy", None)} == {
        "plat": 403,
        "amy": 403,
        None: 401,
    }
    assert fetch(root, "crm_data", **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    for key in ("email", "..%2Fsecret", "%2Fetc%2Fpasswd", "crm_data%00", "crm_data%0A", "passwords", "x" * 9_000):
        answer = fetch(root, key)
        assert answer.status_code in {400, 404}, key
        assert SECRET not in answer.text
    assert recorded(root.store) == []


@pytest.mark.spec("V2")
def test_cleaning_puts_the_rules_beside_the_logs_and_records_what_it_removed(root: Console) -> None:
    root.server_logs.change_rule("crm_data", Rule(copies=1, days=3650))
    (root.settings.log_dir / rules.FILE).unlink()
    os.utime(root.settings.log_dir / "crm_data.2026-11-21.1.log", (0, 0))
    cleaned = cleaning.clean(root.settings, root.store)
    assert cleaned.compressed == ("crm_data.2026-11-21.1.log",)
    assert cleaned.removed == ("crm_data.2026-11-20.1.log.gz",)
    assert rules.read_rules(root.settings.log_dir)["crm_data"].copies == 1
    assert recorded(root.store)[-1] == (0, "clean", "deletion", "1", {"files": list(cleaned.removed)}, None)
    assert cleaning.clean(root.settings, root.store) == cleaning.Cleaned()
    assert len(recorded(root.store)) == 2


def test_cleaning_by_command_says_what_it_did(root: Console) -> None:
    os.utime(root.settings.log_dir / "crm_data.2026-11-21.1.log", (0, 0))
    result = CliRunner().invoke(main, ["clean-logs"], env={"DAYBOOK_HOME": str(root.settings.home)})
    assert (result.exit_code, result.output) == (0, "closed 0, compressed 1, removed 0 files\n")


@pytest.mark.spec("V5")
def test_health_counts_errors_and_warnings_by_half_hour_and_type(root: Console) -> None:
    folder = root.settings.log_dir
    now = datetime.now(UTC)
    half_hour = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)

    def line(minutes: int, rest: str) -> str:
        return f"{half_hour - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}Z {rest}"

    for each in listing(folder):
        (folder / each.name).unlink()
    archive(folder, "email.2026-11-20.1.log.gz", (line(70, "ERROR [1] a: so") + "\n").encode())
    write(folder, "email.log", [line(40, "WARN [1] a: so"), "\tERROR of a stack trace", line(20, "INFO [1] a: error")])
    write(
        folder,
        "access_log.log",
        [
            line(10, 'ERROR [1] daybook.access: 1.2.3.4 "GET /" 500 1 12ms "x"'),
            line(10, 'WARN [1] daybook.access: 1.2.3.4 "GET /" 200 1 2500ms "x"'),
            line(10, 'WARN [1] daybook.access: 1.2.3.4 "GET /" 404 1 5ms "x"'),
            line(60 * 30, 'ERROR [1] daybook.access: 1.2.3.4 "GET /" 500 1 5ms "x"'),
        ],
    )

    def counted() -> list[tuple[str, timedelta, str, int]]:
        rows = root.server_health.now().tally.counts.iter_rows()
        return [(key, half_hour - at, level, number) for key, at, level, number in rows]

    minutes = timedelta(minutes=1)
    expected = [
        ("email", 90 * minutes, "ERROR", 1),
        ("email", 60 * minutes, "WARN", 1),
        ("access_log", 30 * minutes, "ERROR", 1),
        ("access_log", 30 * minutes, "WARN", 2),
    ]
    assert counted() == expected
    with (folder / "email.log").open("a") as more:
        more.write(line(1, "ERROR [1] a: half a li"))
    assert counted() == expected
    with (folder / "email.log").open("a") as more:
        more.write("ne\n")
    assert sorted(counted()) == sorted([*expected, ("email", 30 * minutes, "ERROR", 1)])
    found = root.server_health.now()
    assert (found.failing_requests, found.tally.slow_requests) == (1, 1)


@pytest.mark.spec("V5")
def test_health_tells_failed_sign_ins_space_and_jobs_that_did_not_run(root: Console) -> None:
    with root.store.write(EVERY_TENANT) as session:
        for result in ("failure", "locked", "success"):
            at = datetime.now(UTC)
            session.add(SignIn(account_name="amy", occurred_at=at, address="1.2.3.4", user_agent="", result=result))
    with job_run(root.store, "refresh"):
        pass
    with pytest.raises(BadInput), job_run(root.store, "report"):
        raise BadInput(what="It failed")
    found = root.server_health.now()
    assert found.failed_sign_ins == 2
    assert [(late.job, late.started_at is None, late.has_failed) for late in found.late_jobs] == [
        ("purge", True, False),
        ("report", False, True),
    ]
    (disk,) = found.disks
    assert 0 < disk.free_bytes < disk.size_bytes


def test_what_is_counted_once_is_not_read_again(root: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    first = root.server_health.now().tally.counts
    monkeypatch.setattr(health, "windows_back", None)
    assert root.server_health.now().tally.counts.equals(first)


@pytest.mark.spec("V1")
def test_each_request_has_a_line_without_secrets(tmp_path: Path) -> None:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["path"] == "/breaks":
            raise RuntimeError
        status = int(scope["path"].split("/")[-1]) if scope["path"][-3:].isdecimal() else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"12345"})

    async def ask(paths: list[str]) -> None:
        transport = httpx.ASGITransport(AccessLines(app), raise_app_exceptions=False, client=("203.0.113.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            for path in paths:
                await client.get(path, headers={"User-Agent": 'x" \x1b[31m\t2'})

    paths = ["/a?token=s3cret", "/export/s3cret", "/export/server-logs/email", "/a%0Ab%22"]
    paths += ["/x/404", "/x/503", "/breaks"]
    with log_files(tmp_path):
        asyncio.run(ask([*paths, "/healthz", "/static/js/x.js", "/server_logs/_stcore/health"]))
    lines = (tmp_path / "access_log.log").read_text().splitlines()
    told = [(line.split()[1], line.split("daybook.access: ")[1]) for line in lines]
    assert [(level, *rest.split('"')[:3:2], rest.split('"')[1]) for level, rest in told] == [
        ("INFO", "203.0.113.7 ", told[0][1].split('"')[2], "GET /a"),
        ("INFO", "203.0.113.7 ", told[1][1].split('"')[2], "GET /export/(ticket)"),
        ("INFO", "203.0.113.7 ", told[2][1].split('"')[2], "GET /export/server-logs/email"),
        ("INFO", "203.0.113.7 ", told[3][1].split('"')[2], "GET /a%0Ab%22"),
        ("WARN", "203.0.113.7 ", told[4][1].split('"')[2], "GET /x/404"),
        ("ERROR", "203.0.113.7 ", told[5][1].split('"')[2], "GET /x/503"),
        ("ERROR", "203.0.113.7 ", told[6][1].split('"')[2], "GET /breaks"),
    ]
    assert [rest.split('"')[2].split()[0] for _, rest in told] == ["200", "200", "200", "200", "404", "503", "500"]
    assert all(rest.endswith('"x%22 %1B[31m%092"') for _, rest in told)
    assert SECRET not in "".join(lines)
