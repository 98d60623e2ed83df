"""The demo tenant: made, filled and counted by `daybook init --demo`, removed by `daybook demo remove`."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import polars as pl
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.errors import BadInput, Busy, NotFound
from lib.jobs.demo_company import TENANT_KEY
from lib.jobs.demo_feedback import add_feedback
from lib.jobs.demo_making import make_company
from lib.jobs.demo_operations import add_operations
from lib.jobs.demo_usage import last_closed, usage_until
from lib.jobs.feedback_logs import remove_bytes
from lib.jobs.refresh import refresh, settle
from lib.logs.record import COMMAND, Act, record
from lib.settings import Settings
from lib.store import Store, catalogue, feedback_logs, removal
from lib.store.locks import job_lock
from lib.store.tables import Tenant
from lib.usage.intake import Accepted, Intake
from lib.usage.lake import Lake


def load(settings: Settings, store: Store, *, now: datetime | None = None) -> Accepted:
    """Make the demo tenant with ninety days of usage up to the last closed half hour, and count it; and with four
    weeks of operations and sixty days of feedback.

    Harmless when repeated: the days end where they ended the first time, and each event has its own id. Where
    another refresh runs, that or the next one counts. Raises BadInput where a tenant that is not the demo has
    its key.
    """
    with store.write(EVERY_TENANT) as session:
        tenant = _demo(session) or make_company(session, now or datetime.now(UTC))
    events = usage_until(last_closed(tenant.created_at))
    with store.write(tenant.id) as session:
        events = _with_ids(session, tenant.id, events)
    with store.write(tenant.id) as session:
        add_operations(session, tenant.id, last_closed(tenant.created_at))
    add_feedback(settings, store, tenant.id, last_closed(tenant.created_at), now or datetime.now(UTC))
    accepted = Intake(store, settings.lake).accept(tenant.id, "usage", "demo", events)
    with suppress(Busy):
        refresh(settings, store, now=now)
    return accepted


def remove(settings: Settings, store: Store) -> None:
    """Remove the demo tenant: its rows in one transaction with the record of it, then its files.

    What was recorded of it stays in the operation log. Raises NotFound where there is no demo, Busy while a
    refresh runs.
    """
    lake = Lake(settings.lake)
    with job_lock(store, "refresh"):
        settle(lake, store)
        with store.write(EVERY_TENANT) as session:
            tenant = _demo(session)
            if tenant is None:
                raise NotFound(kind="tenant", key=TENANT_KEY)
            hashes = feedback_logs.hashes_of(session, tenant.id)
            rows = removal.remove_tenant(session, tenant.id)
            record(session, None, COMMAND, _removal(tenant, rows))
        lake.publish(lake.without_tenant(lake.manifest(), tenant.id))
    lake.remove_tenant(tenant.id)
    remove_bytes(settings, store, hashes)


def _demo(session: Session) -> Tenant | None:
    try:
        tenant = catalogue.tenant_of(session, TENANT_KEY)
    except NotFound:
        return None
    if not tenant.is_demo:
        raise BadInput(what=f'The tenant "{TENANT_KEY}" is not a demo: it is left as it is')
    return tenant


def _with_ids(session: Session, tenant_id: int, events: pl.DataFrame) -> pl.DataFrame:
    applications = catalogue.ensured_applications(session, tenant_id, events["application"].unique(), "demo")
    programs = catalogue.ensured_mini_programs(session, tenant_id, events["mini_program"].unique(), "demo")
    return events.with_columns(
        application_id=pl.col("application").replace_strict(applications, return_dtype=pl.Int32),
        mini_program_id=pl.col("mini_program").replace_strict(programs, return_dtype=pl.Int32),
    )


def _removal(tenant: Tenant, rows: dict[str, int]) -> Act:
    return Act(
        module="administration",
        submodule="tenant",
        action="delete",
        operation_class="deletion",
        object_type="tenant",
        object_name=tenant.name,
        object_id=str(tenant.id),
        old={"key": tenant.key, "name": tenant.name, "rows": rows},
        content="demo remove",
    )
