"""A small operation log for tests: who switched a dashboard off, and others about their work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lib.logs.append import append
from lib.logs.rows import OperationRecord
from lib.store import Store

NOON = datetime(2024, 5, 12, 12, tzinfo=UTC)

BASE = OperationRecord(
    occurred_at=NOON,
    operator="amy",
    role="editor",
    organization="Content",
    product="datafinder",
    module="dashboard",
    submodule="dashboard",
    action="edit",
    operation_class="modification",
    channel="ui",
    object_type="dashboard",
    object_name="Sales 看板",
    object_id="710034",
    address="192.0.2.7",
    request_id="r-1",
    source="test",
)

RECORDS = (
    replace(BASE, action="create", operation_class="addition", new={"name": "Sales 看板", "status": "enabled"}),
    replace(
        BASE,
        occurred_at=NOON + timedelta(hours=20),
        operator="Bob",
        role="lead",
        organization="Growth",
        old={"name": "Sales 看板", "status": "enabled", "filters": {"os": "iOS"}},
        new={"name": "Sales 看板", "status": "disabled", "filters": {"os": "iOS"}},
    ),
    replace(
        BASE,
        occurred_at=NOON + timedelta(hours=21),
        operator="Bob",
        role="lead",
        organization="Growth",
        module="user_analysis",
        submodule="user_segment",
        action="download",
        operation_class="querying",
        object_type="segment",
        object_name="高价值会员",
        object_id="S-1",
        result="failure",
        content="Timed out 请求超时",
    ),
    replace(
        BASE,
        occurred_at=NOON + timedelta(days=2),
        operator="cid",
        product="dmhub",
        module="lottery",
        submodule="",
        action="draw",
        object_type="lottery",
        object_name="=1+1 [x](http://x)",
        object_id="L-3",
        application="web",
        is_catalogued=False,
    ),
)
"""The oldest first; the second is the one that everybody looks for."""

WEEK = {"since": "2024-05-12", "until": "2024-05-19"}


def add_log(store: Store, tenant_id: int, *records: OperationRecord) -> None:
    """Add records, or RECORDS, to a tenant's log."""
    with store.write(tenant_id) as session:
        append(session, tenant_id, list(records or RECORDS))
