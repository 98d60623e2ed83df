"""User feedback as somebody reads and keeps it in a browser (SPEC F1 to F4)."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenTab, drawn, settled
from tests.lib.feedback_shop import HOSTILE, LOG_NAME, make_shop
from tests.site import Site

DAY = "/user_feedback?period=2026-03-02..2026-03-02&zone=UTC"


@pytest.fixture
def shop(site: Site) -> str:
    """The key of a company of tests.lib.feedback_shop."""
    key = f"t-{uuid.uuid4().hex[:8]}"
    make_shop(site.settings, site.store, key)
    return key


def total(tab: Page, text: str) -> None:
    """Wait until the page tells so many records."""
    expect(tab.get_by_text(text, exact=True)).to_be_visible()
    expect(tab.get_by_test_id("stStatusWidget")).to_have_count(0)


@pytest.mark.spec("F1", "F2", "F3", "U5", "U7")
def test_from_a_kind_to_its_picture_a_file_of_what_is_shown_and_a_log_that_is_deleted(
    open_tab: OpenTab, site: Site, shop: str
) -> None:
    tab = open_tab(DAY, who=f"pat-{shop}")
    tab.get_by_role("combobox", name="Mini program", exact=True).click()
    tab.get_by_role("option", name="Shop").click()
    total(tab, "3 records")
    tab.get_by_text("Crash (2)", exact=True).click()
    total(tab, "2 records")
    expect(tab).to_have_url(re.compile(r"mini_program=shop.*kind=crash"))

    rows = tab.locator(".frame tbody tr")
    rows.first.click()
    panel = tab.get_by_role("dialog")
    expect(panel.get_by_text(HOSTILE)).to_be_visible()
    expect(panel.get_by_role("img", name="Image 1 of 1")).to_have_js_property("naturalWidth", 1)
    expect(panel.locator("strong", has_text="bold")).to_have_count(0)
    with tab.expect_download() as saved:
        panel.get_by_role("button", name="shot.svg").click()
    assert Path(saved.value.path()).read_bytes() == b"<script>"
    tab.keyboard.press("Escape")
    expect(panel).to_have_count(0)

    tab.get_by_role("textbox", name="Search content").fill("闪退")
    tab.get_by_role("textbox", name="Search content").press("Enter")
    total(tab, "1 record")
    expect(rows).to_contain_text(["付款后闪退"])
    tab.go_back()
    total(tab, "2 records")
    tab.locator("[class*=st-key-download-feedback-open] button").click()
    tab.get_by_role("radio", name="CSV (UTF-8)").click()
    settled(tab)
    with tab.expect_download() as started:
        tab.get_by_role("button", name="Download 2 rows").click()
    written = pl.read_csv(started.value.path())
    assert (len(written), len(written), written["Kind"].to_list()) == (2, rows.count(), ["Crash", "Crash"])
    tab.keyboard.press("Escape")

    _delete_a_log(tab, site)


def _delete_a_log(tab: Page, site: Site) -> None:
    tab.get_by_role("tab", name="Feedback logs").click()
    total(tab, "1 record")
    table = tab.get_by_test_id("stDataFrame")
    drawn(table)
    box = table.bounding_box()
    assert box is not None
    tab.mouse.click(box["x"] + 16, box["y"] + 36 + 18)
    with tab.expect_download() as fetched:
        tab.get_by_role("button", name=f"Download {LOG_NAME}").click()
    assert fetched.value.suggested_filename == LOG_NAME
    kept = {path.name: path for path in site.settings.feedback_dir.glob("*/*")}
    tab.get_by_role("button", name="Delete", exact=True).click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("This cannot be undone")
    dialog.get_by_role("button", name="Delete for good").click()
    expect(tab.get_by_text("Deleted: 1.")).to_be_visible()
    assert sum(not path.exists() for path in kept.values()) == 1
