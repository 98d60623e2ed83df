"""A metric over time, with the previous period behind it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import plotly.graph_objects as go
import polars as pl

from lib.charts.marks import note_lines, recount_marks
from lib.charts.theme import BEFORE, MARGIN, NOW, NOW_FILL, drawn
from lib.charts.ticks import axis_date_format, axis_marks, hover_date_format
from lib.charts.units import Figure, figure_text
from lib.usage.buckets import Grain, Period, bucket_starts
from lib.usage.metrics import Metric
from lib.words import Language, say

_HOVER = "%{customdata}<extra></extra>"

_HALF_A_LABEL = 30
"""Pixels at the right: Plotly leaves a label out that would go beyond the edge, and the last bucket has one."""

MOST_MARKERS = 31
"""Lines with more points than this are drawn without a dot at each."""

_MOST_APART = 500
"""Points that a usual screen draws apart; of more, a broad line leaves nothing but a surface."""


@dataclass(frozen=True)
class Trend:
    """What a trend shows: frames with `bucket` (Datetime in the period's zone) and a column by the metric's key.

    The previous period's buckets lie behind this period's by position. `now` may end before the period does; its last
    bucket is drawn apart where it goes on after `as_of`. `part` is then the row of the previous period's bucket behind
    it, with figures up to `part_until` only, which are as far along as this period's.

    Where the period ends with that bucket, the previous period's line ends with the part: like is drawn against like,
    as the cards compare. In the middle of the period the line stays whole, since a line that dips for one bucket and
    goes on tells of something that never happened; there the hover box tells both figures. `notes` and
    `recounts` are told in lib.charts.marks.
    """

    metric: Metric
    grain: Grain
    period: Period
    language: Language
    now: pl.DataFrame
    before: pl.DataFrame | None = None
    as_of: datetime | None = None
    notes: pl.DataFrame | None = None
    recounts: pl.DataFrame | None = None
    part: pl.DataFrame | None = None
    part_until: datetime | None = None

    def figure(self) -> go.Figure:
        """The lines, the previous period's first so that it lies behind."""
        marks, texts = axis_marks(self._highest(), self.metric.unit, self.language)
        xaxis = {
            "type": "date",
            "range": self._ends(),
            "tickformat": axis_date_format(self.grain, self.language),
            "hoverformat": hover_date_format(self.grain, self.language),
            "nticks": 8,
        }
        top = marks[-1] * 1.04
        yaxis = {"tickvals": marks, "ticktext": texts, "range": [0, top]}
        lines = [*self._before_line(), *self._now_lines(), *self._marks(top)]
        return drawn(lines, xaxis, yaxis, margin=MARGIN | {"r": _HALF_A_LABEL})

    def rows(self) -> pl.DataFrame:
        """What it draws as a row for each bucket, with whatever else the frames have: `now`, and beside it the
        previous period's columns as `before_<name>`."""
        behind = self._behind
        if behind is None:
            return self.now
        buckets = pl.DataFrame({"bucket": self._grid.head(max(len(self.now), len(behind)))})
        now = buckets.join(self.now, on="bucket", how="left", maintain_order="left")
        return pl.concat([now, behind.rename(lambda name: f"before_{name}")], how="horizontal")

    def facts(self) -> tuple[Hashable, ...]:
        """All that it shows: of equal facts the figures and what is said of them are equal."""
        told = (self.metric, self.grain, self.period, self.language, self.as_of, self.part_until)
        lines = (
            rows if rows is None else (*rows["bucket"].to_physical().to_list(), None, *rows[self.metric.key].to_list())
            for rows in (self.now, self.before, self.part)
        )
        return *told, *lines, *(rows if rows is None else tuple(rows.rows()) for rows in (self.notes, self.recounts))

    def about_bytes(self, _drawn: object = None) -> int:
        """About what its figure takes of memory."""
        return 100_000 + 1_000 * (len(self.now) + len(self._grid))

    def alt(self) -> str:
        """What the chart shows, in a sentence for those who do not see it."""
        rows = self.now.select("bucket", self.metric.key).drop_nulls().sort(self.metric.key, "bucket")
        grid = self._grid
        facts = {
            "metric": say(self.metric.words, self.language),
            "grain": say(f"charts.by_{self.grain.name.lower()}", self.language),
            "since": self._when(grid[0]),
            "until": self._when(grid[-1]),
            "zone": self.period.zone,
        }
        if rows.is_empty():
            return say("charts.trend_alt_nothing", self.language, **facts)
        (lowest_at, lowest), (highest_at, highest) = rows.row(0), rows.row(-1)
        facts |= {"lowest": self._text(lowest), "lowest_at": self._when(lowest_at)}
        facts |= {"highest": self._text(highest), "highest_at": self._when(highest_at)}
        return say("charts.trend_alt", self.language, **facts)

    def _now_lines(self) -> list[go.Scatter]:
        last = len(self.now) - 1
        if last < 1 or not self._goes_on():
            return [self._now_line(self.now, "charts.now")]
        # The point that both lines share is told once.
        so_far = {"line": {"color": NOW, "width": 1.5, "dash": "dash"}, "hovertemplate": ["<extra></extra>", _HOVER]}
        return [
            self._now_line(self.now.head(last), "charts.now"),
            self._now_line(self.now.tail(2), "charts.so_far", fill="none", **so_far),
        ]

    def _now_line(self, rows: pl.DataFrame, words: str, **look: Any) -> go.Scatter:
        metric = say(self.metric.words, self.language)
        figures = rows[self.metric.key].to_list()
        usual = {
            "line": {"color": NOW, "width": 2.25 if len(self.now) <= _MOST_APART else 1},
            # Plotly fills across a gap in the line, as if there had been figures.
            "fill": "none" if None in figures else "tozeroy",
            "fillcolor": NOW_FILL,
            "mode": "lines+markers" if len(self.now) <= MOST_MARKERS else "lines",
            "marker": {"size": 6},
        }
        texts = [say("charts.point", self.language, metric=metric, figure=self._text(figure)) for figure in figures]
        return _line(rows["bucket"], figures, texts, name=say(words, self.language), **{**usual, **look})

    def _goes_on(self) -> bool:
        later = self._grid.filter(self._grid > self.now["bucket"][-1])
        end = later[0] if len(later) else self.period.until
        return self.as_of is not None and self.as_of < end

    @cached_property
    def _behind(self) -> pl.DataFrame | None:
        """The previous period as it is drawn."""
        if self.before is None:
            return None
        rows = self.before.head(len(self._grid))
        if self.part is None or not self._ends_with_part:
            return rows
        return pl.concat([rows.filter(pl.col("bucket") < self.part["bucket"][0]), self.part.select(rows.columns)])

    @property
    def _ends_with_part(self) -> bool:
        return len(self.now) == len(self._grid)

    def _before_text(self, at: datetime, figure: Figure) -> str:
        facts = {"when": self._when(at), "figure": self._text(figure)}
        if self.part is None or self.part_until is None or at != self.part["bucket"][0]:
            return say("charts.point_before", self.language, **facts)
        until = self.part_until.astimezone(at.tzinfo)
        facts["until"] = f"{until:%H:%M}" if until.date() == at.date() else f"{until:%Y-%m-%d %H:%M}"
        if self._ends_with_part:
            return say("charts.point_before_until", self.language, **facts)
        part = self._text(self.part[self.metric.key][0])
        return say("charts.point_before_so_far", self.language, part=part, **facts)

    def _before_line(self) -> list[go.Scatter]:
        if self._behind is None:
            return []
        grid, rows = self._grid, self._behind.select("bucket", self.metric.key)
        texts = [self._before_text(at, figure) for at, figure in rows.iter_rows()]
        return [
            _line(
                grid.head(len(rows)),
                rows[self.metric.key].to_list(),
                texts,
                name=say("charts.before", self.language),
                line={"color": BEFORE, "width": 1.5, "dash": "dot"},
                mode="lines+markers" if len(rows) == 1 else "lines",
                marker={"size": 5},
            )
        ]

    def _marks(self, top: float) -> list[go.Scatter]:
        figures = self.now.select("bucket", figure=pl.col(self.metric.key))
        recounted = [] if self.recounts is None else recount_marks(self.recounts, figures, self.language)
        noted = [] if self.notes is None else note_lines(self.notes, self.period, self.grain, top, self.language)
        return [*recounted, *noted]

    def _ends(self) -> list[str] | None:
        """From the first bucket to the last, with room for the dots at both ends."""
        grid = self._grid
        if len(grid) < 2:
            return None
        room = (grid[-1] - grid[0]) / 60
        return [f"{grid[0] - room:%Y-%m-%dT%H:%M}", f"{grid[-1] + room:%Y-%m-%dT%H:%M}"]

    @cached_property
    def _grid(self) -> pl.Series:
        """When every bucket of the period begins, also of those that are still to come."""
        return bucket_starts(self.period, self.grain)["bucket"].unique(maintain_order=True)

    def _highest(self) -> float:
        frames = [self.now] if self._behind is None else [self.now, self._behind]
        seen = [figure for rows in frames for figure in rows[self.metric.key] if figure is not None]
        return float(max(seen, default=0))

    def _text(self, figure: Figure) -> str:
        return figure_text(figure, self.metric.unit, self.language)

    def _when(self, bucket: datetime) -> str:
        timed = self.grain in {Grain.HALF_HOUR, Grain.HOUR}
        return f"{bucket:%Y-%m-%d %H:%M}" if timed else f"{bucket:%Y-%m-%d}"


def _line(buckets: pl.Series, figures: list[Figure], texts: list[str], **look: Any) -> go.Scatter:
    told = {"customdata": texts, "hovertemplate": _HOVER}
    return go.Scatter(x=_walls(buckets), y=figures, **{**told, **look})


def _walls(buckets: pl.Series) -> list[str]:
    """What the clock on the wall shows: Plotly would move an instant with an offset to the browser's zone."""
    return buckets.dt.to_string("%Y-%m-%dT%H:%M").to_list()
