"""Findings as a person reads them: the list, one in full, its records, and acknowledging it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from lib.access.permissions import AccountType
from lib.jobs.findings import look
from lib.logs.rows import OperationRecord
from tests.accounts import add_tenant, add_viewer
from tests.browser.conftest import OpenTab
from tests.lib.watched import found, keep
from tests.site import Site

pytestmark = pytest.mark.spec("O10")

HOSTILE = "<img src=x onerror=window.__xss=1> ![i](http://evil.example/i.png)"


@pytest.fixture
def keeper(site: Site) -> tuple[str, int]:
    """The administrator of a tenant in which somebody took far more away than usual."""
    key = f"t-{uuid.uuid4().hex[:8]}"
    tenant_id = add_tenant(site.store, key)
    add_viewer(site.store, f"keeper-{key}", tenant_id, AccountType.PLATFORM)
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    told = {"module": "export", "action": "create", "operation_class": "querying", "channel": "ui"}
    taken = [(noon - timedelta(days=day), 1000) for day in range(1, 8)] + [(noon, 90_000)]
    records = [OperationRecord(at, HOSTILE, object_name="a.csv", new={"rows": rows}, **told) for at, rows in taken]  # type: ignore[arg-type]
    keep(site.store, tenant_id, records)
    look(site.store)
    return f"keeper-{key}", tenant_id


def test_a_finding_is_opened_leads_to_its_records_and_is_acknowledged(
    open_tab: OpenTab, site: Site, keeper: tuple[str, int]
) -> None:
    name, tenant_id = keeper
    tab = open_tab("/findings", who=name)
    expect(tab.get_by_role("link", name="Findings (1)")).to_be_visible()
    box = tab.get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    tab.mouse.click(box["x"] + 60, box["y"] + 54)
    panel = tab.get_by_role("dialog")
    expect(panel.get_by_text("took away 90,000 rows in half an hour.")).to_be_visible()
    expect(panel.get_by_text("90 times the usual")).to_be_visible()
    linked = tab.url
    panel.get_by_role("button", name="Show the records").click()
    expect(tab.get_by_role("heading", name="Operation log")).to_be_visible()
    expect(tab.get_by_text("1 operation", exact=False).first).to_be_visible()
    tab.goto(linked)
    panel = tab.get_by_role("dialog")
    panel.get_by_role("textbox").fill("The yearly report.")
    panel.get_by_role("button", name="Acknowledge").click()
    expect(tab.get_by_text("The finding is acknowledged.")).to_be_visible()
    expect(tab.get_by_role("link", name="Findings (1)")).to_have_count(0)
    assert [(row.acknowledged_by, row.note) for row in found(site.store, tenant_id)] == [(name, "The yearly report.")]
    assert tab.evaluate("window.__xss") is None
