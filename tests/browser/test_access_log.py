"""The access log as an administrator uses it: what failed, from where, who tried to sign in, and away with it."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect

from lib.access.permissions import AccountType
from lib.cli import main
from tests.accounts import add_tenant, add_viewer
from tests.browser.conftest import OpenTab, settled
from tests.site import Site

DAY = "/access_log?period=2024-05-12..2024-05-12&zone=UTC"


@pytest.fixture
def pat(site: Site, tmp_path: Path) -> str:
    """The administrator of a tenant with 96 visits of a day, every fourth of them of a missing path."""
    key = f"t-{uuid.uuid4().hex[:8]}"
    add_viewer(site.store, f"pat-{key}", add_tenant(site.store, key), AccountType.PLATFORM)
    lines = [
        f"{'8.8.8.8' if n % 4 else '114.114.114.114'} - - [12/May/2024:{n // 4:02}:{n % 4 * 15:02}:00 +0000] "
        f'"GET /{"shop" if n % 4 else "价格"} HTTP/1.1" {200 if n % 4 else 404} 9 "-" "curl/8"\n'
        for n in range(96)
    ]
    (tmp_path / "access.log").write_text("".join(lines), "utf-8")
    words = ["import", "visits", str(tmp_path / "access.log"), "--tenant", key]
    result = CliRunner().invoke(main, words, env={"DAYBOOK_HOME": str(site.home)})
    assert result.exit_code == 0, result.output
    return f"pat-{key}"


def total(tab: Page, text: str) -> None:
    """Wait until the page tells so many."""
    expect(tab.get_by_text(text, exact=True)).to_be_visible()
    expect(tab.get_by_test_id("stStatusWidget")).to_have_count(0)


@pytest.mark.spec("L1", "L2", "U5", "U7")
def test_what_failed_when_and_from_where_and_who_signed_in(open_tab: OpenTab, pat: str, tmp_path: Path) -> None:
    tab = open_tab(DAY, viewport={"width": 1280, "height": 1000}, who=pat)
    total(tab, "96 visits, 24 with an error")

    # A click on a bar, above its top, chooses its half hour; the back button takes it back; a drag chooses several.
    box = tab.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + box["width"] * 20.5 / 48, box["y"] + 4)
    expect(tab.locator(".hoverlayer .hovertext")).to_be_visible()
    tab.mouse.down()
    tab.mouse.up()
    total(tab, "2 visits, 1 with an error")
    expect(tab).to_have_url(re.compile(r"period=2024-05-12T10(%3A|:)00\.\.2024-05-12T10(%3A|:)30"))
    tab.go_back()
    total(tab, "96 visits, 24 with an error")
    tab.mouse.move(box["x"] + box["width"] * 0.5 / 48, box["y"] + 30)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 23.5 / 48, box["y"] + 60, steps=4)
    tab.mouse.up()
    total(tab, "48 visits, 12 with an error")

    tab.get_by_test_id("stButtonGroup").get_by_text("4xx").click()
    total(tab, "12 visits, 12 with an error")
    tab.get_by_placeholder("Search account").fill("价")
    tab.get_by_placeholder("Search account").press("Enter")
    expect(tab).to_have_url(re.compile("search="))
    total(tab, "12 visits, 12 with an error")
    tab.locator(".frame tbody tr").first.click()
    panel = tab.get_by_test_id("stDialog")
    expect(panel.get_by_text("China, Jiangsu").first).to_be_visible()
    tab.keyboard.press("Escape")
    expect(panel).to_have_count(0)

    tab.locator("[class*=st-key-download-visits-open] button").click()
    tab.get_by_test_id("stPopoverBody").get_by_text("CSV (UTF-8)").click()
    settled(tab)
    with tab.expect_download() as fetched:
        tab.get_by_role("button", name="Download 12 rows").click()
    assert len(Path(fetched.value.path()).read_text("utf-8-sig").splitlines()) == 1 + 12
    tab.keyboard.press("Escape")

    tab.get_by_role("tab", name="Sign-ins").click()
    expect(tab).to_have_url(re.compile("tab=sign_ins"))
    expect(tab).not_to_have_url(re.compile("status="))
    tab.get_by_role("button", name="Clear all").click()
    expect(tab.get_by_text("Nothing in this period")).to_be_visible()
    tab.get_by_role("button", name="Show").click()
    total(tab, "1 sign-in")
    expect(tab.get_by_role("cell", name=pat)).to_be_visible()
