"""The usage pages as a person uses them: widgets, a ranking's row, a link for a colleague, the back button."""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Locator, Page, TimeoutError, expect
from sqlalchemy import delete, select

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT
from lib.cli import main
from lib.store.tables import Account, Grant, Operation, Role
from tests.accounts import add_tenant, add_viewer, role_for
from tests.browser.conftest import DESKTOP, PHONE, OpenTab, settled
from tests.site import Site

ROW_HEIGHT = 36

EVENTS = (
    ("2024-05-11T10:00:00Z", "ann", "web", "shop", "/home"),
    ("2024-05-12T10:00:00Z", "ann", "web", "shop", "/home"),
    ("2024-05-12T10:01:40Z", "ann", "web", "shop", "/pay"),
    ("2024-05-12T23:45:00Z", "bob", "bank", "shop", "/home"),
    ("2024-05-13T08:00:00Z", "cat", "web", "news", "/today"),
)


@pytest.fixture
def amy(site: Site, tmp_path: Path) -> str:
    """Somebody who reads the usage of a tenant with EVENTS, and may export it."""
    tenant = f"t-{uuid.uuid4().hex[:8]}"
    name = f"amy-{add_tenant(site.store, tenant)}"
    with_role = [Permission.USAGE_READ, Permission.EXPORT_CREATE]
    add_viewer(site.store, name, _tenant_id(name), permissions=with_role)
    add_viewer(site.store, f"nobody-{_tenant_id(name)}", _tenant_id(name))
    names = ("time", "visitor", "application", "mini_program", "page")
    lines = tmp_path / "events.ndjson"
    lines.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in EVENTS))
    fields = ["--application-field", "application", "--mini-program-field", "mini_program"]
    mapped = ["--map", "time=time,visitor=visitor,page=page"]
    _command(site, "import", "usage", str(lines), "--format", "ndjson", "--tenant", tenant, *fields, *mapped)
    _command(site, "refresh")
    return name


def _tenant_id(name: str) -> int:
    return int(name.rpartition("-")[2])


def _command(site: Site, *words: str) -> None:
    result = CliRunner().invoke(main, list(words), env={"DAYBOOK_HOME": str(site.home)})
    assert result.exit_code == 0, result.output


def _card(tab: Page, label: str) -> Locator:
    return tab.get_by_test_id("stMetric").filter(has=tab.get_by_text(label, exact=True)).get_by_test_id("stMetricValue")


def _choose(tab: Page, label: str, option: str) -> None:
    # A page that is still being drawn closes the list again: wait until it stands.
    expect(tab.get_by_test_id("stStatusWidget")).to_have_count(0)
    box, choice = tab.get_by_role("combobox", name=label), tab.get_by_role("option", name=option, exact=True)
    expect(box).to_be_enabled()
    box.click()
    if not _appears(choice):
        box.click()
    choice.click()


def _appears(choice: Locator) -> bool:
    try:
        choice.wait_for(timeout=5_000)
    except TimeoutError:
        return False
    return True


