"""How long a tenant keeps its raw rows (SPEC A8): its administrators say so, the daily purge does it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.errors import BadInput, NotFound
from lib.logs import Act, Operator, record
from lib.logs.verify.removals import LEAST_DAYS
from lib.queries.gate import ViewerQueries, needs
from lib.store import Store
from lib.store.tables import Tenant
from lib.usage.lake import Lake, TenantFiles
from lib.words import Phrase

MOST_DAYS = 36_500

_LISTED = {"kind": pl.String(), "days": pl.Int64(), "oldest": pl.String(), "rows": pl.Int64()}


@dataclass(frozen=True)
class Kept:
    """Rows that a tenant keeps for a number of days: the column that says how many, and the least that it may say.

    Its words are `keeping.<key>` and `keeping.<key>_help`.
    """

    key: str
    column: str
    least_days: int


KEPT = (
    # Client libraries may send events that are 30 days late (DAYBOOK_OLDEST_EVENT_DAYS).
    Kept("usage_event", "keeps_events_days", 31),
    Kept("visit", "keeps_visits_days", 1),
)

OPERATIONS_KEPT = Kept("operation", "keeps_operations_days", LEAST_DAYS)
"""What the operation log's own room shows and changes (lib.queries.proving)."""


def change_retention(session: Session, tenant_id: int, operator: Operator, kept: Kept, days: int | None) -> None:
    """Keep such rows of the tenant so many days, None: for ever. Raises BadInput."""
    if days is not None and not kept.least_days <= days <= MOST_DAYS:
        raise BadInput(what=Phrase("keeping.days_refused", least=kept.least_days, most=MOST_DAYS))
    row = session.get(Tenant, tenant_id)
    if row is None:
        raise NotFound(kind=Phrase("kind.tenant"), key=tenant_id)
    old = getattr(row, kept.column)
    if old == days:
        return
    setattr(row, kept.column, days)
    act = Act(
        "retention",
        "edit",
        "modification",
        object_type=kept.key,
        object_name=kept.key,
        old={kept.column: old},
        new={kept.column: days},
    )
    record(session, tenant_id, operator, act)


class RetentionQueries(ViewerQueries):
    """What the viewer's tenant keeps, and for how long."""

    def __init__(self, viewer: Viewer, store: Store, lake: Path) -> None:
        super().__init__(viewer, store)
        self._lake = Lake(lake)

    @needs(Permission.RETENTION_MANAGE)
    def listing(self) -> pl.DataFrame:
        """A row for each of KEPT: `kind`, `days` (null: for ever), `oldest` (the first UTC date that is there, null:
        none) and `rows` (how many are in the lake)."""
        files = self._lake.manifest().tenants.get(self.viewer.tenant_id, TenantFiles())
        there = {
            "usage_event": {day: files.days[day].rows for day in files.raw},
            "visit": {day: each.rows for day, each in files.visits.items()},
        }
        with self.store.read(EVERY_TENANT) as session:
            tenant = session.get_one(Tenant, self.viewer.tenant_id)
            days = {kept.key: getattr(tenant, kept.column) for kept in KEPT}
        rows = [
            (kept.key, days[kept.key], min(there[kept.key], default=None), sum(there[kept.key].values()))
            for kept in KEPT
        ]
        return pl.DataFrame(rows, schema=_LISTED, orient="row")

    @needs(Permission.RETENTION_MANAGE)
    def change(self, kept: Kept, days: int | None) -> None:
        """Keep such rows so many days from the next purge on, None: for ever. What is gone does not come back.

        Raises BadInput, for who does not hold every application too.
        """
        if not self.viewer.applications.every:
            raise BadInput(what=Phrase("administration_error.every_application_needed"))
        with self.store.write(EVERY_TENANT) as session:
            change_retention(session, self.viewer.tenant_id, Operator.of(self.viewer), kept, days)
