"""A few rounds of what `make test-faults` does a hundred times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kills import kill_again_and_again


@pytest.mark.spec("I1", "T5")
def test_what_was_acknowledged_before_a_kill_is_counted_once(tmp_path: Path) -> None:
    acknowledged, counted = kill_again_and_again(tmp_path, 5, refreshing=False, seed=7)
    assert acknowledged == counted > 0
