"""The operation log as an administrator uses it: who disabled this dashboard, what was it before, what else."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Locator, Page, expect

from lib.access.permissions import AccountType, Permission
from tests.accounts import add_tenant, add_viewer
from tests.browser.conftest import DESKTOP, PHONE, OpenTab
from tests.lib.operation_log import add_log
from tests.site import Site

WEEK = "/operation_log?period=2024-05-12..2024-05-18&zone=UTC"


@pytest.fixture
def pat(site: Site) -> str:
    """The administrator of a tenant with the small log; nobody-<id> of the same tenant may see nothing."""
    tenant_id = add_tenant(site.store, f"t-{uuid.uuid4().hex[:8]}")
    add_viewer(site.store, f"pat-{tenant_id}", tenant_id, AccountType.PLATFORM)
    add_viewer(site.store, f"nobody-{tenant_id}", tenant_id)
    add_viewer(site.store, f"amy-{tenant_id}", tenant_id, permissions=[Permission.USAGE_READ])
    add_log(site.store, tenant_id)
    return f"pat-{tenant_id}"


def total(tab: Page, text: str) -> None:
    """Wait until the page tells so many operations."""
    expect(tab.get_by_text(text, exact=True)).to_be_visible()
    expect(tab.get_by_test_id("stStatusWidget")).to_have_count(0)


def open_row(tab: Page, row: int) -> Locator:
    """Open a record by its row."""
    tab.locator(".frame tbody tr").nth(row).click()
    panel = tab.get_by_test_id("stDialog")
    expect(panel).to_be_visible()
    return panel


@pytest.mark.spec("O1", "O4", "O6", "O7", "P2", "U5")
def test_who_disabled_this_dashboard_what_was_it_before_and_what_else_did_they_do(open_tab: OpenTab, pat: str) -> None:
    tab = open_tab(WEEK, viewport=PHONE, who=pat)
    total(tab, "4 operations, 1 of them failed")
    _fits_a_phone(tab)
    tab.set_viewport_size(DESKTOP)
    _opens_by_keyboard(tab)
    _drag_a_day(tab)
    tab.go_back()
    total(tab, "4 operations, 1 of them failed")
    tab.get_by_placeholder("Search operator").fill("看")
    tab.get_by_placeholder("Search operator").press("Enter")
    total(tab, "2 operations")
    tab.locator(".st-key-listing_side").get_by_text("Edit").click()
    total(tab, "1 operation")
    panel = open_row(tab, 0)
    expect(panel.get_by_text("Bob · 2024-05-13 08:00:00.000+00:00")).to_be_visible()
    changed = panel.get_by_test_id("stTable").first
    expect(changed).to_contain_text("enabled")
    expect(changed).to_contain_text("disabled")
    expect(tab).to_have_url(re.compile(r"operation=\d+"))

    panel.get_by_role("button", name="All that Bob did").click()
    total(tab, "2 operations, 1 of them failed")
    expect(tab.get_by_test_id("stDialog")).to_have_count(0)
    expect(tab).not_to_have_url(re.compile("search="))
    tab.go_back()
    expect(tab.get_by_test_id("stDialog")).to_be_visible()
    tab.go_back()
    expect(tab.get_by_test_id("stDialog")).to_have_count(0)
    total(tab, "1 operation")
    open_row(tab, 0).get_by_role("button", name="All that happened to this object").click()
    total(tab, "2 operations")


def _fits_a_phone(tab: Page) -> None:
    """Nothing scrolls sideways, the list stands before the facets, and a record opens."""
    table, side = tab.locator(".frame table"), tab.locator(".st-key-listing_side")
    expect(table).to_be_visible()
    above, below = table.bounding_box(), side.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] < below["y"]
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    expect(open_row(tab, 0).get_by_text("cid · 2024-05-14 12:00:00.000+00:00")).to_be_visible()
    _close(tab)


def _opens_by_keyboard(tab: Page) -> None:
    """The id stands under the name, and a row opens without a mouse."""
    cell = tab.get_by_role("cell", name="=1+1 [x](http://x) L-3")
    name, below = cell.locator(".text").bounding_box(), cell.locator(".below").bounding_box()
    assert name is not None
    assert below is not None
    assert below["y"] >= name["y"] + name["height"] - 1
    tab.get_by_role("button", name="2024-05-13 08:00:00").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_test_id("stDialog").get_by_text("Bob · 2024-05-13 08:00:00.000+00:00")).to_be_visible()
    _close(tab)


def _drag_a_day(tab: Page) -> None:
    """Dragging over the bars chooses a period."""
    plot = tab.locator(".js-plotly-plot .nsewdrag").first
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    day = box["width"] / 7
    tab.mouse.move(box["x"] + day * 1.1, box["y"] + 30)
    tab.mouse.down()
    tab.mouse.move(box["x"] + day * 1.9, box["y"] + 60, steps=6)
    tab.mouse.up()
    total(tab, "2 operations, 1 of them failed")
    expect(tab).to_have_url(re.compile("period=2024-05-13"))


def _close(tab: Page) -> None:
    tab.keyboard.press("Escape")
    expect(tab.get_by_test_id("stDialog")).to_have_count(0)
    expect(tab).not_to_have_url(re.compile("operation="))


@pytest.mark.spec("U5", "O7")
def test_a_colleague_opens_the_same_record_by_its_address_and_copies_it(open_tab: OpenTab, pat: str) -> None:
    tab = open_tab(f"{WEEK}&operator=Bob&action=edit", who=pat)
    total(tab, "1 operation")
    open_row(tab, 0)
    expect(tab).to_have_url(re.compile(r"operation=\d+"))
    colleague = open_tab(re.sub(r"^https?://[^/]+", "", tab.url), who=pat)
    panel = colleague.get_by_test_id("stDialog")
    expect(panel).to_contain_text("disabled")
    panel.get_by_text("Raw JSON").click()
    expect(panel.get_by_test_id("stCode")).to_contain_text('"status": "disabled"')
    colleague.keyboard.press("Escape")
    expect(colleague).not_to_have_url(re.compile("operation="))


@pytest.mark.spec("A4")
def test_others_get_nothing_by_any_address(open_tab: OpenTab, pat: str) -> None:
    tab = open_tab(f"{WEEK}&tab=proof&operation=1", who=pat.replace("pat", "amy"))
    expect(tab.get_by_test_id("stAlert").first).to_be_visible()
    expect(tab.locator(".frame")).to_have_count(0)
    tab.locator(".st-key-account_menu button").click()
    expect(tab.locator(".st-key-account_sign_out button")).to_be_visible()
    expect(tab.get_by_role("link", name="Operation log")).to_have_count(0)
