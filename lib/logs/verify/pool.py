"""Comparing slices of a log: here one after the other, or in processes where the log is large."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from lib.logs.verify.rows import Compared, Covered, Slice, compare
from lib.logs.verify.slices import Outline
from lib.store import Store

Told = Callable[[int], object]
"""Hears how many more rows were read."""


@dataclass(frozen=True)
class Job:
    """What all slices of a tenant have in common."""

    url: str
    tenant_id: int
    outline: Outline
    covered: tuple[Covered, ...]

    def slice(self, low: int, high: int) -> Slice:
        """The task of a range of ids."""
        outline = self.outline
        return Slice(self.tenant_id, low, high, outline.until_position, outline.lows, outline.highs, self.covered)


def compare_here(store: Store, job: Job, ranges: Sequence[tuple[int, int]], told: Told) -> Iterator[Compared]:
    """Each range in this process."""
    for low, high in ranges:
        yield compare(store, job.slice(low, high), told)


def compare_apart(
    job: Job, ranges: Sequence[tuple[int, int]], told: Told, processes: int, meanwhile: Callable[[], object]
) -> Iterator[Compared]:
    """Each range in one of some processes, as they come; `meanwhile` is done here while they begin."""
    # After a fork, threads of libraries that hold locks would be missing.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(job,)) as pool:
        done = [pool.submit(_compare, low, high) for low, high in ranges]
        try:
            meanwhile()
            for each in as_completed(done):
                compared = each.result()
                told(compared.rows)
                yield compared
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


_job: Job | None = None


def _begin(job: Job) -> None:
    global _job
    _job = job
    gc.disable()  # a tenth of the time, for rows that refer to nothing


def _compare(low: int, high: int) -> Compared:
    if _job is None:
        raise RuntimeError("the process was begun without its job")
    return compare(Store(_job.url), _job.slice(low, high))
