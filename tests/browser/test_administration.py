"""Administration as a person does it: an account, its first password, a mini program, a second question."""

from __future__ import annotations

import uuid

import polars as pl
import pytest
from playwright.sync_api import Locator, Page, expect

from lib.access.permissions import AccountType
from lib.access.viewer import EVERY_TENANT
from lib.logs.record import COMMAND
from lib.queries.administration import ApplicationInput, TenantInput
from lib.queries.administration.projects import add_application
from lib.queries.administration.tenants import add_tenant
from tests.accounts import add_viewer
from tests.browser.conftest import OpenTab
from tests.lib.companies import administration
from tests.site import Site

HOSTILE = "<b>:material/delete: [x](http://evil.example) ![i](http://evil.example/i.png)"
ROW = 36


@pytest.fixture
def keeper(site: Site) -> str:
    """The platform administrator of a tenant of its own, which has one application with a hostile name."""
    key = f"t-{uuid.uuid4().hex[:8]}"
    with site.store.write(EVERY_TENANT) as session:
        tenant_id = add_tenant(session, COMMAND, TenantInput(key, "Acme")).id
        add_application(session, tenant_id, COMMAND, ApplicationInput("web", HOSTILE))
    add_viewer(site.store, f"keeper-{key}", tenant_id, AccountType.PLATFORM)
    return f"keeper-{key}"


def opened(tab: Page, name: str) -> Locator:
    """The dialog that a button opens."""
    tab.get_by_role("button", name=name).click()
    return tab.get_by_role("dialog")


def said(tab: Page, end: str) -> str:
    """What the page says of the last act, without the marks that keep addresses from becoming links."""
    notice = tab.get_by_test_id("stTabs").get_by_test_id("stAlert").locator("p").filter(has_text=end)
    return notice.inner_text().replace("\u2060", "")


def row(tab: Page, number: int) -> Locator:
    """The dialog that a click on a row of the table opens; the first is 1."""
    tab.get_by_test_id("stDataFrame").click(position={"x": 60, "y": ROW * (number + 0.5)})
    return tab.get_by_role("dialog")


@pytest.mark.spec("A7", "A8")
def test_an_account_is_added_signs_in_and_is_disabled_after_a_second_question(
    open_tab: OpenTab, site: Site, keeper: str
) -> None:
    tab = open_tab("/administration", who=keeper)
    dialog = opened(tab, "Add an account")
    dialog.get_by_label("Account name").fill(f"Amy-{keeper}")
    dialog.get_by_role("button", name="Save").click()
    password = dialog.get_by_test_id("stCode").inner_text().strip()
    dialog.get_by_role("button", name="I have copied it").click()
    expect(dialog).to_have_count(0)
    assert password not in tab.content()
    accounts = administration(site.store, keeper).accounts()
    name = f"amy-{keeper}"
    assert accounts.select("name", "type", "application_scope").rows()[0] == (name, "ordinary", "every")

    amy = open_tab("/administration")
    amy.get_by_label("Account name").fill(name)
    amy.get_by_label("Password", exact=True).fill(password)
    amy.get_by_role("button", name="Sign in").click()
    expect(amy.get_by_text("You do not have the permission")).to_be_visible()

    dialog = row(tab, 1)
    dialog.get_by_role("button", name="Disable").click()
    asks = tab.get_by_test_id("stPopoverBody")
    expect(asks).to_contain_text(f"Disable {name}?")
    assert not administration(site.store, keeper).accounts()["is_disabled"].any()
    asks.get_by_role("button", name="Disable").click()
    expect(tab.get_by_text(f"{name} is disabled.")).to_be_visible()
    assert administration(site.store, keeper).accounts().filter("is_disabled")["name"].to_list() == [name]
    amy.reload()
    expect(amy.get_by_role("button", name="Sign in")).to_be_visible()


@pytest.mark.spec("A2", "A8", "P1")
def test_a_mini_program_is_added_in_chinese_and_linked_to_an_application_with_a_hostile_name(
    open_tab: OpenTab, site: Site, keeper: str
) -> None:
    tab = open_tab("/administration", locale="zh-CN", who=keeper)
    tab.get_by_role("tab", name="小程序").click()
    dialog = opened(tab, "添加小程序")
    dialog.get_by_role("textbox", name="名称").fill(HOSTILE)
    dialog.get_by_role("textbox", name="标识").fill("not a key")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog.get_by_test_id("stAlert")).to_contain_text("不能作为标识")
    dialog.get_by_role("textbox", name="标识").fill("shop")
    dialog.get_by_role("textbox", name="描述").fill("卖东西")
    dialog.get_by_role("combobox", name="关联到应用").click()
    tab.get_by_role("option").first.click()
    tab.keyboard.press("Tab")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog).to_have_count(0)
    assert said(tab, "已保存。") == f"{HOSTILE} 已保存。"
    expect(tab.locator("a[href*=evil], img[src*=evil]")).to_have_count(0)
    made = administration(site.store, keeper).mini_programs().select("key", "name", "applications").rows()
    assert made == [("shop", HOSTILE, ["web"])]

    dialog = row(tab, 1)
    assert dialog.get_by_role("heading").inner_text().replace("\u2060", "") == HOSTILE
    expect(dialog.get_by_role("textbox", name="描述")).to_have_value("卖东西")
    dialog.get_by_role("textbox", name="名称").fill("商城")
    dialog.get_by_role("button", name="保存").click()
    expect(dialog).to_have_count(0)
    assert said(tab, "商城 已保存。") == "商城 已保存。"
    programs = administration(site.store, keeper).mini_programs()
    assert programs.select(pl.col("name"), pl.col("description")).rows() == [("商城", "卖东西")]
