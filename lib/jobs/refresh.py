"""The refresh: what waits in the inbox goes into the lake, is counted, and becomes one publication at a time.

A crash between any two steps is mended by the next run: a publication that did not become current is written again,
and one
that did but whose batches still stand in the inbox names them, so that they are not taken in twice.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import polars as pl
from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.errors import Unavailable
from lib.logs.record import SYSTEM_TENANT
from lib.settings import Settings
from lib.store import Store, catalogue, exclusions, inbox, ledger
from lib.store.locks import job_lock
from lib.store.runs import job_run
from lib.usage.buckets import bucket_of, start_of
from lib.usage.intake import unpacked
from lib.usage.lake import FORMAT, Lake, TenantFiles
from lib.usage.rebuild import rebuilt
from lib.usage.recount import LEDGER, add_events, add_visits, exclude, ledgered
from lib.usage.visits import stored
from lib.usage.writing import Writing

_log = logging.getLogger(__name__)

SLICE_ROWS = 2_000_000
"""Rows that one publication takes in at most, so that memory stays bounded whatever waits."""


@dataclass
class Refreshed:
    """What a refresh did: the publications it made, the rows it counted and those it had seen before."""

    publication: int = 0
    as_of: datetime | None = None
    batches: int = 0
    added: int = 0
    duplicate: int = 0
    late: int = 0
    expired: int = 0
    visits: int = 0


def refresh(settings: Settings, store: Store, *, full: bool = False, now: datetime | None = None) -> Refreshed:
    """Count what waits, up to now; with `full`, count everything again from the lake's events.

    Raises Busy while another refresh runs, and Unavailable with the old publication still current.
    """
    lake = Lake(settings.lake)
    with job_lock(store, "refresh") as hold, job_run(store, "refresh") as run:
        settle(lake, store)
        done = Refreshed()
        as_of = start_of(bucket_of(now or datetime.now(UTC)))
        waiting = _waiting(store, lake)
        while True:
            taken, waiting = _slice(waiting)
            hold.require()
            _publish(lake, store, taken, as_of, full, done)
            full = False
            if not waiting:
                break
        lake.sweep()
        run.figures.update(
            {
                name: getattr(done, name)
                for name in ("publication", "batches", "added", "duplicate", "late", "expired", "visits")
            }
        )
    return done


def settle(lake: Lake, store: Store) -> None:
    """Bring the database up to the current publication: its ledger's rows in, its batches out of the inbox."""
    manifest = lake.manifest()
    if not manifest.publication:
        return
    rows = ledgered(lake.path(manifest.ledger)) if manifest.ledger else pl.DataFrame(schema=LEDGER)
    with store.write(EVERY_TENANT) as session:
        ledger.record_publication(
            session,
            manifest.publication,
            (
                ledger.LedgerRow(tenant, start_of(t), *counted)
                for tenant, t, *counted in rows.select(list(LEDGER)).iter_rows()
            ),
        )
        inbox.remove(session, manifest.applied)


def _waiting(store: Store, lake: Lake) -> list[inbox.Batch]:
    applied = set(lake.manifest().applied)
    with store.read(EVERY_TENANT) as session:
        return [batch for batch in inbox.batches(session) if batch.id not in applied]


def _slice(waiting: Sequence[inbox.Batch]) -> tuple[list[inbox.Batch], list[inbox.Batch]]:
    rows = 0
    for index, batch in enumerate(waiting):
        rows += batch.row_count
        if rows >= SLICE_ROWS:
            return list(waiting[: index + 1]), list(waiting[index + 1 :])
    return list(waiting), []


@dataclass(frozen=True)
class _Policy:
    """What a tenant's settings say about its counting."""

    numbers_visitors_per_application: bool
    rules: tuple[tuple[str, str], ...]


_NOBODYS = _Policy(numbers_visitors_per_application=False, rules=())
"""Of visits that belong to no tenant; there are no events that do."""


