"""What some half hours of a tenant hold that rules of findings look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from sqlalchemy.orm import Session

from lib.logs.findings.frames import ATTEMPTS, BUCKET_IDS, DAY_BUCKETS, OPERATIONS, TALLIES, instant_of
from lib.logs.findings.measures import (
    FAILED_ATTEMPTS,
    MEASURES,
    NAMES_TRIED,
    SEEN_MEASURES,
    attempts_by_name,
    names_by_address,
    needs_body,
)
from lib.logs.record import SYSTEM_TENANT
from lib.store import attempts, findings

_ENOUGH_ROWS = 100_000
"""From how many operations on they are counted, before more are read."""

_FAILED = (attempts.FAILURE, attempts.LOCKED, attempts.CHECKING)


@dataclass(frozen=True)
class Counts:
    """The counts of `buckets` by measure, since when whom is seen with what by measure, and how many rows were read."""

    buckets: Sequence[int]
    tallies: Mapping[str, pl.DataFrame]
    seen: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    row_count: int = 0

    def keep(self, session: Session, tenant_id: int) -> None:
        """Let these be the counts of the half hours."""
        for measure, rows in self.tallies.items():
            findings.put_tallies(session, tenant_id, measure, self.buckets, rows.to_dicts())
        for measure, rows in self.seen.items():
            findings.put_seen(session, tenant_id, measure, rows.iter_rows())

    def people(self, measure: str) -> set[str]:
        """Of whom anything was counted."""
        return set(self.tallies.get(measure, self.seen.get(measure, _NOBODY))["who"])


_NOBODY = pl.DataFrame({"who": []}, {"who": pl.String()})


def counts_of_operations(session: Session, tenant_id: int, buckets: Sequence[int]) -> Counts:
    """Count the operations of half hours, which are in order."""
    tallies: dict[str, list[pl.DataFrame]] = {measure.key: [] for measure in MEASURES}
    seen: dict[str, list[pl.DataFrame]] = {measure.key: [] for measure in SEEN_MEASURES}
    row_count = 0
    for operations in _operations(session, tenant_id, buckets):
        row_count += len(operations)
        for measure in MEASURES:
            tallies[measure.key].append(measure.tally(operations))
        for each in SEEN_MEASURES:
            seen[each.key].append(each.seen(operations))
    first_seen = (pl.col("first_bucket").min(),)
    return Counts(
        buckets,
        # A measure of which nothing is left has to forget what it counted before.
        {key: pl.concat([pl.DataFrame(schema=TALLIES), *frames]) for key, frames in tallies.items()},
        {key: pl.concat(frames).group_by("who", "what").agg(first_seen) for key, frames in seen.items() if frames},
        row_count,
    )


def counts_of_attempts(session: Session, tenant_id: int, first: int, until: int) -> Counts:
    """Count the failed attempts to sign in of the half hours [first, until)."""
    of_tenant = None if tenant_id == SYSTEM_TENANT else tenant_id
    rows = findings.failed_attempts(session, of_tenant, instant_of(first), instant_of(until), _FAILED)
    failed = pl.DataFrame(rows, ATTEMPTS, orient="row")
    tallies = {FAILED_ATTEMPTS: attempts_by_name(failed), NAMES_TRIED: names_by_address(failed)}
    return Counts(range(first, until), tallies, row_count=len(failed))


def _stretches(buckets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Half hours one after the other as ranges [first, until) of a day at most."""
    start = previous = None
    for bucket in buckets:
        if start is None or previous is None:
            start = bucket
        elif bucket != previous + 1 or bucket - start >= DAY_BUCKETS:
            yield start, previous + 1
            start = bucket
        previous = bucket
    if start is not None and previous is not None:
        yield start, previous + 1


def _operations(session: Session, tenant_id: int, buckets: Sequence[int]) -> Iterator[pl.DataFrame]:
    """The operations of half hours in frames of whole half hours, with the bodies that measures ask for."""
    rows: list[Sequence[Any]] = []
    for first, until in _stretches(buckets):
        ids = first * BUCKET_IDS, until * BUCKET_IDS
        rows += findings.operations_between(session, tenant_id, *ids, tuple(OPERATIONS))
        if len(rows) >= _ENOUGH_ROWS:
            yield _with_bodies(session, tenant_id, rows)
            rows = []
    if rows:
        yield _with_bodies(session, tenant_id, rows)


def _with_bodies(session: Session, tenant_id: int, rows: list[Sequence[Any]]) -> pl.DataFrame:
    operations = pl.DataFrame(rows, OPERATIONS, orient="row")
    told = findings.bodies_of(session, tenant_id, operations.filter(needs_body())["id"].to_list())
    return operations.join(pl.DataFrame(told, {"id": pl.Int64(), "body": pl.String()}, orient="row"), "id", "left")
