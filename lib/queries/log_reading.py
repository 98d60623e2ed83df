"""That a log of the database was read, and the tree of organizations by which operations can be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl
from sqlalchemy import select

from lib.access.permissions import Permission
from lib.logs import Act, Operator, record
from lib.queries.gate import ViewerQueries, needs
from lib.store.tables import Organization, Tenant

ORGANIZATION = {"id": pl.Int64, "parent_id": pl.Int64, "name": pl.String}


def reading_act(asked: Mapping[str, Any], count: int | None = None) -> Act:
    """What the operation log says of having been read, by a page, a program or a command."""
    told = {"filter": dict(asked)} | ({} if count is None else {"count": count})
    return Act("operation_log", "read", "querying", "operation", new=told)


class LogReading(ViewerQueries):
    """The record of a viewer's reading, and the organizations whose operations they can choose."""

    @needs(Permission.OPERATION_LOG_READ)
    def note(self, asked: Mapping[str, Any], count: int | None = None, channel: str = "ui") -> None:
        """Record that the viewer reads the log by a filter (SPEC O3). Raises where that cannot be recorded."""
        operator = replace(Operator.of(self.viewer), channel=channel)
        with self.store.write(self.viewer.tenant_id) as session:
            record(session, self.viewer.tenant_id, operator, reading_act(asked, count))

    @needs(Permission.VISIT_READ)
    def note_visits(self, asked: Mapping[str, Any]) -> None:
        """Record that the viewer looks at visits by a filter (SPEC O3). Raises where that cannot be recorded."""
        self._note_access("visit", asked)

    @needs(Permission.SIGN_IN_READ)
    def note_sign_ins(self, asked: Mapping[str, Any]) -> None:
        """Record that the viewer looks at sign-ins by a filter (SPEC O3). Raises where that cannot be recorded."""
        self._note_access("sign_in", asked)

    def _note_access(self, object_type: str, asked: Mapping[str, Any]) -> None:
        with self.store.write(self.viewer.tenant_id) as session:
            act = Act("visits", "read", "querying", object_type, new={"filter": dict(asked)})
            record(session, self.viewer.tenant_id, Operator.of(self.viewer), act)

    @needs(Permission.OPERATION_LOG_READ)
    def organizations(self) -> pl.DataFrame:
        """The tenant's organizations by name: ORGANIZATION; none where the tenant has no data permission (SPEC O5)."""
        tenant_id = self.viewer.tenant_id
        with self.store.read(tenant_id) as session:
            tenant = session.get(Tenant, tenant_id)
            if tenant is None or not tenant.has_data_permission:
                return pl.DataFrame(schema=ORGANIZATION)
            told = select(Organization.id, Organization.parent_id, Organization.name)
            rows = session.execute(told.where(Organization.tenant_id == tenant_id).order_by(Organization.name))
            return pl.DataFrame([tuple(row) for row in rows], schema=ORGANIZATION, orient="row")
