"""The metrics of SPEC.md, section 2: each one record, with its words, its unit and how it is had from the counted
columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import polars as pl


class Unit(StrEnum):
    """What a figure counts, and so how it is written."""

    COUNT = "count"
    USERS = "users"
    SECONDS = "seconds"
    RATIO = "ratio"
    SHARE = "share"


_MICROSECONDS = 6
"""The decimals of sums of seconds, which are whole microseconds: what is behind them is noise."""


@dataclass(frozen=True)
class Metric:
    """A figure by its key, which is its column everywhere; its words are `metric.<key>` and `metric.<key>_help`.

    `numerator` and `denominator` are counted columns; a metric without a denominator is its numerator. Nothing over
    nothing
    is null. `more_is_better` is None where neither direction is.
    """

    key: str
    unit: Unit
    numerator: str
    denominator: str | None = None
    more_is_better: bool | None = True

    @property
    def words(self) -> str:
        """The catalogue key of its name; with `_help` behind it, of its definition."""
        return f"metric.{self.key}"

    def expression(self) -> pl.Expr:
        """The figure, from a frame with the counted columns."""
        figure = pl.col(self.numerator)
        if self.denominator is not None:
            over = pl.col(self.denominator)
            figure = pl.when(over != 0).then(figure / over)
        elif self.unit is Unit.SECONDS:
            figure = figure.round(_MICROSECONDS)
        return figure.alias(self.key)


METRICS = (
    Metric("opens", Unit.COUNT, "opens"),
    Metric("page_views", Unit.COUNT, "page_views"),
    Metric("active_users", Unit.USERS, "active_users"),
    Metric("new_users", Unit.USERS, "new_users"),
    Metric("cumulative_users", Unit.USERS, "cumulative_users"),
    Metric("shares", Unit.COUNT, "shares"),
    Metric("stay_seconds", Unit.SECONDS, "stay_seconds"),
    Metric("session_seconds", Unit.SECONDS, "session_seconds"),
    Metric("entries", Unit.COUNT, "entries", more_is_better=None),
    Metric("exits", Unit.COUNT, "exits", more_is_better=None),
    Metric("opens_per_user", Unit.RATIO, "opens", "active_users"),
    Metric("time_per_user", Unit.SECONDS, "stay_seconds", "active_users"),
    Metric("time_per_session", Unit.SECONDS, "session_seconds", "opens"),
    Metric("pages_per_user", Unit.RATIO, "page_views", "active_users"),
    Metric("pages_per_session", Unit.RATIO, "page_views", "opens"),
    Metric("time_per_page_view", Unit.SECONDS, "stay_seconds", "page_views"),
)
"""What a tenant, an application, a mini program or an operating system is measured by."""

PAGE_METRICS = (
    Metric("page_views", Unit.COUNT, "page_views"),
    Metric("active_users", Unit.USERS, "active_users"),
    Metric("time_per_page_view", Unit.SECONDS, "stay_seconds", "page_views"),
    Metric("entries", Unit.COUNT, "entries", more_is_better=None),
    Metric("exits", Unit.COUNT, "exits", more_is_better=None),
    Metric("exit_rate", Unit.SHARE, "exits", "page_views", more_is_better=False),
    Metric("shares", Unit.COUNT, "shares"),
)
"""What a page is measured by."""

METRIC_BY_KEY = {metric.key: metric for metric in (*PAGE_METRICS, *METRICS)}


def measured(counted: pl.DataFrame, metrics: tuple[Metric, ...] = METRICS) -> pl.DataFrame:
    """A frame of counted columns with every metric that can be had from them added."""
    have = set(counted.columns)
    return counted.with_columns(
        metric.expression()
        for metric in metrics
        if metric.denominator is not None and {metric.numerator, metric.denominator} <= have
    )
