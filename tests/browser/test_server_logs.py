"""Server logs as somebody reads and keeps them in a browser (SPEC V2, V4, V5)."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lib.access.permissions import AccountType, Permission
from lib.logs.files import rules
from lib.logs.files.types import Level
from tests.accounts import add_tenant, add_viewer
from tests.browser.conftest import OpenTab, drawn, signed_in
from tests.lib.log_files import archive, write
from tests.site import Site

HOSTILE = "<img src=x onerror=alert(1)> **bold** [y](http://evil.example) \x1b[31mred"


@pytest.fixture
def root(site: Site) -> str:
    """A system administrator, in a site that has a tenant."""
    mark = uuid.uuid4().hex[:8]
    add_tenant(site.store, f"t-{mark}")
    add_viewer(site.store, f"root-{mark}", None, AccountType.SYSTEM, language="en")
    return f"root-{mark}"


@pytest.fixture
def crm(site: Site) -> Iterator[Path]:
    """crm_data.log with an error of now and its stack trace, and two archives."""
    folder = site.settings.log_dir
    now = datetime.now(UTC)

    def line(seconds: int, rest: str) -> str:
        return f"{now - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}Z {rest}"

    trace = [f"\tat com.acme.Crm.call{number}(Crm.java:{number})" for number in range(30)]
    quiet = [line(600 - number, f"INFO [1] crm: entry {number}") for number in range(300)]
    error, warning = line(5, f"ERROR [1] crm: {HOSTILE}"), line(2, "WARN [1] crm: 订单 slow")
    write(folder, "crm_data.log", [*quiet, error, *trace, warning])
    archive(folder, "crm_data.2026-11-20.1.log.gz", b"2026-11-20T09:00:00Z WARN [1] crm: archived\n")
    archive(folder, "crm_data.2026-11-20.2.log.gz", b"2026-11-20T10:00:00Z WARN [1] crm: archived too\n")
    yield folder
    for left in folder.glob("crm_data*"):
        left.unlink()


@pytest.mark.spec("P3", "V4", "V5")
def test_an_administrator_goes_from_the_servers_own_requests_to_health_and_to_the_stack_trace(
    open_tab: OpenTab, root: str, crm: Path
) -> None:
    tab = open_tab("/server_logs?log=access_log&search=session")
    signed_in(tab, root)
    entries = tab.get_by_role("list", name="Log entries").get_by_role("listitem")
    expect(entries.last).to_contain_text('"POST /session" 204')
    tab.locator("[class*=st-key-slog-back] button").click()
    expect(tab.get_by_role("heading", name="Health, last 24 hours")).to_be_visible()
    tab.locator(".st-key-log_health_error").get_by_role("button", name="Open").click()
    expect(tab.get_by_role("heading", name="CRM data")).to_be_visible()
    expect(entries).to_have_count(1)
    expect(entries.first).to_contain_text("<img src=x onerror=alert(1)> **bold** [y](http://evil.example) red")
    expect(entries.first.locator("img, a, strong")).to_have_count(0)
    expect(entries.first).not_to_contain_text("call29")
    entries.first.get_by_role("button", name="more lines").click()
    expect(entries.first).to_contain_text("call29(Crm.java:29)")


@pytest.mark.spec("O3", "U5", "V2", "V4")
def test_a_log_is_followed_searched_taken_away_and_given_a_rule(
    open_tab: OpenTab, site: Site, root: str, crm: Path
) -> None:
    tab = open_tab("/server_logs?log=crm_data", who=root)
    entries = tab.get_by_role("list", name="Log entries").get_by_role("listitem")
    expect(entries).to_have_count(200)
    expect(entries.last).to_contain_text("订单 slow")
    expect(entries.last).to_be_in_viewport()
    _follow(tab, crm)
    _search(tab, open_tab)
    tab.get_by_role("tab", name="Files").click()
    _take_away_and_delete(tab, crm)
    tab.get_by_role("tab", name="Rule").click()
    tab.get_by_role("combobox", name="Output level").click()
    tab.get_by_role("option", name="DEBUG").click()
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("The rule is saved.")).to_be_visible()
    assert rules.read_rules(site.settings.log_dir)["crm_data"].level is Level.DEBUG


def _follow(tab: Page, crm: Path) -> None:
    """What is written meanwhile stands last, in sight."""
    entries = tab.get_by_role("list", name="Log entries").get_by_role("listitem")
    tab.get_by_text("Follow").click()
    expect(tab).to_have_url(re.compile("follow=1"))
    with (crm / "crm_data.log").open("a") as more:
        more.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z INFO [1] crm: just now\n")
    expect(entries.last).to_contain_text("just now")
    expect(entries.last).to_be_in_viewport()
    tab.get_by_text("Follow").click()
    expect(tab).not_to_have_url(re.compile("follow=1"))


def _search(tab: Page, open_tab: OpenTab) -> None:
    """A keyword is marked among the lines around it, and the address shows it again."""
    entries = tab.get_by_role("list", name="Log entries").get_by_role("listitem")
    tab.get_by_role("button", name="Older").click()
    expect(entries.first).to_contain_text("archived")
    tab.get_by_role("textbox", name="Keyword").fill("entry 150")
    tab.get_by_role("textbox", name="Keyword").press("Enter")
    expect(entries).to_have_count(1)
    tab.get_by_role("combobox", name="Lines around").click()
    tab.get_by_role("option", name="2", exact=True).click()
    expect(entries).to_have_count(5)
    expect(entries.locator("mark")).to_have_text(["entry 150"])
    again = open_tab(tab.url.removeprefix(tab.url.split("/server_logs")[0]), beside=tab)
    expect(again.get_by_role("list", name="Log entries").get_by_role("listitem")).to_have_count(5)
    again.close()


def _take_away_and_delete(tab: Page, crm: Path) -> None:
    """Files are taken away together, and deleted after a second question."""
    expect(tab.get_by_text("Choose files by the boxes")).to_be_visible()
    table = tab.get_by_test_id("stDataFrame")
    drawn(table)
    # The archives, under the heading and the live file.
    for row, button in ((2, "Download"), (3, "Download 2 files as zip")):
        box = table.bounding_box()
        assert box is not None
        tab.mouse.click(box["x"] + 16, box["y"] + 36 * row + 18)
        expect(tab.get_by_role("button", name=button, exact=True)).to_be_visible()
    with tab.expect_download() as fetched:
        tab.get_by_role("button", name="Download 2 files as zip").click()
    names = zipfile.ZipFile(io.BytesIO(Path(fetched.value.path()).read_bytes())).namelist()
    assert sorted(names) == ["crm_data.2026-11-20.1.log.gz", "crm_data.2026-11-20.2.log.gz"]
    tab.get_by_role("button", name="Delete", exact=True).click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("This cannot be undone")
    assert len(list(crm.glob("crm_data*"))) == 3
    dialog.get_by_role("button", name="Delete for good").click()
    expect(tab.get_by_text("2 files were deleted.")).to_be_visible()
    assert [left.name for left in crm.glob("crm_data*")] == ["crm_data.log"]


@pytest.mark.spec("A4")
def test_a_platform_administrator_is_refused_page_and_file(open_tab: OpenTab, site: Site, crm: Path) -> None:
    tenant = add_tenant(site.store, f"t-{uuid.uuid4().hex[:8]}")
    add_viewer(site.store, f"plat-{tenant}", tenant, AccountType.PLATFORM, language="en")
    add_viewer(site.store, f"ord-{tenant}", tenant, permissions=list(Permission), language="en")
    for name in (f"plat-{tenant}", f"ord-{tenant}"):
        tab = open_tab("/server_logs?log=crm_data", who=name)
        expect(tab.get_by_text("You do not have the permission server_log:read")).to_be_visible()
        expect(tab.get_by_role("link", name="Server logs")).to_have_count(0)
        assert tab.request.get(f"{site.url}/export/server-logs/crm_data").status == 403
