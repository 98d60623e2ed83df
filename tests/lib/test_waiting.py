"""What waits in the inbox: its keys, told from others whatever they are, and its rows, whole or not at all."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as some

from lib.usage.intake import packed, unpacked
from lib.usage.waiting import Waiting

KEYS = some.lists(
    some.integers(0, 2**64 - 1) | some.integers(0, 50) | some.integers(2**64 - 50, 2**64 - 1), max_size=40
)


@given(batches=some.lists(KEYS, max_size=6), asked=KEYS)
def test_a_key_waits_when_a_batch_has_it(batches: list[list[int]], asked: list[int]) -> None:
    waiting = Waiting()
    for number, keys in enumerate(batches, start=1):
        waiting.add(number, np.array(keys, dtype=np.uint64).tobytes())
    known = {key for keys in batches for key in keys}
    every = [*asked, *sorted(known)]
    found = waiting.have(np.array(every, dtype=np.uint64))
    assert found.tolist() == [key in known for key in every]
    assert waiting.last_id == len(batches)


def test_many_keys_wait_and_their_neighbours_do_not() -> None:
    waiting = Waiting()
    spread = np.random.default_rng(7).integers(0, 2**63, 50_000, dtype=np.uint64) * np.uint64(2)
    for number, part in enumerate(np.array_split(spread, 20)):
        waiting.add(number, part.tobytes())
    assert waiting.have(spread).all()
    assert not waiting.have(spread + np.uint64(1)).any()


def test_rows_are_unpacked_whole_or_not_at_all() -> None:
    rows = pl.DataFrame({"number": range(300), "text": ["a"] * 300})
    payload = packed(rows)
    assert unpacked(payload).equals(rows)
    for length in range(len(payload)):
        with pytest.raises(pl.exceptions.ComputeError):
            unpacked(payload[:length])


def test_rows_packed_as_a_file_are_unpacked_too() -> None:
    rows = pl.DataFrame({"number": [1, 2], "text": ["a", None]})
    rows.write_ipc(buffer := io.BytesIO())
    assert unpacked(buffer.getvalue()).equals(rows)
