"""Taking rows away: who may, and the record of it (SPEC A4, O3)."""

from __future__ import annotations

from lib.access.permissions import Permission
from lib.logs import Act, Operator, record
from lib.queries.gate import ViewerQueries, needs


def export_act(kind: str, file_name: str, format_key: str, rows: int) -> Act:
    """What the operation log says of a file of rows, from a page and from the command alike."""
    return Act("export", "create", "querying", kind, file_name, new={"rows": rows, "format": format_key})


class ExportQueries(ViewerQueries):
    """The viewer's exports: rows leave only after the record that they did."""

    @needs(Permission.EXPORT_CREATE)
    def note(self, kind: str, file_name: str, format_key: str, rows: int) -> None:
        """Record that the viewer takes rows away, before they do. Raises where that cannot be recorded."""
        with self.store.write(self.viewer.tenant_id) as session:
            act = export_act(kind, file_name, format_key, rows)
            record(session, self.viewer.tenant_id, Operator.of(self.viewer), act)
