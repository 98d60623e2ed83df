"""The way in: rows become a batch in the inbox, once each, and are acknowledged only then."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from lib.store import Store, inbox
from lib.usage.lake import Lake, RecordKind
from lib.usage.seen import Keys, are_in, opened

_FILE = b"ARROW1"
"""How an Arrow IPC file begins."""


@dataclass(frozen=True)
class Accepted:
    """How many rows were taken in, and how many had been seen before."""

    accepted: int
    repeated: int


class Intake:
    """Takes rows into the inbox. Keep one for a whole import: it remembers the keys that wait there.

    Two that run at once may both accept a row; the refresh counts it once.
    """

    def __init__(self, store: Store, lake: Path) -> None:
        self._store = store
        self._lake = Lake(lake)
        self._waiting: dict[tuple[int, str], list[tuple[int, Keys]]] = {}

    def accept(self, tenant_id: int, kind: RecordKind, source: str, rows: pl.DataFrame) -> Accepted:
        """Take in the rows (schema EVENT or VISIT) whose key is new, in one durable transaction.

        The first of equal keys wins. Raises Unavailable, with nothing taken in.
        """
        unique = rows
        if rows["key"].n_unique() < rows.height:
            unique = rows.unique("key", keep="first", maintain_order=True)
        is_seen = self.seen(tenant_id, kind, unique["key"].to_numpy())
        fresh = unique.filter(~is_seen) if is_seen.any() else unique
        if fresh.height:
            self.append(tenant_id, kind, source, fresh)
        return Accepted(fresh.height, rows.height - fresh.height)

    def append(self, tenant_id: int, kind: RecordKind, source: str, rows: pl.DataFrame) -> None:
        """Take in rows without asking whether they were seen: the refresh tells, and the ledger says how many were.

        One durable transaction. Raises Unavailable, with nothing taken in.
        """
        with self._store.write(tenant_id) as session:
            inbox.append(session, tenant_id, kind, source, rows["key"].to_numpy().tobytes(), packed(rows))

    def seen(self, tenant_id: int, kind: RecordKind, keys: Keys) -> pl.Series:
        """For each key, whether a row of it was taken in before."""
        # The inbox before the manifest: a batch that leaves the one in between is in the other.
        waiting = self._waiting_keys(tenant_id, kind)
        files = self._lake.manifest().tenants.get(tenant_id)
        runs = [opened(self._lake.path(run)) for run in (files.seen.get(kind, ()) if files else ())]
        return pl.Series(are_in(keys, [*waiting, *runs]), dtype=pl.Boolean)

    def _waiting_keys(self, tenant_id: int, kind: str) -> list[Keys]:
        known = self._waiting.setdefault((tenant_id, kind), [])
        with self._store.read(tenant_id) as session:
            newer = inbox.keys_after(session, tenant_id, kind, known[-1][0] if known else 0)
        for batch_id, keys in newer:
            whole = np.sort(np.frombuffer(keys, dtype="<u8"))
            while known and len(known[-1][1]) < 2 * len(whole):
                whole = np.sort(np.concatenate([known.pop()[1], whole]), kind="stable")
            known.append((batch_id, whole))
        return [keys for _, keys in known]


def packed(rows: pl.DataFrame) -> bytes:
    """Rows as an Arrow IPC stream."""
    buffer = io.BytesIO()
    # Texts with their lengths in a row are packed sooner, and smaller by half, than views that say where each stands.
    # A stream is written where it is asked for; a file would be handed to other threads, which costs a small one most.
    rows.write_ipc_stream(buffer, compression="zstd", compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()


def unpacked(payload: bytes) -> pl.DataFrame:
    """The rows of an Arrow IPC stream, or of a file, which is how they were packed before."""
    read = pl.read_ipc if payload.startswith(_FILE) else pl.read_ipc_stream
    return read(io.BytesIO(payload))
