"""Removing uploaded feedback logs when their time is over, bytes and all (SPEC F3). Feedback itself stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from lib.access.viewer import EVERY_TENANT
from lib.feedback.files import FeedbackFiles, needed_in
from lib.logs.record import SCHEDULE, Act, record
from lib.settings import Settings
from lib.store import Store, feedback_logs
from lib.store.tables import FeedbackLog

_AT_ONCE = 500
_NAMES = 100
"""How many names a record tells; its count tells all."""


def remove_expired_logs(settings: Settings, store: Store, now: datetime) -> int:
    """Remove the logs that expired by now, with a record for each tenant, and what interrupted uploads left on the
    disk; returns how many logs went. Raises Unavailable."""
    removed = 0
    while gone := _removed(store, now):
        remove_bytes(settings, store, {log.sha256 for log in gone})
        removed += len(gone)
    if settings.feedback_dir.is_dir():
        FeedbackFiles(settings.feedback_dir).sweep(needed_in(store))
    return removed


def remove_bytes(settings: Settings, store: Store, hashes: Collection[str]) -> int:
    """Remove those of some bytes that no row of any tenant has any more; returns how many files went."""
    return FeedbackFiles(settings.feedback_dir).remove_unneeded(hashes, needed_in(store))


def _removed(store: Store, now: datetime) -> list[FeedbackLog]:
    """Take some rows out, and record it, in one transaction."""
    with store.write(EVERY_TENANT) as session:
        gone = feedback_logs.expired(session, now, _AT_ONCE)
        of_tenant: dict[int, list[FeedbackLog]] = defaultdict(list)
        for log in gone:
            of_tenant[log.tenant_id].append(log)
        for tenant_id, logs in sorted(of_tenant.items()):
            feedback_logs.remove_logs(session, tenant_id, [log.id for log in logs])
            record(session, tenant_id, SCHEDULE, _act(logs, now))
    return gone


def _act(logs: list[FeedbackLog], now: datetime) -> Act:
    old = {
        "count": len(logs),
        "size_bytes": sum(log.size_bytes for log in logs),
        "before": now.isoformat(timespec="seconds"),
        "names": [log.name for log in logs[:_NAMES]],
    }
    return Act("feedback", "purge", "deletion", "feedback_log", f"{len(logs)}", old=old)
