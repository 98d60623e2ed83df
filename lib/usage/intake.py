"""The way in: rows become a batch in the inbox, once each, and are acknowledged only then."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lib.store import Store, inbox
from lib.usage.lake import Lake, RecordKind
from lib.usage.seen import Keys, are_in, opened
from lib.usage.waiting import Waiting

_FILE = b"ARROW1"
"""How an Arrow IPC file begins."""

_END = b"\xff\xff\xff\xff\0\0\0\0"
"""How an Arrow IPC stream ends."""


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
        self._waiting: dict[tuple[int, str], Waiting] = {}

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
        found = self._waits(tenant_id, kind).have(keys)
        files = self._lake.manifest().tenants.get(tenant_id)
        runs = [opened(self._lake.path(run)) for run in (files.seen.get(kind, ()) if files else ())]
        return pl.Series(found | are_in(keys, runs) if runs else found, dtype=pl.Boolean)

    def _waits(self, tenant_id: int, kind: str) -> Waiting:
        waiting = self._waiting.setdefault((tenant_id, kind), Waiting())
        with self._store.read(tenant_id) as session:
            newer = inbox.keys_after(session, tenant_id, kind, waiting.last_id)
        for batch_id, keys in newer:
            waiting.add(batch_id, keys)
        return waiting


def packed(rows: pl.DataFrame) -> bytes:
    """Rows as an Arrow IPC stream."""
    buffer = io.BytesIO()
    # Texts with their lengths in a row are packed sooner, and smaller by half, than views that say where each stands.
    # A stream is written where it is asked for; a file would be handed to other threads, which costs a small one most.
    rows.write_ipc_stream(buffer, compression="zstd", compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()


def unpacked(payload: bytes) -> pl.DataFrame:
    """The rows of an Arrow IPC stream, or of a file, which is how they were packed before. Raises PolarsError."""
    if payload.startswith(_FILE):
        return pl.read_ipc(io.BytesIO(payload))
    if not payload.endswith(_END):  # else one that is cut between two parts would be read as if it had no more
        raise pl.exceptions.ComputeError("the stream is cut off")
    return pl.read_ipc_stream(io.BytesIO(payload))
