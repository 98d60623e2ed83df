"""The keys that wait in the inbox, as one import remembers them: one look tells that most keys of a new file do not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lib.usage.seen import Keys

_BITS_A_KEY = 16
"""How many bits of the filter there are at least for each key: one strange key in 16 is searched for in vain."""


class Waiting:
    """The keys of a tenant's batches up to `last_id`: sorted runs, and before them a filter of bits.

    Keys are hashes, so their highest bits are spread evenly: each marks the bit that they number.
    """

    def __init__(self) -> None:
        self.last_id = 0
        self._runs: list[Keys] = []
        self._count = 0
        self._bits = 16
        self._marks = np.zeros(1 << self._bits - 6, dtype=np.uint64)

    def add(self, batch_id: int, keys: bytes) -> None:
        """The keys of one batch more, 64 bits each."""
        whole: Keys = np.sort(np.frombuffer(keys, dtype="<u8"))
        self.last_id = batch_id
        if not len(whole):
            return
        self._count += len(whole)
        while self._runs and len(self._runs[-1]) < 2 * len(whole):
            whole = np.sort(np.concatenate([self._runs.pop(), whole]), kind="stable")
        self._runs.append(whole)
        if self._count * _BITS_A_KEY > 1 << self._bits:
            self._bits = (self._count * 2 * _BITS_A_KEY - 1).bit_length()
            self._marks = np.zeros(1 << self._bits - 6, dtype=np.uint64)
            for run in self._runs:
                self._mark(run)
        else:
            self._mark(np.frombuffer(keys, dtype="<u8"))

    def have(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """For each key, whether it waits."""
        words, marks = self._places(keys)
        found: npt.NDArray[np.bool_] = (self._marks[words] & marks) != 0
        likely = np.flatnonzero(found)
        likely = likely[np.argsort(keys[likely])]  # in order, neighbours are looked up in the same places
        sought = keys[likely]
        is_there = np.zeros(len(likely), dtype=bool)
        for run in self._runs:
            is_there |= run[np.minimum(np.searchsorted(run, sought), len(run) - 1)] == sought
        found[likely] = is_there
        return found

    def _mark(self, keys: Keys) -> None:
        np.bitwise_or.at(self._marks, *self._places(keys))

    def _places(self, keys: Keys) -> tuple[Keys, Keys]:
        numbers = keys >> np.uint64(64 - self._bits)
        return numbers >> np.uint64(6), np.uint64(1) << (numbers & np.uint64(63))
