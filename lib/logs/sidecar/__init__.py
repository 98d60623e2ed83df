"""The sidecar of the operation log: columns to filter, count and search by, in files beside the table.

The table is what counts. The sidecar derives from it: every sealed operation is in exactly one file once it is filed
(`follow`), and what is not filed yet is read from the table, so that every answer is exact at any moment.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from lib.logs.sidecar.filing import follow, remove
from lib.logs.sidecar.scan import Tally, Wanted
from lib.logs.sidecar.snapshot import Snapshot
from lib.store import Store
from lib.store.time_ids import first_id

__all__ = ["Snapshot", "Tally", "Wanted", "follow", "frame", "remove"]


def frame(
    store: Store, lake: Path, tenant_id: int, since: datetime, until: datetime, columns: tuple[str, ...]
) -> pl.DataFrame:
    """A tenant's operations in [since, until), in no order: `tenant_id`, `id` and columns of `columns.read`."""
    wanted = Wanted(frozenset({tenant_id}), first_id(since), first_id(until))
    with store.read(tenant_id) as session:
        snapshot = Snapshot.of(session, lake, wanted)
    return snapshot.rows(wanted, columns)
