"""What users of mini programs told, as a viewer may see it: pages of rows, exact counts, one in full (SPEC F1, F2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import polars as pl
import sqlalchemy as sa
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.errors import NotFound
from lib.feedback.files import FeedbackFiles
from lib.queries.feedback_filter import FeedbackFilter
from lib.queries.feedback_rows import LOG, ROW, feedback_columns, framed, log_columns
from lib.queries.feedback_scope import (
    Where,
    feedback_meant,
    feedback_seen,
    logs_seen,
    names_seen,
    of_every_program,
    sees_contact,
    table_of,
    types_seen,
)
from lib.queries.gate import ViewerQueries, needs
from lib.queries.names import Names
from lib.queries.usage import UsageFilter, UsageQueries
from lib.settings import Settings
from lib.store import Store
from lib.store.tables import Feedback, FeedbackImage, FeedbackLog
from lib.store.time_ids import HALF_HOUR
from lib.usage.buckets import Grain, bucket_starts
from lib.words import Phrase

__all__ = ["FeedbackFilter", "FeedbackQueries"]

Facet = Literal["type", "kind", "application", "mini_program", "version", "os"]

_FACETS = {
    "type": "type",
    "kind": "kind",
    "application": "application_id",
    "mini_program": "mini_program_id",
    "version": "mini_program_version",
    "os": "os",
}
_LEAST, _MOST = 1, 1000
_AT_ONCE = 5_000


@dataclass(frozen=True)
class Image:
    """What was attached to a feedback. Only a picture is shown; anything else is bytes to save."""

    id: int
    name: str
    mime: str
    size_bytes: int
    width: int | None
    height: int | None

    @property
    def is_picture(self) -> bool:
        """Whether its bytes are those of a picture that browsers show."""
        return self.width is not None


@dataclass(frozen=True)
class FeedbackDetails:
    """One feedback: its columns (feedback_rows.ROW), what was attached, and the log that came with it
    (feedback_rows.LOG); that is null where none did, or where it is removed and `fields["log_id"]` alone is left."""

    fields: Mapping[str, Any]
    images: tuple[Image, ...]
    log: Mapping[str, Any] | None


@dataclass(frozen=True)
class ImageFile:
    """An image to send: `mime` is what the bytes were found to be."""

    name: str
    mime: str
    content: bytes
    is_picture: bool


class FeedbackQueries(ViewerQueries):
    """The feedback of one tenant, of applications that the viewer holds; complaints for administrators alone."""

    def __init__(self, viewer: Viewer, store: Store, settings: Settings) -> None:
        super().__init__(viewer, store)
        self._settings = settings

    @needs(Permission.FEEDBACK_READ)
    def mini_programs(self) -> list[tuple[str, str]]:
        """(key, name) of the mini programs to choose from, by name."""
        with self.store.read(self.viewer.tenant_id) as session:
            named = names_seen(session, self.viewer).mini_programs
        return named.sort("name", "key").select("key", "name").rows()

    @needs(Permission.FEEDBACK_READ)
    def applications(self) -> list[tuple[str, str]]:
        """(key, name) of the applications that the viewer holds, by name."""
        with self.store.read(self.viewer.tenant_id) as session:
            named = names_seen(session, self.viewer).applications
        return named.sort("name", "key").select("key", "name").rows()

    @needs(Permission.FEEDBACK_READ)
    def page(
        self, asked: FeedbackFilter, cursor: int | None = None, limit: int = 50, *, after: int | None = None
    ) -> pl.DataFrame:
        """The newest feedback that matches, that older than the id `cursor`, or the next newer than `after`; newest
        first (feedback_rows.ROW, instants in the filter's zone)."""
        table = table_of(asked)
        with self._meant(asked) as (session, where, names):
            if cursor is not None:
                where.append(table.id < cursor)
            if after is not None:
                where.append(table.id > after)
            order = table.id.desc() if after is None else table.id.asc()
            found = sa.select(table.id).where(*where).order_by(order).limit(min(max(limit, _LEAST), _MOST))
            rows = self._rows_of(session, tuple(ROW), list(session.scalars(found)))
            return self._framed(rows, tuple(ROW), names, asked.zone)

    @needs(Permission.FEEDBACK_READ)
    def total(self, asked: FeedbackFilter) -> int:
        """How many match."""
        return self._count(asked)

    @needs(Permission.FEEDBACK_READ)
    def newer_count(self, asked: FeedbackFilter, feedback_id: int) -> int:
        """How many of those that match are newer than one: its place in the list."""
        return self._count(asked, table_of(asked).id > feedback_id)

    @needs(Permission.FEEDBACK_READ)
    def counts(self, asked: FeedbackFilter, grain: Grain = Grain.DAY) -> pl.DataFrame:
        """`bucket` (Datetime in the zone), `count`, and how many of each type that the viewer may see, under its key;
        every bucket of the period, in order."""
        return self._counts(asked, grain)

    @needs(Permission.FEEDBACK_READ)
    def by(self, asked: FeedbackFilter, column: Facet) -> pl.DataFrame:
        """How the matching feedback spreads over a column: `value` (a key where it is of a place, empty for none),
        `name` of the place (else as the value) and `count`, most first."""
        of = getattr(table_of(asked), _FACETS[column])
        with self._meant(asked) as (session, where, names):
            counted = sa.select(of, sa.func.count()).where(*where, *of_every_program(self.viewer, asked))
            rows = session.execute(counted.group_by(of)).all()
        places = {"application": names.applications, "mini_program": names.mini_programs}.get(column)
        known = {} if places is None else {number: (key, name) for number, key, name in places.iter_rows()}
        told = [(*known.get(value, ("" if places is not None else value,) * 2), count) for value, count in rows]
        frame = pl.DataFrame(told, {"value": pl.String, "name": pl.String, "count": pl.Int64}, orient="row")
        return frame.sort(["count", "value"], descending=[True, False])

    @needs(Permission.FEEDBACK_READ)
    def per_thousand_opens(self, asked: FeedbackFilter, grain: Grain) -> pl.DataFrame:
        """`bucket`, `count`, `opens` of the same mini program, application and operating system, and `rate`: feedback
        per thousand opens, null where there were none. Both are null where opens are not counted yet, and for who may
        not see usage."""
        counted = self._counts(asked, grain).select("bucket", "count")
        if not self.viewer.allows(Permission.USAGE_READ):
            return counted.with_columns(opens=pl.lit(None, pl.Int64), rate=pl.lit(None, pl.Float64))
        usage = UsageQueries(self.viewer, self.store, self._settings.lake)
        of_usage = UsageFilter(asked.whole_buckets(), asked.mini_program, asked.application, asked.os)
        opens = usage.trend(of_usage, grain).select("bucket", pl.col("opens").cast(pl.Int64))
        joined = counted.join(opens, on="bucket", how="left", maintain_order="left")
        rate = pl.when(pl.col("opens") > 0).then(pl.col("count") * 1000 / pl.col("opens"))
        return joined.with_columns(rate=rate)

    @needs(Permission.FEEDBACK_READ)
    def details(self, feedback_id: int) -> FeedbackDetails:
        """One feedback in full. Raises NotFound where there is none that the viewer may see."""
        columns = tuple(ROW)
        with self.store.read(self.viewer.tenant_id) as session:
            names = names_seen(session, self.viewer)
            told = sa.select(*feedback_columns(self._selected(columns)))
            rows = list(session.execute(told.where(*feedback_seen(self.viewer), Feedback.id == feedback_id)))
            if not rows:
                raise NotFound(kind=Phrase("kind.feedback"), key=feedback_id)
            fields = self._framed(rows, columns, names, self.viewer.zone).row(0, named=True)
            images = _images(session, self.viewer.tenant_id, feedback_id)
            log = None if fields["log_id"] is None else self._log(session, fields["log_id"], feedback_id, names)
        return FeedbackDetails(MappingProxyType(fields), images, log)

    @needs(Permission.FEEDBACK_READ)
    def image(self, image_id: int) -> ImageFile:
        """What was attached, to be sent. Raises NotFound where the viewer may see no feedback that has it."""
        with self.store.read(self.viewer.tenant_id) as session:
            same = sa.and_(Feedback.tenant_id == FeedbackImage.tenant_id, Feedback.id == FeedbackImage.feedback_id)
            told = sa.select(FeedbackImage).join(Feedback, same)
            row = session.scalar(told.where(*feedback_seen(self.viewer), FeedbackImage.id == image_id))
        if row is None:
            raise NotFound(kind=Phrase("kind.feedback_image"), key=image_id)
        content = FeedbackFiles(self._settings.feedback_dir).path(row.sha256).read_bytes()
        return ImageFile(row.name, row.mime, content, row.width is not None)

    @needs(Permission.FEEDBACK_READ)
    def rows(self, asked: FeedbackFilter, columns: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
        """All that match, newest first, some thousands a frame, as they were at one moment.

        `columns` are some of feedback_rows.ROW; none means all. `id` comes first in any case.
        """
        return self._rows(asked, tuple(dict.fromkeys(("id", *(columns or ROW)))))

    def _rows(self, asked: FeedbackFilter, columns: tuple[str, ...]) -> Iterator[pl.DataFrame]:
        table = table_of(asked)
        with self._meant(asked) as (session, where, names):
            found = sa.select(table.id).where(*where).order_by(table.id.desc())
            ids = list(session.scalars(found))
            for start in range(0, len(ids), _AT_ONCE):
                rows = self._rows_of(session, columns, ids[start : start + _AT_ONCE])
                yield self._framed(rows, columns, names, asked.zone)

    def _rows_of(self, session: Session, columns: tuple[str, ...], ids: Sequence[int]) -> list[Sequence[Any]]:
        """Rows with `id` first, newest first."""
        if not ids:
            return []
        told = sa.select(*feedback_columns(self._selected(columns)))
        meant = told.where(Feedback.tenant_id == self.viewer.tenant_id, Feedback.id.in_(ids))
        return list(session.execute(meant.order_by(Feedback.id.desc())))

    def _count(self, asked: FeedbackFilter, *more: sa.ColumnElement[bool]) -> int:
        with self._meant(asked) as (session, where, _names):
            counted = sa.select(sa.func.count()).select_from(table_of(asked)).where(*where, *more)
            return int(session.scalar(counted.where(*of_every_program(self.viewer, asked))) or 0)

    def _counts(self, asked: FeedbackFilter, grain: Grain) -> pl.DataFrame:
        table = table_of(asked)
        half_hour = (table.id // HALF_HOUR).label("t")
        with self._meant(asked) as (session, where, _names):
            counted = sa.select(half_hour, table.type, sa.func.count()).where(*where)
            counted = counted.where(*of_every_program(self.viewer, asked))
            rows = [tuple(row) for row in session.execute(counted.group_by(half_hour, table.type))]
        found = pl.DataFrame(rows, {"t": pl.Int32, "type": pl.String, "count": pl.Int64}, orient="row")
        halves = bucket_starts(asked.whole_buckets(), grain).select("t", "bucket").join(found, on="t", how="left")
        of_type = [pl.col("count").filter(pl.col("type") == each).sum().alias(each) for each in types_seen(self.viewer)]
        return halves.group_by("bucket").agg(pl.col("count").sum(), *of_type).sort("bucket")

    def _selected(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that are read: a contact that may not be seen never leaves the database."""
        return columns if sees_contact(self.viewer) else tuple(name for name in columns if name != "contact")

    def _framed(self, rows: Sequence[Sequence[Any]], columns: tuple[str, ...], names: Names, zone: str) -> pl.DataFrame:
        frame = framed(rows, self._selected(columns), ROW, names, zone)
        if not sees_contact(self.viewer):
            frame = frame.with_columns(contact=pl.lit(None, pl.String))
        return frame.select(columns)

    def _log(self, session: Session, log_id: int, feedback_id: int, names: Names) -> Mapping[str, Any] | None:
        told = sa.select(*log_columns(LOG, sa.literal(feedback_id, sa.BigInteger())))
        rows = list(session.execute(told.where(*logs_seen(self.viewer), FeedbackLog.id == log_id)))
        if not rows:
            return None
        return MappingProxyType(framed(rows, tuple(LOG), LOG, names, self.viewer.zone).row(0, named=True))

    @contextmanager
    def _meant(self, asked: FeedbackFilter) -> Iterator[tuple[Session, Where, Names]]:
        """A transaction, and the filter within what the viewer may see."""
        with self.store.read(self.viewer.tenant_id) as session:
            names = names_seen(session, self.viewer)
            yield session, feedback_meant(self.viewer, asked, names), names


def _images(session: Session, tenant_id: int, feedback_id: int) -> tuple[Image, ...]:
    row = FeedbackImage
    told = sa.select(row.id, row.name, row.mime, row.size_bytes, row.width, row.height)
    meant = told.where(row.tenant_id == tenant_id, row.feedback_id == feedback_id).order_by(row.position)
    return tuple(Image(*each) for each in session.execute(meant))
