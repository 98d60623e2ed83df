"""Taking rows away: who may, the record of it, and the tickets by which a browser fetches long files (SPEC A4, O3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lib.access.permissions import Permission
from lib.access.tokens import new_token
from lib.errors import NotSignedIn
from lib.logs.record import Act, Operator, record
from lib.queries.gate import ViewerQueries, needs
from lib.store import export_tickets, sessions
from lib.store.sessions import Badge

TICKET_LASTS = timedelta(seconds=60)


@dataclass(frozen=True)
class ExportRequest:
    """What a viewer asked to take away: enough to make the file again in another process.

    `room` and `asked` name the rows (lib.queries.rooms), `columns` those of them that are taken.
    """

    room: str
    asked: Mapping[str, Any]
    columns: tuple[str, ...]
    format: str
    file_name: str
    language: str
    zone: str
    tenant: str = ""

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> ExportRequest:
        """The request that `asdict` made JSON of."""
        return cls(**{**kept, "columns": tuple(kept["columns"])})


@dataclass(frozen=True)
class Export:
    """A file that is taken away, as the operation log knows it: an id of its own, what it holds, what was asked."""

    id: str
    kind: str
    file_name: str
    asked: Mapping[str, Any] = field(default_factory=dict)

    def begun(self, request: ExportRequest) -> Act:
        """The record that the file has begun to leave."""
        new = {"format": request.format, "columns": list(request.columns), "filter": dict(self.asked)}
        return Act("export", "begin", "querying", self.kind, self.file_name, self.id, new=new)

    def done(self, manifest: Mapping[str, object], broken_off: str = "") -> Act:
        """The record of what left; of a file that was broken off, why, and how far it came."""
        new = {**manifest, "filter": dict(self.asked)} if self.asked else dict(manifest)
        result = "failure" if broken_off else "success"
        return Act(
            "export",
            "create",
            "querying",
            self.kind,
            self.file_name,
            self.id,
            new=new,
            result=result,
            content=broken_off,
        )


class ExportQueries(ViewerQueries):
    """The viewer's exports: rows leave only after the record that they did."""

    @needs(Permission.EXPORT_CREATE)
    def note(self, export: Export, manifest: Mapping[str, object]) -> None:
        """Record that the viewer takes a file away, before they do. Raises where that cannot be recorded."""
        with self.store.write(self.viewer.tenant_id) as session:
            record(session, self.viewer.tenant_id, Operator.of(self.viewer), export.done(manifest))

    @needs(Permission.EXPORT_CREATE)
    def ticket(self, badge: Badge | None, request: ExportRequest) -> str:
        """A ticket that the badge's browser session exchanges for the file, once and within TICKET_LASTS."""
        now, ticket = datetime.now(UTC), new_token()
        with self.store.write(self.viewer.tenant_id) as session:
            found = None if badge is None else sessions.shown(session, badge)
            if found is None or found[1].id != self.viewer.account_id:
                raise NotSignedIn
            export_tickets.add_ticket(
                session,
                ticket,
                tenant_id=self.viewer.tenant_id,
                account_id=self.viewer.account_id,
                session_id=found[0].id,
                asked={**asdict(request), "tenant": self.viewer.tenant_key},
                now=now,
                lasts=TICKET_LASTS,
            )
        return ticket
