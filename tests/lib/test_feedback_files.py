"""Feedback in files: imported, exported, read by programs; its images and logs to browsers; logs that expire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from starlette.applications import Starlette

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT
from lib.api import reading
from lib.cli import main
from lib.jobs.feedback_logs import remove_expired_logs
from lib.queries.entrance import Entrance
from lib.queries.own_tokens import OwnTokens
from lib.queries.rooms import room
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Feedback, FeedbackLog, MiniProgram, RolePermission
from lib.ui.feedback_route import feedback_routes
from tests.lib.collecting import Collecting
from tests.lib.companies import operations, viewer
from tests.lib.feedbacks import DAY, EVERY, EVERY_LOG, PIXEL, console, image, keep, keep_log, told

HOSTILE_NAME = 'x"\r\nSet-Cookie: a=b; <script>.log'


@pytest.fixture(autouse=True)
def _at_home(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_HOME", str(home.home))


@pytest.fixture
def kept(collecting: Collecting, home: Settings) -> tuple[Settings, Store]:
    """Three feedbacks of Acme with images and logs, and the right to see feedback for an ordinary account."""
    store = collecting.store
    html = image(home, b"<html><script>alert(1)</script>", "shot.png")
    keep(
        store,
        [
            told(store, "with images", minutes=1, images=(image(home), html), contact="13800138000"),
            told(store, "=1+1", minutes=2, type="abnormality", kind="slow", log_ref="l-1"),
            told(store, "投诉", minutes=3, type="complaint", log_ref="l-2", images=(image(home),)),
        ],
    )
    keep_log(home, store, "slow.log", minutes=2, client_id="l-1")
    keep_log(home, store, HOSTILE_NAME, b"<script>", minutes=3, client_id="l-2")
    with store.write(EVERY_TENANT) as session:
        role = session.scalars(select(RolePermission.role_id).where(RolePermission.tenant_id == 1)).first()
        for permission in (Permission.FEEDBACK_READ, Permission.EXPORT_CREATE):
            granted = session.scalars(select(RolePermission).where(RolePermission.role_id == role)).all()
            if permission.value not in {each.permission for each in granted}:
                session.add(RolePermission(tenant_id=1, role_id=role, permission=permission.value))
    return home, store


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def imported(path: Path, *more: str) -> str:
    result = run("import", "feedback", path, "--tenant", "acme", *more)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def kept_rows(store: Store) -> dict[str, Feedback]:
    with store.read(EVERY_TENANT) as session:
        return {row.content: row for row in session.scalars(select(Feedback))}


def fetched(kept: tuple[Settings, Store], path: str, name: str | None, **headers: str) -> httpx.Response:
    """What the routes answer to a browser in which that account is signed in; None is a stranger."""
    settings, store = kept
    entrance = Entrance(store)
    token = entrance.redeem(entrance.succeed(entrance.attempt(name)).ticket).token if name else ""
    app = Starlette(routes=feedback_routes(store, settings, entrance))

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", cookies={"daybook": token}) as client:
            return await client.get(path, headers=headers)

    return asyncio.run(asked())


@pytest.mark.spec("I3", "F2")
def test_csv_and_ndjson_are_imported_once_and_bad_lines_set_aside(collecting: Collecting, tmp_path: Path) -> None:
    lines = [
        {
            "id": "a",
            "kind": "crash",
            "content": "一",
            "time": "2026-03-02T01:00:00Z",
            "user": {"id": "u-9"},
            "app": "new",
        },
        {"type": "投诉", "content": "two", "time": 1772413200000},
        {"type": "product", "content": "no time"},
        {"type": "anger", "content": "x", "time": 0},
        ["no object"],
    ]
    ndjson = tmp_path / "feedback.ndjson"
    ndjson.write_text("\n".join(json.dumps(line) for line in lines) + "\n{broken\n", "utf-8")
    told_of = imported(ndjson, "--format", "ndjson", "--mini-program", "shop", "--map", "user=user.id")
    assert told_of.startswith("read 6, accepted 2, repeated 0, refused 4 (set aside in ")
    rejects = Path(told_of.rpartition("set aside in ")[2].rstrip(")")).read_text("utf-8")
    assert "time is missing" in rejects
    assert "not a JSON object" in rejects
    again = imported(ndjson, "--format", "ndjson", "--mini-program", "shop", "--map", "user=user.id")
    assert again.startswith("read 6, accepted 0, repeated 2, refused 4")
    rows = kept_rows(collecting.store)
    assert (rows["一"].kind, rows["一"].user_id, rows["一"].source) == ("crash", "u-9", "import")
    assert rows["two"].type == "complaint"
    assert collecting.applications()["new"] == "import"
    csv = tmp_path / "feedback.csv"
    csv.write_text(
        'Mini program,Type,What,Time\nnews,product,"a, ""b""",2026-03-02 03:00:00\nnews,,c,2026-03-02\n', "utf-8"
    )
    summary = imported(csv, "--format", "csv", "--map", "content=What")
    assert summary.startswith("read 2, accepted 1, repeated 0, refused 1")
    assert kept_rows(collecting.store)['a, "b"'].type == "product"
    with collecting.store.read(EVERY_TENANT) as session:
        assert session.scalars(select(MiniProgram.source).where(MiniProgram.key == "news")).one() == "import"
    acts = [row for row in operations(collecting.store) if (row.module, row.action) == ("feedback", "import")]
    assert len(acts) == 3
    for wrong in (["--map", "rage=x"], ["--map", "content=None"]):
        result = run("import", "feedback", csv, "--tenant", "acme", "--format", "csv", *wrong)
        assert result.exit_code == 2


