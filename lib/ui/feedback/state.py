"""What the page of user feedback shows, as its address says it. What cannot be understood falls back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from lib.feedback.types import ABNORMALITY, COMPLAINT, FEEDBACK_KINDS, PRODUCT
from lib.queries.console import Console
from lib.queries.feedback_filter import FeedbackFilter, FeedbackLogFilter
from lib.ui import address
from lib.ui.listing.listing import Listing
from lib.ui.listing.reader import AddressReader
from lib.usage.buckets import BUCKET, EPOCH, Period

LOGS = "logs"
TABS = (ABNORMALITY.key, PRODUCT.key, LOGS, COMPLAINT.key)
"""In the order of the page. A tab of feedback has the key of its type."""

LISTING = Listing("feedback", ("application", "kind", "version", "os", "search"), ("before", "after", "feedback"))

DEFAULT_PERIOD = "30-days"

_LONGEST_VALUE = 100


@dataclass(frozen=True)
class Shown:
    """The page's state: the open tab, what is asked for there, from where in the list, with which record open.

    `period` is as the address writes it. The filter of the tab of logs has no type.
    """

    tab: str
    asked: FeedbackFilter
    period: str
    before: int | None = None
    after: int | None = None
    feedback: int | None = None

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The period's ends."""
        return self.asked.since, self.asked.until

    @property
    def halves(self) -> Period:
        """The half hours that the period touches."""
        since, until = self.span
        return Period(since - (since - EPOCH) % BUCKET, until + (EPOCH - until) % BUCKET, self.asked.zone)

    @property
    def logs(self) -> FeedbackLogFilter:
        """What is asked for in the tab of logs."""
        asked = self.asked
        return FeedbackLogFilter(asked.since, asked.until, asked.zone, asked.mini_program, asked.keyword)

    @property
    def is_narrowed(self) -> bool:
        """Whether something besides the period and the mini program is filtered by."""
        asked = self.asked
        return bool(asked.application or asked.kind or asked.version or asked.os or asked.keyword)


def read(console: Console, tab: str, program: str, applications: Collection[str]) -> Shown:
    """The state that the address says, of a tab and a mini program that the viewer may see."""
    reader = AddressReader()
    zone = reader.zone(console)
    period, (since, until) = reader.period(zone, DEFAULT_PERIOD)
    kind = reader.one_of("kind", {each.key for each in FEEDBACK_KINDS}) if tab == ABNORMALITY.key else ""
    asked = FeedbackFilter(
        since,
        until,
        zone,
        mini_program=program,
        type=None if tab == LOGS else tab,
        application=reader.one_of("application", applications) or None,
        kind=kind or None,
        version=_value("version"),
        os=_value("os"),
        keyword=reader.keyword() or None,
    )
    before, after, feedback = (reader.number(name) for name in LISTING.place)
    return Shown(tab, asked, period, before, None if before else after, feedback)


def _value(name: str) -> str | None:
    said = address.read(name)
    return said if 0 < len(said) <= _LONGEST_VALUE else None
