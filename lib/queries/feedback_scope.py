"""What feedback a viewer may see (SPEC A5, A6, F1), and what a filter means within it: nothing asked for widens it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from lib.access.permissions import Permission
from lib.access.viewer import Viewer
from lib.errors import NotPermitted
from lib.feedback.types import COMPLAINT, FEEDBACK_TYPES, TYPE_BY_KEY
from lib.queries.feedback_filter import FeedbackFilter, FeedbackLogFilter
from lib.queries.names import Names, names_of
from lib.store.tables import Feedback, FeedbackLog, FeedbackText, MiniProgram
from lib.store.time_ids import first_id

Where = list[ColumnElement[bool]]

Table = type[Feedback] | type[FeedbackText]
"""What filters look at: without a keyword the rows themselves, with one the texts, which have the same columns for
it."""


def sees_contact(viewer: Viewer) -> bool:
    """Whether the viewer may see how users are reached (SPEC F4)."""
    return viewer.allows(Permission.FEEDBACK_CONTACT_READ)


def types_seen(viewer: Viewer) -> tuple[str, ...]:
    """The types of feedback that the viewer may see, in their order."""
    return tuple(each.key for each in FEEDBACK_TYPES if viewer.allows(each.permission))


def names_seen(session: Session, viewer: Viewer) -> Names:
    """The applications that the viewer holds, and the mini programs that ever were linked to one of them."""
    return names_of(session, viewer.tenant_id, viewer.applications)


def feedback_seen(viewer: Viewer, table: Table = Feedback) -> Where:
    """The rows of feedback that the viewer may see at all."""
    where: Where = [table.tenant_id == viewer.tenant_id]
    if not viewer.applications.every:
        where.append(table.application_id.in_(sorted(viewer.applications.ids)))
    if len(types_seen(viewer)) < len(FEEDBACK_TYPES):
        where.append(table.type.in_(types_seen(viewer)))
    return where


def table_of(asked: FeedbackFilter) -> Table:
    """What a filter looks at."""
    return FeedbackText if _keyword_in(asked) else Feedback


def feedback_meant(viewer: Viewer, asked: FeedbackFilter, names: Names) -> Where:
    """Those of them, in `table_of` the filter, that it asks for. Raises NotFound for a key of none, NotPermitted for a
    type not seen."""
    table = table_of(asked)
    if asked.type is not None and not viewer.allows(permission := TYPE_BY_KEY[asked.type].permission):
        raise NotPermitted(permission=permission.value)
    where = feedback_seen(viewer, table)
    where += [table.id >= first_id(asked.since), table.id < first_id(asked.until)]
    if asked.mini_program is not None:
        where.append(table.mini_program_id == names.mini_program_id(asked.mini_program))
        # The index has types before instants: named one by one, each is a range of it.
        where.append(table.type.in_((asked.type,) if asked.type else types_seen(viewer)))
    elif asked.type is not None:
        where.append(table.type == asked.type)
    if asked.application is not None:
        where.append(table.application_id == names.application_id(asked.application))
    for column, value in (
        (table.kind, asked.kind),
        (table.mini_program_version, asked.version),
        (table.os, asked.os),
    ):
        if value is not None:
            where.append(column == value)
    if keyword := _keyword_in(asked):
        where.append(_holds(keyword, contact=sees_contact(viewer)))
    return where


def of_every_program(viewer: Viewer, asked: FeedbackFilter) -> Where:
    """What lets a count over all mini programs be answered from the index or the key, which begins with them."""
    if asked.mini_program is not None:
        return []
    programs = sa.select(MiniProgram.id).where(MiniProgram.tenant_id == viewer.tenant_id)
    table = table_of(asked)
    return [table.mini_program_id.in_(programs), table.type.in_((asked.type,) if asked.type else types_seen(viewer))]


def logs_seen(viewer: Viewer) -> Where:
    """The uploaded logs that the viewer may see at all: not those of complaints for whom these are none of."""
    where: Where = [FeedbackLog.tenant_id == viewer.tenant_id]
    if not viewer.applications.every:
        where.append(FeedbackLog.application_id.in_(sorted(viewer.applications.ids)))
    if not viewer.allows(COMPLAINT.permission):
        of_complaint = sa.exists().where(
            Feedback.tenant_id == FeedbackLog.tenant_id,
            Feedback.log_id == FeedbackLog.id,
            Feedback.type == COMPLAINT.key,
        )
        where.append(~of_complaint)
    return where


def logs_meant(viewer: Viewer, asked: FeedbackLogFilter, names: Names) -> Where:
    """Those of them that a filter asks for. Raises NotFound for a key of none."""
    where = logs_seen(viewer)
    where += [FeedbackLog.id >= first_id(asked.since), FeedbackLog.id < first_id(asked.until)]
    if asked.mini_program is not None:
        where.append(FeedbackLog.mini_program_id == names.mini_program_id(asked.mini_program))
    if asked.keyword and asked.keyword.strip():
        where.append(sa.func.lower(FeedbackLog.name).contains(asked.keyword.strip().lower(), autoescape=True))
    return where


def _keyword_in(asked: FeedbackFilter) -> str:
    return (asked.keyword or "").strip().casefold()


def _holds(keyword: str, *, contact: bool) -> ColumnElement[bool]:
    found = FeedbackText.search.contains(keyword, autoescape=True)
    return sa.or_(found, FeedbackText.contact.contains(keyword, autoescape=True)) if contact else found
