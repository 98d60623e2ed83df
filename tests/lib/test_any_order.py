"""Any order, any repetition, any split into batches gives the same tables, to the bit (SPEC T5)."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lib.events import Shelf, event, events

MEMORY = Path("/dev/shm")
"""Where syncing a file costs nothing: the property is about what is in the files."""

KINDS = ("page_view", "page_view", "page_view", "open", "share", "page_leave", "close", "custom")


def _event(draw: st.DrawFn) -> dict[str, Any]:
    application = draw(st.sampled_from([1, 2]))
    kind = draw(st.sampled_from(KINDS))
    return event(
        # Multiples of 10 minutes over two midnights: sessions touch, join and fall apart at their very limits.
        draw(st.integers(0, 200)) * 600,
        draw(st.sampled_from(["ann", "ben", "凯"])),
        application_id=application,
        application=f"app{application}",
        kind=kind,
        page=draw(st.sampled_from(["/home", "/订单"])) if kind == "page_view" else None,
        session=draw(st.sampled_from([None, None, "s1", "s2"])),
        duration_ms=draw(st.sampled_from([None, None, 700])),
        os=draw(st.sampled_from([None, "iOS"])),
    )


@st.composite
def _histories(draw: st.DrawFn) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    rows = events(*(_event(draw) for _ in range(draw(st.integers(1, 30)))))
    shuffle = random.Random(draw(st.integers()))
    order = [*range(rows.height), *shuffle.choices(range(rows.height), k=draw(st.integers(0, 10)))]
    shuffle.shuffle(order)
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    parts = [order[since:until] for since, until in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    return rows, [rows[part] for part in parts if part]


def _equal(ours: Shelf, others: Shelf) -> None:
    tables, expected = ours.tables(), others.tables()
    assert tables.keys() == expected.keys()
    for name, table in expected.items():
        assert tables[name].equals(table), name


@pytest.mark.spec("T5", "I3")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_histories())
def test_any_order_repetition_and_split_gives_the_same_tables(history: tuple[pl.DataFrame, list[pl.DataFrame]]) -> None:
    rows, batches = history
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        at_once, piecemeal = Shelf(Path(folder) / "one"), Shelf(Path(folder) / "two")
        at_once.add(rows)
        for batch in batches:
            piecemeal.add(batch)
        _equal(piecemeal, at_once)
        piecemeal.rebuild()
        _equal(piecemeal, at_once)
