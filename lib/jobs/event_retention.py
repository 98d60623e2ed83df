"""The retention rule of raw rows: usage events and visits leave the lake when they are older than their tenant wants.

What was counted of usage events outlives them (lib.usage.removed); of visits nothing is counted, so nothing is left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from lib.access.viewer import EVERY_TENANT
from lib.jobs.refresh import settle
from lib.logs.record import SCHEDULE, SYSTEM_TENANT, Act, record
from lib.settings import Settings
from lib.store import Store, catalogue
from lib.store.locks import job_lock
from lib.usage.lake import FORMAT, Lake, TenantFiles
from lib.usage.removed import Removal, removable, without_raw
from lib.usage.writing import Writing


@dataclass(frozen=True)
class Rule:
    """How many days a tenant keeps its raw events and its visits; None: for ever."""

    tenant_id: int
    events_days: int | None
    visits_days: int | None


_OF_NOBODY = Rule(SYSTEM_TENANT, None, 400)
"""Visits of system administrators and of strangers go when attempts to sign in do."""


@dataclass(frozen=True)
class RemovedRows:
    """How many rows went."""

    events: int = 0
    visits: int = 0


def remove_old_rows(settings: Settings, store: Store, now: datetime) -> RemovedRows:
    """Remove the raw events of sessions that began, and visits that came, more days ago than their tenant keeps them.

    What goes is recorded before it goes: a crash in between is mended by the next run, which records it again.
    Raises Busy while a refresh runs.
    """
    with job_lock(store, "refresh") as hold:
        lake = Lake(settings.lake)
        settle(lake, store)
        before = lake.manifest()
        if before.format != FORMAT:  # the next refresh counts all events again, and needs them
            return RemovedRows()
        publication, tenants, removed = before.publication + 1, {**before.tenants}, RemovedRows()
        for rule in _rules(store):
            files = tenants.get(rule.tenant_id, TenantFiles())
            events = removable(files, _first_kept(now, rule.events_days))
            visits = _visits(files, _first_kept(now, rule.visits_days))
            _record(store, rule, events, visits)
            if events.dates:
                files = without_raw(Writing(lake, rule.tenant_id, publication), files, events)
            if visits.dates:
                kept = {day: each for day, each in files.visits.items() if day not in visits.dates}
                files = replace(files, visits=kept)
            if events.dates or visits.dates:
                tenants[rule.tenant_id] = files
                removed = RemovedRows(removed.events + events.event_count, removed.visits + visits.event_count)
        if removed != RemovedRows():
            hold.require()
            lake.publish(replace(before, publication=publication, applied=(), tenants=tenants, ledger=None))
            lake.sweep()
    return removed


def _rules(store: Store) -> list[Rule]:
    with store.read(EVERY_TENANT) as session:
        return [_OF_NOBODY] + [
            Rule(tenant.id, tenant.keeps_events_days, tenant.keeps_visits_days)
            for tenant in catalogue.every_tenant(session)
        ]


def _first_kept(now: datetime, days: int | None) -> date:
    return date.min if days is None else now.astimezone(UTC).date() - timedelta(days=days)


def _visits(files: TenantFiles, before: date) -> Removal:
    days = tuple(sorted(day for day in files.visits if day < before.isoformat()))
    return Removal(days, sum(files.visits[day].rows for day in days))


def _record(store: Store, rule: Rule, events: Removal, visits: Removal) -> None:
    with store.write(rule.tenant_id) as session:
        for what, removal in (("usage_event", events), ("visit", visits)):
            if removal.dates:
                old = {"count": removal.event_count, "first": removal.dates[0], "last": removal.dates[-1]}
                act = Act("retention", "purge", "deletion", object_type=what, object_name=what, old=old)
                record(session, rule.tenant_id, SCHEDULE, act)
