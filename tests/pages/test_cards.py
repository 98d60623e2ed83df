"""How cards stand side by side."""

from __future__ import annotations

from lib.ui.cards import in_a_row


def test_no_card_stands_alone_in_the_last_row() -> None:
    assert {count: in_a_row(count) for count in (1, 2, 4, 5, 7, 9, 16)} == {1: 1, 2: 2, 4: 4, 5: 3, 7: 4, 9: 3, 16: 4}
