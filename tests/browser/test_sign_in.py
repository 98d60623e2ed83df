"""Signing in and out, as a person sees it."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, update

from lib.access.permissions import AccountType, Permission
from lib.access.viewer import EVERY_TENANT
from lib.store.tables import Account, Grant, SignIn
from lib.ui.pages import PAGES
from tests.accounts import PASSWORD, add_tenant, add_viewer
from tests.browser.conftest import OpenTab, settled, sign_in, signed_in
from tests.site import Site

WRONG = "That account name and password do not belong together. Check both, and try again."


@pytest.fixture
def tenant_id(site: Site) -> int:
    return add_tenant(site.store, f"t-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def amy(site: Site, tenant_id: int) -> str:
    """An ordinary account that may read the status."""
    name = f"amy-{tenant_id}"
    add_viewer(site.store, name, tenant_id, permissions=[Permission.STATUS_READ])
    return name


def _title(tab: Page, text: str) -> None:
    expect(tab.get_by_role("heading", level=1, name=text)).to_be_visible()


def _is_at_the_door(tab: Page) -> None:
    expect(tab.locator(".st-key-sign_in_panel input")).to_have_count(2)
    expect(tab.locator(".st-key-account_menu")).to_have_count(0)
    expect(tab.get_by_test_id("stSidebarNavLink")).to_have_count(0)


@pytest.mark.spec("A7")
def test_the_address_typed_is_shown_after_signing_in_until_signing_out_ends_every_tab(
    open_tab: OpenTab, amy: str
) -> None:
    tab = open_tab("/status?zone=Asia%2FShanghai")
    _is_at_the_door(tab)
    signed_in(tab, amy)
    _title(tab, "Status")
    assert re.search(r"/status\?zone=Asia(/|%2F)Shanghai", tab.url)
    (cookie,) = [cookie for cookie in tab.context.cookies() if cookie["name"] == "daybook"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
    assert "daybook" not in tab.evaluate("document.cookie")
    assert cookie["value"] not in tab.content()
    tab.reload()
    _title(tab, "Status")
    other = open_tab("/status", beside=tab)
    _title(other, "Status")
    _sign_out(tab, other)
    # Who has one page sees where they are.
    tab.goto(tab.url.partition("/status")[0])
    _is_at_the_door(tab)
    signed_in(tab, amy)
    _title(tab, "Status")


def _sign_out(tab: Page, other: Page) -> None:
    """Signing out ends the other tab, and the old cookie is worth nothing."""
    cookies = tab.context.cookies()
    tab.locator(".st-key-account_menu button").click()
    tab.locator(".st-key-account_sign_out button").click()
    _is_at_the_door(tab)
    expect(tab.get_by_text("Your session has ended")).to_have_count(0)
    other.locator(".st-key-account_menu button").click()
    other.locator(".st-key-account_password button").click()
    _is_at_the_door(other)
    assert [cookie for cookie in tab.context.cookies() if cookie["name"] == "daybook"] == []
    tab.context.add_cookies(cookies)  # type: ignore[arg-type]
    other.reload()
    _is_at_the_door(other)




@pytest.mark.spec("A7")
def test_a_wrong_password_is_told_alike_for_a_name_that_is_known_and_one_that_is_not_until_it_has_to_wait(
    open_tab: OpenTab, amy: str
) -> None:
    tab = open_tab("/status")
    alert = tab.get_by_test_id("stAlert")
    for name in (f"no-{amy}", amy):
        sign_in(tab, name, "wrong horse")
        expect(alert).to_have_text(re.compile(re.escape(WRONG)))
        tab.reload()
        _is_at_the_door(tab)
    for _ in range(5):
        sign_in(tab, amy, "wrong horse")
        settled(tab)
        if re.search(r"Wait \d+ s, then try again", alert.inner_text()):
            break
    else:
        pytest.fail("no attempt had to wait")


@pytest.mark.spec("A7")
def test_an_open_tab_loses_its_page_at_the_next_click(open_tab: OpenTab, site: Site, amy: str) -> None:
    tab = open_tab("/status", who=amy)
    _title(tab, "Status")
    _set_disabled(site, amy, True)
    _click(tab)
    _is_at_the_door(tab)
    expect(tab.get_by_text("Your session has ended. Sign in again to go on.")).to_be_visible()
    expect(tab.get_by_role("heading", level=1, name="Status")).to_have_count(0)

    _set_disabled(site, amy, False)
    tab.reload()
    _title(tab, "Status")
    with site.store.write(EVERY_TENANT) as session:
        account_id = session.query(Account.id).filter_by(name=amy).scalar()
        session.execute(delete(Grant).where(Grant.account_id == account_id))
    _click(tab)
    expect(tab.get_by_text("You do not have the permission status:read")).to_be_visible()
    expect(tab.get_by_role("heading", level=1, name="Status")).to_have_count(0)


def _set_disabled(site: Site, name: str, is_disabled: bool) -> None:
    with site.store.write(EVERY_TENANT) as session:
        session.execute(update(Account).where(Account.name == name).values(is_disabled=is_disabled))


def _click(tab: Page) -> None:
    tab.locator(".st-key-account_menu button").click()
    tab.locator(".st-key-account_password button").click()


@pytest.mark.spec("A7", "P1")
def test_the_language_is_the_browsers_until_it_is_chosen(open_tab: OpenTab, site: Site, amy: str) -> None:
    tab = open_tab("/status", locale="zh-CN")
    expect(tab.get_by_role("button", name="登录")).to_be_visible()
    _is_told_that_a_name_is_missing(tab, site)
    tab.get_by_role("radio", name="English").click()
    expect(tab.get_by_role("button", name="Sign in")).to_be_visible()
    signed_in(tab, amy)
    _title(tab, "Status")
    tab.locator(".st-key-account_menu button").click()
    tab.locator(".st-key-account_language").get_by_role("combobox").click()
    tab.get_by_role("option", name="简体中文").click()
    _title(tab, "运行状态")
    tab.reload()
    _title(tab, "运行状态")


def _is_told_that_a_name_is_missing(tab: Page, site: Site) -> None:
    """Without a name nothing is attempted."""

    def attempts() -> int:
        with site.store.read(EVERY_TENANT) as session:
            return session.query(SignIn.id).count()

    before = attempts()
    for name in ("", "  "):
        sign_in(tab, name, "wrong horse")
        expect(tab.get_by_test_id("stAlert")).to_have_text(re.compile("请先输入账号再登录。"))
    assert attempts() == before


@pytest.mark.spec("A7")
def test_a_new_password_keeps_this_tab_and_ends_the_others(open_tab: OpenTab, amy: str) -> None:
    tab = open_tab("/status", who=amy)
    _title(tab, "Status")
    other = open_tab("/status", who=amy)
    _title(other, "Status")
    tab.locator(".st-key-account_menu button").click()
    tab.locator(".st-key-account_password button").click()
    for key, value in (("current", PASSWORD), ("wanted", "new horse 8"), ("again", "new horse 8")):
        tab.locator(f".st-key-password_{key} input").fill(value)
    with tab.expect_response(lambda answer: answer.url.endswith("/session")) as redeemed:
        tab.get_by_test_id("stDialog").get_by_role("button", name="Save").click()
    assert redeemed.value.status == 204
    _title(tab, "Status")
    tab.reload()
    _title(tab, "Status")
    other.reload()
    _is_at_the_door(other)
    sign_in(other, amy, "new horse 8")
    _title(other, "Status")


@pytest.mark.spec("A4")
def test_an_account_without_usage_read_gets_no_figures_by_any_address(
    open_tab: OpenTab, site: Site, amy: str
) -> None:
    tab = open_tab("/status", who=amy)
    _title(tab, "Status")
    expect(tab.get_by_role("link", name="Global overview")).to_have_count(0)
    for page in PAGES:
        if page.key != "status":
            tab.goto(f"{site.url}/{page.url_path}")
            expect(tab.get_by_test_id("stAlert")).to_contain_text("You do not have the permission")
            expect(tab.get_by_test_id("stMetric")).to_have_count(0)
            expect(tab.get_by_test_id("stDataFrame")).to_have_count(0)


@pytest.mark.spec("A3")
def test_a_system_administrators_tenant_stands_in_the_address(
    open_tab: OpenTab, site: Site, tenant_id: int
) -> None:
    second = f"zz-{tenant_id}"
    add_tenant(site.store, second, "Zed & Söhne")
    add_viewer(site.store, f"root-{tenant_id}", None, AccountType.SYSTEM)
    tab = open_tab("/status", who=f"root-{tenant_id}")
    tab.locator(".st-key-tenant_choice").get_by_role("combobox").click()
    tab.get_by_role("option", name="Zed & Söhne").last.click()
    expect(tab).to_have_url(re.compile(rf"tenant={second}"))
    tab.get_by_test_id("stSidebarNavLink").first.click()
    expect(tab).to_have_url(re.compile(rf"tenant={second}"))
    tab.reload()
    expect(tab.locator(".st-key-tenant_choice").get_by_role("combobox")).to_have_value("Zed & Söhne")