@pytest.mark.spec("F2", "F4", "I3")
def test_what_is_exported_is_what_is_counted_and_can_be_imported(kept: tuple[Settings, Store], tmp_path: Path) -> None:
    span = ("--since", "2026-03-02", "--until", "2026-03-03")
    file = tmp_path / "feedback.csv"
    result = run("export", "feedback", "--tenant", "acme", *span, "--format", "csv", "--output", file)
    assert result.exit_code == 0, result.output
    rows = pl.read_csv(file, infer_schema=False)
    assert rows.height == console(*kept).feedback.total(EVERY) == 3
    assert rows["Content"].to_list() == ["投诉", "'=1+1", "with images"]
    assert rows["Type"].to_list() == ["Complaint", "Functional abnormality", "Product feedback"]
    assert rows["Contact"].to_list() == ["", "", "13800138000"]
    chinese = tmp_path / "zh.csv"
    assert run(
        "export", "feedback", "--tenant", "acme", *span, "--format", "csv", "--output", chinese, "--language", "zh",
    ).exit_code == 0  # fmt: skip
    assert imported(file, "--format", "csv").startswith("read 3, accepted 3")
    assert imported(chinese, "--format", "csv").startswith("read 3, accepted 0, repeated 3")
    seen = console(*kept, "acme-ordinary", Permission.FEEDBACK_READ)
    listed = room("feedback").exportable(seen, EVERY.as_json())
    frames = list(listed.rows())
    assert "contact" not in listed.headings
    assert sum(frame.height for frame in frames) == listed.count() == 4  # no complaint
    shown = run("show", "feedback", "--tenant", "acme", *span, "--grain", "period", "--format", "json")
    assert json.loads(shown.stdout) == [{"count": 6, "abnormality": 2, "product": 2, "complaint": 2}]
    listed_json = run("show", "feedback", "--tenant", "acme", *span, "--format", "json", "--limit", "2").stdout
    assert [row["content"] for row in json.loads(listed_json)] == ["投诉", "投诉"]


@pytest.mark.spec("I4", "A6", "F4")
def test_the_read_api_has_the_same_permissions(kept: tuple[Settings, Store]) -> None:
    settings, store = kept
    app = Starlette(routes=reading.routes(store, settings))

    def asked(name: str, query: str) -> tuple[int, Any]:
        token = OwnTokens(viewer(store, name), store).add(name, 1)

        async def get() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
                headers = {"Authorization": f"Bearer {token}"}
                return await client.get(f"/api/v1/feedback?since=2026-03-02&until=2026-03-03{query}", headers=headers)

        answer = asyncio.run(get())
        return answer.status_code, answer.json()

    status, rows = asked("acme-platform", "")
    assert (status, [row["content"] for row in rows]) == (200, ["投诉", "=1+1", "with images"])
    assert rows[2]["contact"] == "13800138000"
    status, further = asked("acme-platform", f"&before={rows[0]['id']}&limit=1")
    assert [row["content"] for row in further] == ["=1+1"]
    assert asked("acme-platform", "&grain=period")[1] == [{"count": 3, "abnormality": 1, "product": 1, "complaint": 1}]
    assert asked("acme-platform", "&type=rage")[0] == 400
    status, rows = asked("acme-ordinary", "")
    assert [(row["content"], row["contact"]) for row in rows] == [("=1+1", None), ("with images", None)]
    assert asked("acme-ordinary", "&grain=period")[1] == [{"count": 2, "abnormality": 1, "product": 1}]
    assert asked("acme-ordinary", "&type=complaint")[0] == 403
    assert asked("acme-listed", "")[0] == 403


