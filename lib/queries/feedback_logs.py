"""The logs that clients uploaded, as a viewer may see, take away and delete them (SPEC F3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.errors import BadInput, NotFound
from lib.feedback.files import FeedbackFiles, needed_in
from lib.logs import Act, Operator, record
from lib.queries.feedback_filter import FeedbackLogFilter
from lib.queries.feedback_rows import LOG, framed, log_columns
from lib.queries.feedback_scope import Where, feedback_seen, logs_meant, logs_seen, names_seen
from lib.queries.gate import ViewerQueries, needs
from lib.queries.names import Names
from lib.settings import Settings
from lib.store import Store, feedback_logs
from lib.store.tables import Feedback, FeedbackLog
from lib.words import Phrase

__all__ = ["FeedbackLogFilter", "FeedbackLogQueries"]

MOST_FILES = 100
"""That are deleted at once."""

_LEAST, _MOST = 1, 1000


@dataclass(frozen=True)
class LogFile:
    """An uploaded log to send, as it came."""

    path: Path
    name: str
    size_bytes: int


class FeedbackLogQueries(ViewerQueries):
    """The uploaded logs of one tenant, of applications that the viewer holds; those of complaints for administrators
    alone."""

    def __init__(self, viewer: Viewer, store: Store, settings: Settings) -> None:
        super().__init__(viewer, store)
        self._files = FeedbackFiles(settings.feedback_dir)

    @needs(Permission.FEEDBACK_READ)
    def page(
        self, asked: FeedbackLogFilter, cursor: int | None = None, limit: int = 50, *, after: int | None = None
    ) -> pl.DataFrame:
        """The newest logs that match, those older than the id `cursor`, or the next newer than `after`; newest first
        (feedback_rows.LOG, instants in the filter's zone)."""
        with self._meant(asked) as (session, where, names):
            if cursor is not None:
                where.append(FeedbackLog.id < cursor)
            if after is not None:
                where.append(FeedbackLog.id > after)
            told = sa.select(*log_columns(LOG, self._feedback_id())).where(*where)
            ordered = told.order_by(FeedbackLog.id.desc() if after is None else FeedbackLog.id)
            rows = list(session.execute(ordered.limit(min(max(limit, _LEAST), _MOST))))
            return framed(rows if after is None else rows[::-1], tuple(LOG), LOG, names, asked.zone)

    @needs(Permission.FEEDBACK_READ)
    def total(self, asked: FeedbackLogFilter) -> int:
        """How many match."""
        return self._count(asked)

    @needs(Permission.FEEDBACK_READ)
    def newer_count(self, asked: FeedbackLogFilter, log_id: int) -> int:
        """How many of those that match are newer than one: its place in the list."""
        return self._count(asked, FeedbackLog.id > log_id)

    @needs(Permission.FEEDBACK_READ)
    def opened(self, log_id: int) -> LogFile:
        """Record that the viewer takes a log away, before they do. Raises NotFound for one that they may not see."""
        with self.store.write(self.viewer.tenant_id) as session:
            row = self._seen(session, (log_id,))[0]
            file = LogFile(self._files.path(row.sha256), row.name, row.size_bytes)
            new = {"size_bytes": row.size_bytes, "sha256": row.sha256}
            act = Act("feedback", "download", "querying", "feedback_log", row.name, str(row.id), new=new)
            record(session, self.viewer.tenant_id, Operator.of(self.viewer), act)
        return file

    @needs(Permission.FEEDBACK_MANAGE)
    def delete(self, ids: Sequence[int]) -> int:
        """Delete logs for good, each with its record; returns how many. Their bytes go once no other row has them.

        Raises NotFound, with none deleted, where the viewer may not see one of them.
        """
        if not 1 <= len(ids) <= MOST_FILES:
            raise BadInput(what=Phrase("feedback_error.how_many", most=MOST_FILES))
        with self.store.write(self.viewer.tenant_id) as session:
            rows = self._seen(session, ids)
            for row in rows:
                act = Act("feedback", "delete", "deletion", "feedback_log", row.name, str(row.id), old=_told(row))
                record(session, self.viewer.tenant_id, Operator.of(self.viewer), act)
            feedback_logs.remove_logs(session, self.viewer.tenant_id, [row.id for row in rows])
        self._files.remove_unneeded([row.sha256 for row in rows], needed_in(self.store))
        return len(rows)

    def _seen(self, session: Session, ids: Sequence[int]) -> list[FeedbackLog]:
        if not self.viewer.allows(Permission.FEEDBACK_READ):
            raise NotFound(kind=Phrase("kind.feedback_log"), key=ids[0])
        told = sa.select(FeedbackLog).where(*logs_seen(self.viewer), FeedbackLog.id.in_(list(ids)))
        found = {row.id: row for row in session.scalars(told)}
        for number in ids:
            if number not in found:
                raise NotFound(kind=Phrase("kind.feedback_log"), key=number)
        return list(found.values())

    def _feedback_id(self) -> sa.ColumnElement[int | None]:
        """The newest feedback that a log came with, of those that the viewer may see."""
        newest = sa.select(sa.func.max(Feedback.id)).where(*feedback_seen(self.viewer))
        return newest.where(Feedback.log_id == FeedbackLog.id).correlate(FeedbackLog).scalar_subquery()

    def _count(self, asked: FeedbackLogFilter, *more: sa.ColumnElement[bool]) -> int:
        with self._meant(asked) as (session, where, _names):
            counted = sa.select(sa.func.count()).select_from(FeedbackLog).where(*where, *more)
            return int(session.scalar(counted) or 0)

    @contextmanager
    def _meant(self, asked: FeedbackLogFilter) -> Iterator[tuple[Session, Where, Names]]:
        """A transaction, and the filter within what the viewer may see."""
        with self.store.read(self.viewer.tenant_id) as session:
            names = names_seen(session, self.viewer)
            yield session, logs_meant(self.viewer, asked, names), names


def _told(row: FeedbackLog) -> dict[str, object]:
    """What the operation log keeps of a log that goes."""
    return {
        "size_bytes": row.size_bytes,
        "sha256": row.sha256,
        "uploaded_at": row.uploaded_at.isoformat(timespec="seconds"),
        "expires_at": row.expires_at.isoformat(timespec="seconds"),
    }
