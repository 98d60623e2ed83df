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
from lib.queries.spans import SpanFilter
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
    wanted, language = VisitFilter.from_json(asked), console.viewer.language

    def ask(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        return (named_places(frame, language) for frame in console.visits.frames(wanted, columns))

    headings = {key: f"column.{key}" for key in TOLD}
    return _log("visits", wanted, headings, ask, lambda: console.visits.count(wanted))


def _sign_ins(console: Console, asked: Asked) -> Exportable:
    wanted, language = SignInFilter.from_json(asked), console.viewer.language

    def ask(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        frames = console.sign_ins.frames(wanted, columns)
        return (named_reasons(named_places(frame, language), language) for frame in frames)

    headings = {key: f"column.{key}" for key in SIGN_IN}
    return _log("sign_ins", wanted, headings, ask, lambda: console.sign_ins.count(wanted))


def _operations(console: Console, asked: Asked) -> Exportable:
    wanted, language = OperationFilter.from_json(asked), console.viewer.language

    def ask(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        # What a module or an action is called depends on the product.
        return (worded(frame, language) for frame in console.operations.rows(wanted, (*columns, "product")))

    headings = {key: f"operation_columns.{key}" for key in ROW}
    return _log("operations", wanted, headings, ask, lambda: console.operations.total(wanted))


def _feedback(console: Console, asked: Asked) -> Exportable:
    wanted, language = FeedbackFilter.from_json(asked), console.viewer.language
    of_type = {each.key: say(each.words, language) for each in FEEDBACK_TYPES}
    of_kind = {each.key: say(each.words, language) for each in FEEDBACK_KINDS}
    words = (pl.col("type").replace(of_type), pl.col("kind").replace(of_kind))

    def ask(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        return (frame.with_columns(words) for frame in console.feedback.rows(wanted, (*columns, "type", "kind")))

    seen = [key for key in FEEDBACK if key != "contact" or sees_contact(console.viewer)]
    headings = {key: f"feedback_column.{key}" for key in seen}
    return _log("feedback", wanted, headings, ask, lambda: console.feedback.total(wanted))


def _log(
    room: str,
    wanted: SpanFilter,
    headings: Mapping[str, str],
    ask: Callable[[Sequence[str]], Iterator[pl.DataFrame]],
    count: Callable[[], int],
) -> Exportable:
    first, last = days_between(wanted.since, wanted.until, wanted.zone)
    found = Exportable(room.replace("_", "-"), headings, ask, count, first, last, wanted.zone)
    return found.kept(room, wanted.as_json())


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
