"""The rooms whose rows are taken away by ticket: each one record that makes them again from what was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from lib.errors import NotFound
from lib.feedback.types import FEEDBACK_KINDS, FEEDBACK_TYPES
from lib.logs.place_names import named_places
from lib.logs.wording import worded
from lib.queries.console import Console
from lib.queries.exportable import Exportable, days_between
from lib.queries.feedback_filter import FeedbackFilter
from lib.queries.feedback_rows import ROW as FEEDBACK
from lib.queries.feedback_scope import sees_contact
from lib.queries.operation_filter import OperationFilter
from lib.queries.operation_rows import ROW
from lib.queries.sign_ins import TOLD as SIGN_IN
from lib.queries.sign_ins import SignInFilter, named_reasons
from lib.queries.usage import UsageFilter
from lib.queries.visit_filter import VisitFilter
from lib.queries.visit_rows import TOLD
from lib.usage.buckets import Period
from lib.usage.metrics import PAGE_METRICS
from lib.words import say

Asked = Mapping[str, Any]


@dataclass(frozen=True)
class Room:
    """Rows that may be many. `exportable` makes them for whoever the console is of, from what was asked (JSON)."""

    key: str
    exportable: Callable[[Console, Asked], Exportable]


def room(key: str) -> Room:
    """The room of a key. Raises NotFound."""
    found = next((each for each in ROOMS if each.key == key), None)
    if found is None:
        raise NotFound(kind="table", key=key)
    return found


def asked_pages(asked: UsageFilter, search: str) -> dict[str, Any]:
    """What the room "pages" is asked."""
    period = asked.period
    span = {"since": period.since.isoformat(), "until": period.until.isoformat(), "zone": period.zone}
    places = {"mini_program": asked.mini_program, "application": asked.application, "os": asked.os}
    return _given(**span, **places, search=search)


def _pages(console: Console, asked: Asked) -> Exportable:
    since, until = _span(asked)
    period = Period(since, until, asked["zone"])
    usage = UsageFilter(period, asked.get("mini_program"), asked.get("application"), asked.get("os"))
    headings = {"page": "usage.page", **{metric.key: metric.words for metric in PAGE_METRICS}}
    search, days = asked.get("search", ""), days_between(since, until, period.zone)
    pages = Exportable.of_frame("pages", headings, lambda: console.usage.pages(usage, search), *days, period.zone)
    return pages.kept("pages", asked)


def _visits(console: Console, asked: Asked) -> Exportable:
    visits = VisitFilter.from_json(asked)
    first, last = days_between(visits.since, visits.until, visits.zone)
    headings = {key: f"column.{key}" for key in TOLD}

    def ask(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        frames = console.visits.frames(visits, columns)
        return (named_places(frame, console.viewer.language) for frame in frames)

    return Exportable(
        "visits",
        headings,
        ask,
        lambda: console.visits.count(visits),
        first,
        last,
        visits.zone,
    ).kept("visits", asked)


def _sign_ins(console: Console, asked: Asked) -> Exportable:
    wanted = SignInFilter.from_json(asked)
    first, last = days_between(wanted.since, wanted.until, wanted.zone)

    def ask(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        language = console.viewer.language
        frames = console.sign_ins.frames(wanted, columns)
        return (named_reasons(named_places(frame, language), language) for frame in frames)

    headings = {key: f"column.{key}" for key in SIGN_IN}
    exportable = Exportable("sign-ins", headings, ask, lambda: console.sign_ins.count(wanted), first, last, wanted.zone)
    return exportable.kept("sign_ins", asked)


def _operations(console: Console, asked: Asked) -> Exportable:
    wanted = OperationFilter.from_json(asked)
    first, last = days_between(wanted.since, wanted.until, wanted.zone)
    headings = {key: f"operation_columns.{key}" for key in ROW}

    def ask(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        # What a module or an action is called depends on the product.
        frames = console.operations.rows(wanted, (*columns, "product"))
        return (worded(frame, console.viewer.language) for frame in frames)

    exportable = Exportable(
        "operations", headings, ask, lambda: console.operations.total(wanted), first, last, wanted.zone
    )
    return exportable.kept("operations", asked)


def _feedback(console: Console, asked: Asked) -> Exportable:
    wanted = FeedbackFilter.from_json(asked)
    first, last = days_between(wanted.since, wanted.until, wanted.zone)
    seen = [key for key in FEEDBACK if key != "contact" or sees_contact(console.viewer)]
    language = console.viewer.language
    of_type = {each.key: say(each.words, language) for each in FEEDBACK_TYPES}
    of_kind = {each.key: say(each.words, language) for each in FEEDBACK_KINDS}
    words = (pl.col("type").replace(of_type), pl.col("kind").replace(of_kind))

    def ask(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        frames = console.feedback.rows(wanted, (*columns, "type", "kind"))
        return (frame.with_columns(words) for frame in frames)

    headings = {key: f"feedback_column.{key}" for key in seen}
    exportable = Exportable("feedback", headings, ask, lambda: console.feedback.total(wanted), first, last, wanted.zone)
    return exportable.kept("feedback", asked)


ROOMS = (
    Room("pages", _pages),
    Room("visits", _visits),
    Room("sign_ins", _sign_ins),
    Room("operations", _operations),
    Room("feedback", _feedback),
)


def _given(**asked: str | None) -> dict[str, Any]:
    return {key: value for key, value in asked.items() if value}


def _span(asked: Asked) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(asked["since"]), datetime.fromisoformat(asked["until"])
