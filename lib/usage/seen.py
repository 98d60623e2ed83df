"""Which event keys were seen before, for ever and at bounded cost: sorted runs of 64-bit keys on disk, searched
where they lie.

Runs are merged as they grow, so that there are few, each at least twice the next: a look-up costs a binary search a
run,
and a key is rewritten a logarithmic number of times. Two different events share a key with a chance of n²/2⁶⁵: about
3 in
10,000 that it ever happened among 100 million.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lib.usage.packing import Numbers, bisected

Keys = npt.NDArray[np.uint64]

LARGEST = 16_000_000
"""A run of so many keys (128 MB) is not merged any more: what a merge reads stays bounded."""


PART = 4_000_000
"""By how many keys of a run is looked through at a time."""


_NEAR = 64
"""How many keys a guess is off at most, or all of the run is searched."""


def opened(place: Path) -> Keys:
    """A run, mapped and not read."""
    keys: Keys = np.load(place, mmap_mode="r")
    return keys


def are_in(keys: Keys, runs: Sequence[Keys]) -> npt.NDArray[np.bool_]:
    """For each key, whether a run has it."""
    found = np.zeros(len(keys), dtype=bool)
    # In order, neighbours are looked up in the same places of a run.
    order = np.argsort(keys)
    ordered = keys[order]
    for run in runs:
        for part in np.array_split(np.arange(len(keys)), -(-len(run) // PART)) if len(run) else ():
            at = _positions(run, ordered[part])
            found[order[part]] |= run[np.minimum(at, len(run) - 1)] == ordered[part]
            let_go(run)
    return found


def _positions(run: Keys, keys: Keys) -> Numbers:
    """Where keys lie in a run or would: hashes are spread evenly, so each tells nearly where, in a page or two."""
    spread = len(run) / 2.0**64
    at = (keys * spread).astype(np.int64)
    for _ in range(2):
        at = np.clip(at, 0, len(run) - 1)
        at += ((keys.astype(np.float64) - run[at]) * spread).astype(np.int64)
    low, high = np.clip(at - _NEAR, 0, len(run)), np.clip(at + _NEAR, 0, len(run))
    is_near = ((low == 0) | (run[np.maximum(low, 1) - 1] < keys)) & (
        (high == len(run)) | (run[np.minimum(high, len(run) - 1)] >= keys)
    )
    return bisected(run.__getitem__, np.where(is_near, low, 0), np.where(is_near, high, len(run)), keys)


def let_go(run: Keys) -> None:
    """Pages of the file that were looked at need not stay in this process."""
    mapped = getattr(run, "_mmap", None)
    if mapped is not None:
        mapped.madvise(mmap.MADV_DONTNEED)


def merged(runs: Sequence[str], new: Keys, open_run: Callable[[str], Keys]) -> tuple[tuple[str, ...], Keys]:
    """The runs that stay as they are, and the run to be written: the new keys and the runs that are not twice as
    long."""
    whole = np.sort(new)
    stay = list(runs)
    while stay and len(last := open_run(stay[-1])) < 2 * len(whole) and len(last) < LARGEST:
        stay.pop()
        whole = np.sort(np.concatenate([last, whole]), kind="stable")
    return tuple(stay), whole
