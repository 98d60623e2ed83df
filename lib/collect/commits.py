"""The group commits of usage events: a batch of the inbox for each tenant, and what each key sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from lib.collect.applications import Applications
from lib.collect.calls import Row
from lib.collect.columns import Columns, frame_of
from lib.collect.groups import Full, Groups, Submission, counted
from lib.store import inbox, intake_tallies
from lib.usage.buckets import bucket_of, start_of
from lib.usage.intake import packed
from lib.usage.merging import Merging

__all__ = ["SOURCE", "Commits", "Full"]

SOURCE = "collect"


@dataclass
class Commits(Groups[Row]):
    """The writer of usage events of one process."""

    def __post_init__(self) -> None:
        self._applications = Applications(self.store, SOURCE)
        self._merging = Merging(self.store, SOURCE)

    def _tidy(self) -> None:
        self._merging.pause()

    def _admitted(self, submissions: Sequence[Submission[Row]]) -> Sequence[Submission[Row]]:
        """Those whose applications are there, or could be made."""
        return self._applications.admitted(submissions, _applications_in)

    def _write(self, tenant_id: int, submissions: Sequence[Submission[Row]]) -> None:
        """One durable transaction: the rows as a batch of the inbox, and the tallies."""
        rows = [submission.rows for submission in submissions if submission.rows]
        keys, payload = b"", b""
        if rows:
            # Packed before the transaction: everybody else who writes waits for its end.
            programs = {each.key.mini_program: each.key.mini_program_id for each in submissions}
            batch = self._identified(tenant_id, rows, programs)
            keys, payload = batch["key"].to_numpy().tobytes(), packed(batch)
        with self.store.write(tenant_id) as session:
            if rows:
                inbox.append(session, tenant_id, "usage", SOURCE, keys, payload)
            intake_tallies.add(session, tenant_id, start_of(bucket_of(datetime.now(UTC))), counted(submissions))
        if rows:
            self._merging.added(tenant_id)

    def _identified(self, tenant_id: int, rows: Sequence[Sequence[Row]], programs: dict[str, int]) -> pl.DataFrame:
        """The rows as EVENT."""
        named = set().union(*map(_applications_in, rows))
        return frame_of(rows, self._applications.ids(tenant_id, named), programs)


def _applications_in(rows: Sequence[Row]) -> set[str]:
    return set(Columns.of(rows).column("application"))
