"""Cutting a tenant's log into slices of ids, and when each seal's records can have been received."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np

from lib.logs.notes import BadNote, Checkpoint, Note
from lib.store.proofs import Head

SLACK: Final = timedelta(minutes=10)
"""How long a transaction may take from receiving a record to committing it, and how far clocks may differ."""

EVERY_ID: Final = (-(1 << 63), (1 << 63) - 1)

_SIZES: Final = (100_000, 500_000, 2_000_000)
_ALWAYS: Final = ("", "~")


@dataclass(frozen=True)
class Outline:
    """The seals of a tenant as arrays, in order of position. `lows` and `highs` bound when their records can have been
    received: not before the last look that left nothing, not after the seal."""

    until_position: np.ndarray
    first_id: np.ndarray
    last_id: np.ndarray
    counts: np.ndarray
    lows: list[str]
    highs: list[str]

    @property
    def rows(self) -> int:
        """How many records were sealed."""
        return int(self.counts.sum())

    def between(self, low: int, high: int) -> int:
        """About how many records have ids in [low, high)."""
        return int(self.counts[(self.first_id < high) & (self.last_id >= low)].sum())


def outline_of(heads: Iterable[Head]) -> Outline:
    """Look at every seal once."""
    numbers: list[tuple[int, int, int, int]] = []
    lows: list[str] = []
    highs: list[str] = []
    emptied_at: datetime | None = None
    for first, until, first_id, last_id, sealed_at, note in heads:
        at, is_complete = _signed_time(note, sealed_at)
        numbers.append((until, first_id, last_id, max(until - first, 0)))
        lows.append(_ALWAYS[0] if emptied_at is None else _told(emptied_at - SLACK))
        highs.append(_told(at + SLACK))
        emptied_at = at if is_complete else emptied_at
    columns = np.array(numbers, np.int64).reshape(-1, 4).T
    return Outline(columns[0], columns[1], columns[2], columns[3], lows, highs)


def slices_of(outline: Outline, low: int, high: int) -> list[tuple[int, int]]:
    """Ranges of ids that together are [low, high), each with about as many records.

    Where seals reach over many slices, as after an import of old records, there are fewer and larger ones: each is to
    read no more than a few times what it is about.
    """
    order = np.argsort(outline.first_id, kind="stable")
    reached = np.cumsum(outline.counts[order])
    for size in _SIZES:
        parts = -(-outline.rows // size)
        parts += parts % 2 if parts > 1 else 0  # two processes end together
        at = np.searchsorted(reached, np.arange(1, parts) * outline.rows // max(parts, 1))
        cuts = np.unique(outline.first_id[order][at]) if outline.rows else np.array([], np.int64)
        bounds = [low, *[int(cut) for cut in cuts if low < cut < high], high]
        ranges = list(pairwise(bounds))
        if sum(outline.between(*each) for each in ranges) <= 3 * outline.rows + size:
            break
    return ranges


def _signed_time(note: str, sealed_at: datetime) -> tuple[datetime, bool]:
    try:
        checkpoint = Checkpoint.parse(Note.parse(note).text)
    except BadNote:
        return sealed_at, False
    return checkpoint.sealed_at, checkpoint.is_complete


def _told(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
