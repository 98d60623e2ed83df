"""Reading while what was read before is being kept: two processors work where one would wait for the other."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")

AHEAD = 1
"""How many items wait at most: memory stays bounded when keeping is slower than reading."""

WORKERS = 2
"""How many items are worked on at once, by threads that leave each other their turns as NumPy and Polars do."""

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


def worked(work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """What becomes of each item, in their order; some are being worked on while the one before them is taken."""
    under_way: deque[Future[T]] = deque()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="reading") as pool:
        try:
            for item in items:
                under_way.append(pool.submit(work, item))
                if len(under_way) >= WORKERS:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for each in under_way:
                each.cancel()