def _click_row(tab: Page, table: Locator, row: int) -> None:
    """Click the first cell of a row; a table is a canvas."""
    table.scroll_into_view_if_needed()
    table.click(position={"x": 60, "y": ROW_HEIGHT * (row + 1) + ROW_HEIGHT // 2})


def _title(tab: Page, text: str) -> None:
    expect(tab.get_by_role("heading", level=1, name=text)).to_be_visible()


@pytest.mark.spec("P2", "U1", "U2", "U5")
def test_from_the_overview_to_a_dashboard_and_back_and_a_colleague_sees_the_same(open_tab: OpenTab, amy: str) -> None:
    tab = open_tab("/global_overview?period=2024-05-12..2024-05-18&zone=UTC", viewport=PHONE, who=amy)
    expect(_card(tab, "Opens")).to_have_text("3")
    expect(tab.locator(".js-plotly-plot")).to_be_visible()
    # A phone need not scroll sideways.
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    tab.set_viewport_size(DESKTOP)
    _click_row(tab, tab.get_by_test_id("stDataFrame").first, 0)
    _title(tab, "Data dashboard")
    expect(_card(tab, "Opens")).to_have_text("2")
    _there_and_back(tab)
    _click_row(tab, tab.get_by_test_id("stDataFrame").first, 0)
    _title(tab, "Data dashboard")
    _choose(tab, "Application", "bank")
    expect(_card(tab, "Opens")).to_have_text("1")
    expect(tab).to_have_url(re.compile("application=bank"))
    assert {"mini_program=shop", "zone=UTC"} <= set(tab.url.partition("?")[2].split("&"))
    colleague = open_tab("/data" + tab.url.partition("/data")[2], who=amy)
    expect(_card(colleague, "Opens")).to_have_text("1")
    expect(_card(colleague, "Active users")).to_have_text("1")


def _there_and_back(tab: Page) -> None:
    """Back leads to the page before, with its state."""
    tab.get_by_role("tab", name="Page access").click()
    expect(tab).to_have_url(re.compile("tab=pages"))
    expect(tab.get_by_test_id("stMetric")).to_have_count(0)
    tab.go_back()
    expect(_card(tab, "Opens")).to_have_text("2")
    tab.go_back()
    _title(tab, "Global overview")
    expect(_card(tab, "Opens")).to_have_text("3")
    expect(tab).to_have_url(re.compile("period=2024-05-12"))


@pytest.mark.spec("A4", "O3", "U7")
def test_a_table_is_taken_away_as_csv_and_recorded_and_not_once_the_right_is_taken(
    open_tab: OpenTab, site: Site, amy: str
) -> None:
    tab = open_tab("/data_dashboard?period=2024-05-12..2024-05-18&zone=UTC&mini_program=shop&tab=pages", who=amy)
    tab.locator("[class*=st-key-download-pages-open] button").first.click()
    tab.get_by_role("radio", name="CSV (UTF-8)").click()
    settled(tab)
    with tab.expect_download() as started:
        tab.get_by_role("button", name="Download 2 rows").click()
    assert started.value.suggested_filename == "pages-2024-05-12_2024-05-18.csv"
    written = Path(started.value.path()).read_text("utf-8-sig").splitlines()
    assert written == [
        "Page,Page views,Active users,Time per page view,Entries,Exits,Exit rate,Shares",
        "/home,2,2,50.0,2,1,0.5,0",
        "/pay,1,1,0.0,0,1,1.0,0",
    ]
    (row,) = _exports(site, amy)
    assert (row.object_name, row.address) == (started.value.suggested_filename, "127.0.0.1")
    told = json.loads(row.body)["new"]
    sha256 = hashlib.sha256(Path(started.value.path()).read_bytes()).hexdigest()
    assert (told["format"], told["rows"], told["sha256"]) == ("csv", 2, sha256)
    expect(tab.get_by_text(sha256)).to_be_visible()
    _press_without_the_right(tab, site, amy)


def _press_without_the_right(tab: Page, site: Site, amy: str) -> None:
    """A button that was drawn before the right was taken gives nothing."""
    button = tab.get_by_test_id("stDownloadButton").get_by_role("button").first
    expect(button).to_be_visible()
    with site.store.write(EVERY_TENANT) as session:
        exporting = select(Role.id).where(Role.key == role_for(Permission.EXPORT_CREATE))
        mine = select(Account.id).where(Account.name == amy)
        session.execute(delete(Grant).where(Grant.account_id.in_(mine), Grant.role_id.in_(exporting)))
    refusals = site.log.count("export:create")
    button.click()
    until = time.monotonic() + 20
    while site.log.count("export:create") == refusals and time.monotonic() < until:
        tab.wait_for_timeout(100)
    assert site.log.count("export:create") > refusals
    assert len(_exports(site, amy)) == 1


def _exports(site: Site, name: str) -> list[Operation]:
    with site.store.read(EVERY_TENANT) as session:
        return list(session.scalars(select(Operation).where(Operation.module == "export", Operation.operator == name)))


def _take_away(tab: Page) -> str:
    """Download the table of pages; returns the address of the file."""
    tab.locator("[class*=st-key-download-pages-open] button").first.click()
    settled(tab)
    with tab.expect_download() as started:
        tab.get_by_test_id("stDownloadButton").get_by_role("button").first.click()
    started.value.path()
    return started.value.url


@pytest.mark.spec("A4", "A7")
def test_a_file_made_for_somebody_is_for_nobody_else_and_not_after_signing_out(open_tab: OpenTab, amy: str) -> None:
    tab = open_tab("/data_dashboard?period=2024-05-12..2024-05-18&zone=UTC&mini_program=shop&tab=pages", who=amy)
    file = _take_away(tab)
    again = tab.request.get(file)
    assert (again.status, again.headers["cache-control"]) == (200, "no-store")
    # Another tab keeps the file in the server's memory.
    other = open_tab(tab.url.removeprefix(tab.url.split("/data")[0]), beside=tab)
    assert _take_away(other) == file
    kept = tab.context.cookies()
    tab.locator(".st-key-account_menu button").click()
    tab.locator(".st-key-account_sign_out button").click()
    expect(tab.locator(".st-key-sign_in_panel input")).to_have_count(2)
    assert tab.request.get(file).status == 403
    tab.context.add_cookies(kept)  # type: ignore[arg-type]
    assert tab.request.get(file).status == 403


@pytest.mark.spec("A4")
def test_an_account_without_the_permission_gets_nothing_by_any_address(
    open_tab: OpenTab, site: Site, amy: str
) -> None:
    tab = open_tab("/data_dashboard?mini_program=shop", who=amy.replace("amy", "nobody"))
    _shows_nothing(tab)
    tab.goto(site.url)
    _shows_nothing(tab)


def _shows_nothing(tab: Page) -> None:
    expect(tab.get_by_test_id("stAlert")).to_be_visible()
    expect(tab.get_by_test_id("stMetric")).to_have_count(0)
    expect(tab.get_by_test_id("stDataFrame")).to_have_count(0)
