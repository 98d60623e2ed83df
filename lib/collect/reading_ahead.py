"""Reading while what was read before is being kept: two processors work where one would wait for the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

AHEAD = 2
"""How many items wait at most: memory stays bounded when keeping is slower than reading."""

_LOOK_SECONDS = 0.2


def ahead(items: Iterable[T]) -> Iterator[T]:
    """The items, made by a thread of their own; what it raises is raised here, and it ends with this iterator."""
    waiting: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(AHEAD)
    done = threading.Event()

    def put(item: T | None, error: BaseException | None) -> bool:
        while not done.is_set():
            try:
                waiting.put((item, error), timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not put(item, None):
                    return
            put(None, None)
        except BaseException as error:  # whatever it is, the one who iterates is told
            put(None, error)

    maker = threading.Thread(target=make, name="reading", daemon=True)
    maker.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        done.set()
        maker.join()
