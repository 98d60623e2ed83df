"""What is read ahead is what would be read, in order, however it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from lib.collect.reading_ahead import AHEAD, ahead


def test_everything_comes_in_order() -> None:
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []


def test_what_goes_wrong_while_reading_is_raised_after_what_was_read() -> None:
    def cut() -> Iterator[int]:
        yield 1
        raise OSError("cut")

    items = ahead(cut())
    assert next(items) == 1
    with pytest.raises(OSError, match="cut"):
        next(items)


def test_few_wait_and_reading_ends_with_who_reads() -> None:
    made: list[int] = []

    def count() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    items = ahead(count())
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert len(made) <= AHEAD + 3
    assert "reading" not in {thread.name for thread in threading.enumerate()}
