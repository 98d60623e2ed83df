"""Notes and exclusion rules as a person keeps them: in dialogs that stay open while they are filled in."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from lib.access.permissions import Permission
from lib.jobs.refresh import refresh
from lib.usage.intake import Intake
from tests.accounts import add_tenant, add_viewer
from tests.browser.conftest import OpenTab
from tests.lib.events import event, events
from tests.site import Site

HOSTILE = "<a href='http://evil.example'>x</a> [y](http://evil.example)"


@pytest.fixture
def kim(site: Site) -> str:
    """Somebody who keeps notes and rules, in a tenant with two events of yesterday, one of them a robot's."""
    tenant = add_tenant(site.store, f"t-{uuid.uuid4().hex[:8]}")
    allowed = [Permission.USAGE_READ, Permission.ANNOTATION_MANAGE, Permission.EXCLUSION_MANAGE]
    add_viewer(site.store, f"kim-{tenant}", tenant, permissions=allowed)
    yesterday = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    rows = [event(at=yesterday, user_agent=agent, visitor=agent) for agent in ("Mozilla/5.0", "FooBot/1.0")]
    Intake(site.store, site.settings.lake).accept(tenant, "usage", "test", events(*rows))
    refresh(site.settings, site.store)
    return f"kim-{tenant}"


@pytest.mark.spec("U6")
def test_a_note_is_kept_below_a_trend_and_told_on_it(open_tab: OpenTab, kim: str) -> None:
    tab = open_tab("/global_overview?period=yesterday", who=kim)
    tab.get_by_text("Notes (0)").click()
    tab.get_by_role("button", name="Add a note").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_label("Note", exact=True).fill(HOSTILE)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(tab.get_by_text("Notes (1)")).to_be_visible()
    expect(tab.locator(".nsewdrag")).to_have_count(1)
    tab.locator(".nsewdrag").scroll_into_view_if_needed()
    plot = tab.locator(".nsewdrag").bounding_box()
    assert plot is not None
    tab.mouse.move(plot["x"] + plot["width"] / 60, plot["y"] + plot["height"] / 2)
    told = tab.locator(".hoverlayer")
    expect(told).to_contain_text("<a href='http://evil.example'>x</a>")
    expect(told.locator("a")).to_have_count(0)


@pytest.mark.spec("U8")
def test_a_rule_is_seen_before_it_holds_and_is_taken_back(open_tab: OpenTab, kim: str) -> None:
    tab = open_tab("/administration", who=kim)
    tab.get_by_role("button", name="Add a rule").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Kind").click()
    tab.get_by_role("option", name="User agent").click()
    dialog.get_by_label("Pattern").fill("foobot")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_role("alert")).to_contain_text("it would take out 1 (50.0 %), of 1 visitors")
    dialog.get_by_role("button", name="Add the rule").click()
    expect(dialog).to_be_hidden()
    expect(tab.get_by_text("The rule foobot holds.")).to_be_visible()
    box = tab.get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    tab.mouse.click(box["x"] + 60, box["y"] + 54)
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("button", name="Take back").click()
    tab.get_by_test_id("stPopoverBody").get_by_role("button", name="Take back").click()
    expect(tab.get_by_text("The rule foobot is taken back.")).to_be_visible()
