"""Redeeming a ticket: from a browser's request to a viewer, what they asked for, and the record that it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex

from lib.access.permissions import Permission
from lib.access.viewer import EVERY_TENANT, Viewer
from lib.errors import NotPermitted, NotSignedIn, TicketOfAnother, TicketSpent
from lib.logs.record import Operator, record
from lib.queries.entrance import Entrance
from lib.queries.exports import Export, ExportRequest
from lib.store import Store, export_tickets, sessions
from lib.store.tables import ExportTicket
from lib.words import Language


@dataclass(frozen=True)
class Redeemed:
    """Who takes what away. Its beginning is recorded; whoever goes on says how it ended."""

    viewer: Viewer
    request: ExportRequest
    export: Export


class ExportTickets:
    """What stands between a request for a file and its viewer."""

    def __init__(self, store: Store, entrance: Entrance) -> None:
        self._store = store
        self._entrance = entrance

    def redeem(self, token: str | None, ticket: str, address: str = "") -> Redeemed:
        """Exchange a ticket, once, in the session that it was given to, and record that the file begins to leave.

        The viewer is who shows the token, as they are now. Raises NotSignedIn, NotPermitted, TicketSpent, and
        TicketOfAnother.
        """
        self._entrance.viewer_of(token)  # a stranger learns nothing about tickets
        row, session_id = self._look(token, ticket)
        request = ExportRequest.of_json(row.asked)
        language = Language(request.language)
        viewer = self._entrance.viewer_of(token, request.tenant, language=language, address=address)
        if (viewer.account_id, viewer.tenant_id) != (row.account_id, row.tenant_id):
            raise TicketOfAnother
        if not viewer.allows(Permission.EXPORT_CREATE):
            raise NotPermitted(permission=Permission.EXPORT_CREATE.value)
        export = Export(token_hex(8), request.room, request.file_name, request.asked)
        with self._store.write(viewer.tenant_id) as session:
            if not export_tickets.take_ticket(session, ticket, session_id):
                raise TicketSpent
            record(session, viewer.tenant_id, Operator.of(viewer), export.begun(request))
        return Redeemed(viewer, request, export)

    def finish(self, redeemed: Redeemed, manifest: Mapping[str, object], broken_off: str = "") -> None:
        """Record what left, whatever the viewer may by now."""
        viewer = redeemed.viewer
        with self._store.write(viewer.tenant_id) as session:
            record(session, viewer.tenant_id, Operator.of(viewer), redeemed.export.done(manifest, broken_off))

    def _look(self, token: str | None, ticket: str) -> tuple[ExportTicket, int]:
        with self._store.read(EVERY_TENANT) as session:
            found = None if token is None else sessions.shown(session, token)
            if found is None:
                raise NotSignedIn
            row = export_tickets.ticket_shown(session, ticket)
            if row is None or row.expires_at < datetime.now(UTC):
                raise TicketSpent
            if row.session_id != found[0].id:
                raise TicketOfAnother
            return row, found[0].id
