"""API tokens in the account menu: one is made, shown once, works, and ends."""

from __future__ import annotations

import uuid

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from lib.access.permissions import Permission
from tests.accounts import add_tenant, add_viewer
from tests.browser.conftest import OpenTab
from tests.site import Site


def tokens(tab: Page, menu: str) -> Locator:
    """The dialog of tokens."""
    tab.locator(".st-key-account_menu button").first.click()
    tab.get_by_role("button", name=menu).click()
    return tab.get_by_role("dialog", name=menu)


def _answer(site: Site, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{site.url}/api/v1/mini-programs", headers=headers, timeout=20).status_code


@pytest.mark.spec("I4", "P1")
def test_a_token_is_shown_once_works_and_is_revoked_after_a_second_question(open_tab: OpenTab, site: Site) -> None:
    name = f"tom-{uuid.uuid4().hex[:8]}"
    add_viewer(site.store, name, add_tenant(site.store, f"t-{name}"), permissions=[Permission.USAGE_READ])
    tab = open_tab(who=name)
    dialog = tokens(tab, "API tokens")
    expect(dialog.get_by_text("There is no token that works.")).to_be_visible()
    dialog.get_by_role("button", name="Make a token").click()
    expect(dialog.get_by_text("A token needs a name")).to_be_visible()
    dialog.get_by_label("What is it for?").fill("<b>nightly</b> [x](http://evil.example)")
    dialog.get_by_role("button", name="Make a token").click()
    made = dialog.get_by_test_id("stCode").inner_text().strip()
    assert made.startswith("dbk_")
    assert _answer(site, made) == 200
    expect(dialog.get_by_text("<b>nightly</b> [x](http://evil.example)", exact=True)).to_be_visible()
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    tab.reload()
    dialog = tokens(tab, "API tokens")
    expect(dialog.get_by_text(f"{made[:10]}… · works until")).to_be_visible()
    assert made not in dialog.inner_text()
    dialog.get_by_role("button", name="Revoke").click()
    tab.get_by_test_id("stPopoverBody").get_by_role("button", name="Revoke").click()
    expect(dialog.get_by_text("is revoked.")).to_be_visible()
    expect(dialog.get_by_text("1 more are revoked or have expired.")).to_be_visible()
    assert _answer(site, made) == 401
