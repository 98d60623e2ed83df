"""Removing operations that a tenant keeps no longer: whole months, recorded, and nothing under a legal hold.

The seals stay, so that what is left can still be proven, and that what went had to go (lib.logs.verify.removals).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from lib.access.viewer import EVERY_TENANT
from lib.errors import Busy, Unavailable
from lib.logs import sidecar
from lib.logs.record import SCHEDULE, Act, record
from lib.logs.verify.removals import LEAST_DAYS, record_of_removal
from lib.store import Store, operation_removals, seals
from lib.store.operation_files import sealed_until
from lib.store.operation_removals import Extent
from lib.store.tables import OperationHold, OperationRemoval
from lib.store.time_ids import first_id

DEFAULT_DAYS = 400
"""How long operations are kept that belong to no tenant, or to one that is gone."""

HERE_AT_LEAST = timedelta(days=LEAST_DAYS)
"""How long what came in late stays in any case: an old log that was imported is not gone the next day."""

_AT_ONCE = 2000
_FILING_TAKES = (1, 4, 15, 40)  # seconds to wait, and wait again, for somebody who files operations


def remove_old_operations(store: Store, lake: Path, now: datetime | None = None) -> int:
    """Remove each tenant's operations of months that ended longer ago than it keeps them; says how many went.

    A removal that was interrupted is finished first. Raises Unavailable.
    """
    now = now or datetime.now(UTC)
    with store.read(EVERY_TENANT) as session:
        tenants = sorted(sealed_until(session))
    return sum(_finish(store, lake, tenant_id) + _remove(store, lake, tenant_id, now) for tenant_id in tenants)


def month_before(now: datetime, days: int) -> datetime:
    """The beginning of the UTC month in which an operation of `days` ago occurred: all before it is older."""
    then = (now - timedelta(days=days)).astimezone(UTC)
    return then.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _remove(store: Store, lake: Path, tenant_id: int, now: datetime) -> int:
    with store.read(tenant_id) as session:
        days = operation_removals.keeps_days(session, tenant_id, DEFAULT_DAYS)
        if days is None:
            return 0
        extent, count, root = _due(session, tenant_id, first_id(month_before(now, days)), now)
    if not count:
        return 0
    with store.write(tenant_id) as session:
        if _held(operation_removals.holds_now(session, tenant_id)) < extent.below_id:
            return 0  # a hold was made in between: the next purge looks again
        told = record_of_removal(extent.below_id, extent.tree_size, root, count, days)
        act = Act("operation_log", "remove", "deletion", object_type="operation", object_name="operation", old=told)
        operation_removals.begin(session, tenant_id, record(session, tenant_id, SCHEDULE, act), extent)
    return _finish(store, lake, tenant_id)


def _due(session: Session, tenant_id: int, below_id: int, now: datetime) -> tuple[Extent, int, bytes]:
    """What is to be removed, how many operations that are, and the root of the tree that they stand in."""
    tree = seals.last_seal_before(session, tenant_id, now - HERE_AT_LEAST)
    held = _held(operation_removals.holds_now(session, tenant_id))
    before = operation_removals.last_removed(session, tenant_id)
    if tree is None:
        return Extent(), 0, b""
    extent = Extent(min(below_id, held), tree[0])
    count = sum(map(len, operation_removals.sealed_ids(session, tenant_id, extent, without=before)))
    return extent, count, tree[1]


def _held(holds: list[OperationHold]) -> int:
    """The first id that a hold keeps. What is later than a hold's end stays too: removals go from the beginning."""
    return min((first_id(hold.since) if hold.since else 0 for hold in holds), default=(1 << 63) - 1)


def _finish(store: Store, lake: Path, tenant_id: int) -> int:
    with store.read(tenant_id) as session:
        removal = operation_removals.unfinished(session, tenant_id)
        if removal is None or _held(operation_removals.holds_now(session, tenant_id)) < removal.below_id:
            return 0
        ids = list(_ids(session, removal))
    gone = 0
    for begin in range(0, len(ids), _AT_ONCE):
        with store.write(tenant_id) as session:
            gone += operation_removals.remove(session, tenant_id, ids[begin : begin + _AT_ONCE])
    _take_out_of_files(store, lake, tenant_id, removal.below_id)
    with store.write(tenant_id) as session:
        operation_removals.finish(session, removal.id)
    return gone


def _take_out_of_files(store: Store, lake: Path, tenant_id: int, below_id: int) -> None:
    for seconds in _FILING_TAKES:
        try:
            return sidecar.remove(store, lake, tenant_id, below_id)
        except Busy:
            time.sleep(seconds)
        except OSError as error:
            what = f"The index of the operation log cannot be written ({error.strerror}; see {lake})"
            raise Unavailable(what=what) from error
    return sidecar.remove(store, lake, tenant_id, below_id)


def _ids(session: Session, removal: OperationRemoval) -> Iterator[int]:
    extent = Extent(removal.below_id, removal.tree_size)
    for ids in operation_removals.sealed_ids(session, removal.tenant_id, extent, without=Extent()):
        yield from ids
