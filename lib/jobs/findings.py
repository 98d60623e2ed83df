"""Looking for findings: in the half hours that closed since the last look, and in older ones where something arrived.

What arrived is told by the seals of the operation log, which are in the order of arrival, and by what waits to be
sealed. So however long the log is, only the half hours that changed are read again, each of them whole: looking again
counts and finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.jobs.finding_counts import Counts, counts_of_attempts, counts_of_operations
from lib.logs.findings import RULES, FindingRule, Given, Judged, history_of, rules_of
from lib.logs.findings.frames import BUCKET_IDS, DAY_BUCKETS, bucket_at, buckets_of_ids, instant_of
from lib.logs.findings.measures import EVERY_MEASURE
from lib.logs.record import SYSTEM_TENANT
from lib.store import Store, findings
from lib.store.catalogue import every_tenant
from lib.store.locks import job_lock
from lib.store.runs import job_run
from lib.store.tables import FindingProgress

_LATE = timedelta(minutes=15)
"""How long after an operation was made its transaction may end."""

_ATTEMPTS_DAYS = 400
_AT_ONCE = 14 * DAY_BUCKETS
"""How many half hours are counted in one transaction, when much arrived."""


@dataclass
class Looked:
    """What a look saw: half hours that were read, rows in them, and findings that are new."""

    buckets: int = 0
    rows: int = 0
    findings: int = 0


def look(store: Store, now: datetime | None = None) -> Looked:
    """Look through what closed or arrived since the last look, of every tenant. Raises Busy while another look runs."""
    now = now or datetime.now(UTC)
    looked = Looked()
    with job_lock(store, "findings") as hold, job_run(store, "findings") as run:
        with store.read(EVERY_TENANT) as session:
            tenant_ids = [SYSTEM_TENANT, *(tenant.id for tenant in every_tenant(session))]
        for tenant_id in tenant_ids:
            hold.require()
            _look_at(store, tenant_id, now, looked)
        run.figures.update(asdict(looked))
    return looked


def _look_at(store: Store, tenant_id: int, now: datetime, looked: Looked) -> None:
    closed = bucket_at(now)
    with store.read(EVERY_TENANT) as session:
        before = findings.progress(session, tenant_id)
        position, arrived = _arrived(session, tenant_id, before)
    # What arrived in the half hour that is still open is read once that has closed.
    newly_closed = range(before.until_bucket, closed) if before else ()
    changed = sorted({bucket for bucket in arrived if bucket < closed} | {*newly_closed})
    first_bucket = min([*changed[:1], before.first_bucket if before else closed])
    for some in _parts(changed):
        with store.read(EVERY_TENANT) as session:
            counts = counts_of_operations(session, tenant_id, some)
        _keep(store, tenant_id, counts, first_bucket, now, looked)
    tried_since = before.until_bucket - 1 if before else closed - _ATTEMPTS_DAYS * DAY_BUCKETS
    with store.read(EVERY_TENANT) as session:
        tried = counts_of_attempts(session, tenant_id, min(tried_since, closed), closed)
    _keep(store, tenant_id, tried, first_bucket, now, looked)
    looked.buckets += len(changed)
    with store.write(EVERY_TENANT) as session:
        for measure, days in EVERY_MEASURE.items():
            findings.remove_tallies(session, tenant_id, measure, closed - days * DAY_BUCKETS)
        # Written last: what a crash leaves undone is done by the next look.
        told = {"until_position": position, "until_bucket": closed, "first_bucket": first_bucket, "looked_at": now}
        session.merge(FindingProgress(tenant_id=tenant_id, **told))


def _arrived(session: Session, tenant_id: int, before: FindingProgress | None) -> tuple[int, set[int]]:
    """How far the tenant's operations are sealed, and the half hours of what arrived since the last look."""
    position = before.until_position if before else 0
    late = before.looked_at - _LATE if before else None
    arrived = set(findings.pending_since(session, tenant_id, late, BUCKET_IDS))
    for size, ids in findings.sealed_since(session, tenant_id, position):
        arrived |= buckets_of_ids(pl.Series(np.frombuffer(ids, "<i8"), dtype=pl.Int64))
        position = size
    return position, arrived


def _keep(store: Store, tenant_id: int, counts: Counts, first_bucket: int, now: datetime, looked: Looked) -> None:
    """Keep the counts of half hours with what the rules find in them."""
    looked.rows += counts.row_count
    if not counts.buckets:
        return
    judged = Judged(tenant_id, counts.buckets[0], counts.buckets[-1] + 1, first_bucket)
    with store.write(EVERY_TENANT) as session:
        counts.keep(session, tenant_id)
        session.flush()
        rules = rules_of(session, tenant_id)
        for rule in RULES:
            is_on, given = rules[rule.key]
            if is_on and (people := counts.people(rule.measure)):
                history = history_of(session, judged, rule, people)
                found = _of_these(rule.find(history, given), rule, counts.buckets)
                rows = [_finding(rule, given, row, now) for row in found.iter_rows(named=True)]
                looked.findings += findings.put_findings(session, tenant_id, rows)


def _of_these(found: pl.DataFrame, rule: FindingRule, buckets: Sequence[int]) -> pl.DataFrame:
    windows = {bucket // rule.window * rule.window for bucket in buckets}
    return found.filter(pl.col("bucket").is_in(windows))


def _finding(rule: FindingRule, given: Given, row: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "rule": rule.key,
        "who": row["who"],
        "bucket_at": instant_of(row["bucket"]),
        "until_at": instant_of(row["bucket"] + rule.window),
        "observed": row["observed"],
        "usual": row["usual"],
        "threshold": rule.compared_with(given),
        "facts": {"told": row["told"]},
        "records": rule.leads_to(row["who"], row["actions"]),
        "found_at": now,
    }


def _parts(buckets: Sequence[int]) -> Iterator[Sequence[int]]:
    return (buckets[start : start + _AT_ONCE] for start in range(0, len(buckets), _AT_ONCE))