def _publish(
    lake: Lake, store: Store, taken: Sequence[inbox.Batch], as_of: datetime, full: bool, done: Refreshed
) -> None:
    before = lake.manifest()
    if before.publication and before.format != FORMAT:
        _log.warning("The tables in %s are of another version of Daybook: all events are counted again", lake.folder)
        full = True
    as_of = max(as_of, before.as_of or as_of)  # a clock set back closes no bucket, and opens none
    publication = before.publication + 1
    policies = _policies(store)
    tenants = {tenant: files for tenant, files in before.tenants.items() if tenant in policies}
    ledgers = [pl.DataFrame(schema=LEDGER)]
    for tenant_id, policy in policies.items():
        known = tenants.get(tenant_id)
        if known is not None:
            tenants[tenant_id], rows = _following(Writing(lake, tenant_id, publication), known, policy, full)
            ledgers.append(rows)
    closed_before = bucket_of(before.as_of) if before.as_of else 0
    for tenant_id, batches in _by_tenant(taken).items():
        if tenant_id in policies:
            policy = policies[tenant_id]
            files = tenants.get(tenant_id, TenantFiles(policy.numbers_visitors_per_application, policy.rules))
            writing = Writing(lake, tenant_id, publication, step=1)
            tenants[tenant_id], rows = _taken_in(writing, files, store, batches, closed_before, done)
            ledgers.append(rows)
    changed = pl.concat(ledgers).group_by("tenant_id", "t").agg(pl.exclude("tenant_id", "t").sum())
    manifest = replace(
        before,
        publication=publication,
        format=FORMAT,
        as_of=as_of,
        published_at=datetime.now(UTC),
        applied=tuple(batch.id for batch in taken),
        tenants=tenants,
        ledger=None if changed.is_empty() else lake.write_frame(f"ledger/{publication}.parquet", changed),
    )
    lake.publish(manifest)
    settle(lake, store)
    done.publication, done.as_of, done.batches = publication, as_of, done.batches + len(taken)


def _policies(store: Store) -> dict[int, _Policy]:
    with store.read(EVERY_TENANT) as session:
        return {SYSTEM_TENANT: _NOBODYS} | {
            tenant.id: _Policy(
                tenant.numbers_visitors_per_application,
                tuple(sorted({(rule.kind, rule.pattern) for rule in exclusions.active_rules(session, tenant.id)})),
            )
            for tenant in catalogue.every_tenant(session)
        }


def _following(writing: Writing, files: TenantFiles, policy: _Policy, full: bool) -> tuple[TenantFiles, pl.DataFrame]:
    """The files counted as the tenant's settings are now, and the ledger's rows of what that changed."""
    rows = pl.DataFrame(schema=LEDGER)
    if files.rules != policy.rules:
        files, rows = exclude(writing, files, policy.rules)
    if full or files.numbers_visitors_per_application != policy.numbers_visitors_per_application:
        files = rebuilt(replace(writing, step=2), files, policy.numbers_visitors_per_application)
    return files, rows


def _as_it_is(rows: pl.DataFrame) -> pl.DataFrame:
    return rows


def _taken_in(
    writing: Writing,
    files: TenantFiles,
    store: Store,
    batches: Sequence[inbox.Batch],
    closed_before: int,
    done: Refreshed,
) -> tuple[TenantFiles, pl.DataFrame]:
    rows = pl.DataFrame(schema=LEDGER)
    events, visits = _rows(store, batches, "usage"), _rows(store, batches, "visit", stored)
    if events is not None:
        files, rows = add_events(writing, files, events, closed_before)
        _count(done, rows)
    if visits is not None:
        files = add_visits(writing, files, visits)
        done.visits += visits.height
    return files, rows


def _by_tenant(taken: Sequence[inbox.Batch]) -> dict[int, list[inbox.Batch]]:
    batches: dict[int, list[inbox.Batch]] = defaultdict(list)
    for batch in taken:
        batches[batch.tenant_id].append(batch)
    return batches


def _rows(
    store: Store, batches: Sequence[inbox.Batch], kind: str, whole: Callable[[pl.DataFrame], pl.DataFrame] = _as_it_is
) -> pl.DataFrame | None:
    with store.read(EVERY_TENANT) as session:
        frames = [whole(_unpacked(session, batch)) for batch in batches if batch.kind == kind]
    return pl.concat(frames) if frames else None


def _unpacked(session: Session, batch: inbox.Batch) -> pl.DataFrame:
    try:
        return unpacked(inbox.payload_of(session, batch.id))
    except (pl.exceptions.PolarsError, OSError) as error:
        # Nothing is left out of the figures in silence, and what came in after it waits.
        damaged = f"The batch {batch.id} of the inbox cannot be read (restore the database from a backup)"
        raise Unavailable(what=damaged) from error


def _count(done: Refreshed, rows: pl.DataFrame) -> None:
    done.added += int(rows["added"].sum())
    done.late += int(rows["late"].sum())
    done.duplicate += int(rows["duplicate"].sum())
    done.expired += int(rows["expired"].sum())
