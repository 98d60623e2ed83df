"""Many small batches of the inbox become one, so that the refresh reads a few large ones."""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from lib.errors import DaybookError
from lib.store import Store, inbox, locks
from lib.usage.intake import packed, unpacked
from lib.usage.lake import RecordKind

BATCHES = 200
"""How many batches of a tenant are merged as soon as they are there."""

EVENTS = 50_000
"""How many events a merged batch has at most: reading and writing them keeps others from writing for a moment."""

SECONDS = 60.0
"""How long fewer batches wait for that."""

_log = logging.getLogger(__name__)


@dataclass
class Merging:
    """What one writer has added since it merged. Its thread alone uses it."""

    store: Store
    source: str
    kind: RecordKind = "usage"
    _added: Counter[int] = field(default_factory=Counter)
    _at: float = field(default_factory=time.monotonic)

    def added(self, tenant_id: int) -> None:
        """A batch more, and the merge of the tenant's if that is worth it."""
        self._added[tenant_id] += 1
        if self._added[tenant_id] >= BATCHES:
            self._merge(tenant_id)

    def pause(self) -> None:
        """Merge what is left; call it at any time, it sees to its own rhythm."""
        if time.monotonic() - self._at < SECONDS:
            return
        self._at = time.monotonic()
        for tenant_id, batches in list(self._added.items()):
            if batches > 1:
                self._merge(tenant_id)

    def _merge(self, tenant_id: int) -> None:
        self._added[tenant_id] = 0
        try:
            merge(self.store, tenant_id, self.source, self.kind)
        except DaybookError as error:
            _log.warning("small batches stay apart for now: %s", error)
        except Exception:
            _log.exception("small batches stay apart")


def merge(store: Store, tenant_id: int, source: str, kind: RecordKind = "usage") -> int:
    """Make one batch of a tenant's newest, in one transaction; returns of how many. None during a refresh.

    Only batches at the end are merged: what another source added after them stays after them, as the first copy of an
    event is the one that counts. A refresh that has listed them would not find them again.
    """
    with store.write(tenant_id) as session:
        if locks.is_taken(session, "refresh"):
            return 0
        ids = inbox.tail(session, tenant_id, kind, source, EVENTS)
        if len(ids) < 2:
            return 0
        rows = pl.concat(unpacked(inbox.payload_of(session, batch_id)) for batch_id in ids)
        inbox.append(session, tenant_id, kind, source, rows["key"].to_numpy().tobytes(), packed(rows))
        inbox.remove(session, ids)
    return len(ids)
