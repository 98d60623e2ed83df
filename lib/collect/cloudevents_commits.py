"""The group commits of events that are kept one by one: operations, and whatever else has a type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from lib.collect import visits
from lib.collect.applications import Applications
from lib.collect.cloudevents_types import VISIT, EventType, Kept
from lib.collect.feedback import SOURCE
from lib.collect.groups import Groups, Submission, counted
from lib.collect.retrying import written
from lib.store import intake_tallies
from lib.usage.buckets import bucket_of, start_of
from lib.usage.merging import Merging


@dataclass
class EventCommits(Groups[Kept]):
    """The writer of events of one process."""

    def __post_init__(self) -> None:
        self._applications = Applications(self.store, SOURCE)
        self._merging = Merging(self.store, visits.SOURCE, "visit")

    def _tidy(self) -> None:
        self._merging.pause()

    def _admitted(self, submissions: Sequence[Submission[Kept]]) -> Sequence[Submission[Kept]]:
        """Those whose applications are there, or could be made."""
        return self._applications.admitted(submissions, _applications_of)

    def _write(self, tenant_id: int, submissions: Sequence[Submission[Kept]]) -> None:
        """One durable transaction: the records of each type, and the tallies."""
        of_type: dict[str, tuple[EventType, list[Any]]] = {}
        for submission in submissions:
            for type_, record in submission.rows:
                of_type.setdefault(type_.key, (type_, []))[1].append(record)
        counts = counted(submissions)

        def write(session: Session) -> None:
            for type_, records in of_type.values():
                type_.append(session, tenant_id, records)
            intake_tallies.add(session, tenant_id, start_of(bucket_of(datetime.now(UTC))), counts)

        written(self.store, tenant_id, write)
        if VISIT.key in of_type:
            self._merging.added(tenant_id)


def _applications_of(rows: Sequence[Kept]) -> set[str]:
    named = (type_.application(record) for type_, record in rows)
    return {name for name in named if name is not None}