@pytest.mark.spec("F2", "F3", "A4", "A6")
def test_images_and_logs_go_only_to_who_may_see_them(kept: tuple[Settings, Store]) -> None:
    feedback, logs = console(*kept).feedback, console(*kept).feedback_logs
    complained, _, pictured = feedback.page(EVERY)["id"].to_list()
    picture, html = feedback.details(pictured).images
    of_complaint = feedback.details(complained).images[0]
    odd, slow = logs.page(EVERY_LOG)["id"].to_list()
    shown = fetched(kept, f"/feedback/images/{picture.id}", "acme-ordinary")
    assert (shown.content, shown.headers["content-type"]) == (PIXEL, "image/png")
    assert "content-disposition" not in shown.headers
    saved = fetched(kept, f"/feedback/images/{html.id}", "acme-ordinary")
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"].startswith("attachment;")
    log = fetched(kept, f"/feedback/logs/{odd}", "acme-platform")
    assert (log.content, log.headers["content-type"]) == (b"<script>", "application/octet-stream")
    assert log.headers["content-disposition"].startswith("attachment;")
    assert "set-cookie" not in log.headers
    for answer in (shown, saved, log):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("sandbox")
    refused: Sequence[tuple[str, str | None, int]] = (
        (f"/feedback/images/{picture.id}", None, 401),
        (f"/feedback/images/{picture.id}", "acme-listed", 403),
        (f"/feedback/images/{picture.id}", "globex-platform", 404),
        (f"/feedback/images/{of_complaint.id}", "acme-ordinary", 404),
        (f"/feedback/logs/{odd}", "acme-ordinary", 404),
        (f"/feedback/logs/{slow}", "globex-platform", 404),
        (f"/feedback/logs/{slow}", None, 401),
        (f"/feedback/images/{picture.id}?tenant=globex", "root", 404),
        ("/feedback/logs/..%2F..%2Fetc%2Fpasswd", "acme-platform", 404),
        ("/feedback/images/99999999999999999999", "acme-platform", 404),
    )
    for path, name, status in refused:
        assert fetched(kept, path, name).status_code == status, (path, name)
    assert fetched(kept, f"/feedback/images/{picture.id}?tenant=acme", "root").status_code == 200
    assert (
        fetched(kept, f"/feedback/logs/{slow}", "acme-platform", **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    )
    taken = [row.object_id for row in operations(kept[1]) if (row.module, row.action) == ("feedback", "download")]
    assert taken == [str(odd)]


@pytest.mark.spec("F3", "O3")
def test_logs_go_after_thirty_days_even_if_nobody_looks(kept: tuple[Settings, Store]) -> None:
    settings, store = kept
    keep_log(settings, store, "same.log", minutes=900)
    expires = DAY + timedelta(days=30)
    assert remove_expired_logs(settings, store, expires) == 0
    stored = {path.name for path in settings.feedback_dir.glob("??/*")}
    assert remove_expired_logs(settings, store, expires + timedelta(minutes=10)) == 2
    left = {path.name for path in settings.feedback_dir.glob("??/*")}
    assert len(stored - left) == 1  # "same.log" has the other's bytes
    assert remove_expired_logs(settings, store, expires + timedelta(days=1)) == 1
    with store.read(EVERY_TENANT) as session:
        assert session.scalars(select(FeedbackLog)).all() == []
    assert console(*kept).feedback.total(EVERY) == 3
    acts = [row for row in operations(store) if (row.module, row.action) == ("feedback", "purge")]
    assert [(row.operator, row.channel, row.object_name) for row in acts] == [
        ("schedule", "system", "2"),
        ("schedule", "system", "1"),
    ]
    assert acts[1].old_value is not None
    assert json.loads(acts[1].old_value)["names"] == ["same.log"]
