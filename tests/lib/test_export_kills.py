"""A server that is killed while a file leaves: what had begun is in the log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from lib.access.permissions import AccountType
from lib.access.viewer import EVERY_TENANT
from lib.logs.append import append
from lib.logs.rows import OperationRecord
from lib.queries.entrance import Entrance
from lib.queries.exports import ExportQueries, ExportRequest
from lib.queries.operation_filter import OperationFilter
from lib.store import Store
from lib.store.tables import Operation
from tests.accounts import add_tenant, add_viewer
from tests.site import Site

BEGAN = datetime(2024, 5, 12, tzinfo=UTC)
OPERATIONS = 20_000


def add_operations(store: Store, tenant_id: int) -> OperationFilter:
    """Operations of one day, long enough to fill every buffer between two processes; returns what asks for them."""
    content = "经营分析 " * 40
    records = [
        OperationRecord(BEGAN + timedelta(seconds=n), "amy", "account", "add", "addition", "ui", content=content)
        for n in range(OPERATIONS)
    ]
    with store.write(tenant_id) as session:
        append(session, tenant_id, records)
    return OperationFilter(BEGAN, BEGAN + timedelta(days=1))


@pytest.mark.spec("O3", "O8")
def test_a_kill_in_the_middle_leaves_the_record_of_the_start(tmp_path: Path) -> None:
    site = Site(tmp_path)
    tenant_id = add_tenant(site.store, "acme")
    add_viewer(site.store, "boss", tenant_id, AccountType.PLATFORM)
    asked = add_operations(site.store, tenant_id)
    entrance = Entrance(site.store)
    cookie = entrance.redeem(entrance.succeed(entrance.attempt("boss")).ticket).token
    request = ExportRequest("operations", asked.as_json(), ("id", "content"), "csv", "log.csv", "en", "UTC")
    ticket = ExportQueries(entrance.viewer_of(cookie), site.store).ticket(cookie, request)
    site.start()
    try:
        browser = httpx.Client(base_url=site.url, cookies={"daybook": cookie}, timeout=30)
        cut = pytest.raises(httpx.RemoteProtocolError)
        with browser, cut, browser.stream("GET", f"/export/{ticket}") as answer:
            assert answer.status_code == 200
            for _ in answer.iter_raw():
                site.kill()
    finally:
        site.kill()
    with site.store.read(EVERY_TENANT) as session:
        (begun,) = session.scalars(select(Operation).where(Operation.module == "export"))
    assert (begun.action, begun.result, begun.operator) == ("begin", "success", "boss")
    assert json.loads(begun.body)["new"] == {"columns": ["id", "content"], "filter": asked.as_json(), "format": "csv"}
    site.store.dispose()
