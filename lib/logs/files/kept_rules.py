"""The rules of server logs as the database has them."""

from __future__ import annotations

from lib.access.viewer import EVERY_TENANT
from lib.logs.files.types import LOG_TYPES, Level, Rule
from lib.store import Store
from lib.store.server_logs import log_rules


def kept_rules(store: Store) -> dict[str, Rule]:
    """The rule of each type by its key. Raises Unavailable."""
    with store.read(EVERY_TENANT) as session:
        changed = {row.log_type: Rule(Level(row.level), row.copies, row.days) for row in log_rules(session)}
    return {each.key: changed.get(each.key, Rule()) for each in LOG_TYPES}
