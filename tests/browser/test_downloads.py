"""A table with more rows than a page keeps in memory: by a ticket, while the page tells how far it is."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import expect
from sqlalchemy import select

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT
from lib.cli import main
from lib.store.tables import Operation
from lib.ui.downloads import MOST_ROWS_AT_ONCE
from tests.accounts import add_tenant, add_viewer
from tests.browser.conftest import PHONE, OpenTab, settled
from tests.site import Site

PAGES = MOST_ROWS_AT_ONCE + 50


@pytest.fixture
def amy(site: Site, tmp_path: Path) -> str:
    """Somebody who may export the usage of a mini program with so many pages."""
    tenant = f"t-{uuid.uuid4().hex[:8]}"
    name = f"amy-{tenant}"
    permissions = [Permission.USAGE_READ, Permission.EXPORT_CREATE]
    add_viewer(site.store, name, add_tenant(site.store, tenant), permissions=permissions, language="zh")
    lines = tmp_path / "events.csv"
    rows = (f"2024-05-12T10:00:00Z,ann,/商品€/{number:05}\n" for number in range(PAGES))
    lines.write_text(f"time,who,page\n{''.join(rows)}", "utf-8")
    words = ("--format", "csv", "--tenant", tenant, "--application", "web", "--mini-program", "shop")
    for command in (("import", "usage", str(lines), *words, "--map", "time=time,visitor=who,page=page"), ("refresh",)):
        done = CliRunner().invoke(main, list(command), env={"DAYBOOK_HOME": str(site.home)})
        assert done.exit_code == 0, done.output
    return name


@pytest.mark.spec("U7", "O3", "O8", "P3")
def test_many_rows_are_fetched_with_a_ticket_and_the_page_tells_what_left(
    open_tab: OpenTab, site: Site, amy: str
) -> None:
    tab = open_tab("/data_dashboard?period=2024-05-12..2024-05-12&zone=UTC&tab=pages", viewport=PHONE, who=amy)
    tab.locator("[class*=st-key-download-pages-open] button").first.click()
    tab.get_by_role("radio", name="CSV（GBK 编码）").click()
    name = tab.get_by_role("textbox", name="文件名")
    expect(name).to_have_value("页面访问-2024-05-12")
    name.fill("页面/访问")
    name.press("Enter")
    settled(tab)
    with tab.expect_download() as started:
        tab.get_by_role("button", name=f"下载 {PAGES:,} 行").click()
    assert started.value.suggested_filename == "页面 访问.csv"
    assert re.fullmatch(rf"{site.url}/export/[\w-]{{43}}", started.value.url)
    written = Path(started.value.path()).read_bytes()
    heading, *rows = written.decode("gbk").splitlines()
    assert heading.startswith("页面路径,访问次数,")
    assert sorted(row.split(",")[0] for row in rows) == [f"/商品?/{number:05}" for number in range(PAGES)]
    expect(tab.get_by_text(f"已下载 {PAGES:,} 行")).to_be_visible()
    expect(tab.get_by_text(f"有 {PAGES:,} 个字符在此格式中不存在")).to_be_visible()
    sha256 = hashlib.sha256(written).hexdigest()
    expect(tab.get_by_text(sha256)).to_be_visible()
    with site.store.read(EVERY_TENANT) as session:
        exports = select(Operation).where(Operation.module == "export", Operation.operator == amy)
        begun, created = session.scalars(exports.order_by(Operation.id))
    assert (begun.action, created.action, created.result) == ("begin", "create", "success")
    told = json.loads(created.body)["new"]
    assert (told["rows"], told["sha256"], told["replaced"]) == (PAGES, sha256, PAGES)
    assert told["filter"]["mini_program"] == "shop"
    assert tab.request.get(started.value.url).status == 410
