"""Feedback over time: a bar for each bucket, and below it how many there were for each thousand opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import plotly.graph_objects as go
import polars as pl

from lib.charts.theme import GRID, NOTE, NOW, drawn
from lib.charts.ticks import axis_date_format, axis_marks, hover_date_format
from lib.charts.units import Figure, figure_text
from lib.usage.buckets import BUCKET_US, Grain, Period, bucket_starts, start_of
from lib.usage.metrics import Unit
from lib.words import Language, say

HEIGHT_ALONE, HEIGHT_WITH_RATE = 190, 290

MOST_MARKERS = 62
"""A line with more points than this is drawn without a dot at each."""

_LOWER, _UPPER = [0.0, 0.33], [0.46, 1.0]
"""Which parts of the height the two panels take."""

_CLICKED: Mapping[str, Any] = {"clickmode": "event+select"}

_WALL = "%Y-%m-%dT%H:%M"
_HOVER = "%{customdata}<extra></extra>"


@dataclass(frozen=True)
class FeedbackTrend:
    """What it shows: a frame with `bucket` (Datetime in the period's zone), `count`, `opens` and `rate` (feedback for
    each thousand opens); the last two are null where no open is known. A bucket that is left out has no feedback."""

    rows: pl.DataFrame
    period: Period
    grain: Grain
    language: Language

    def figure(self) -> go.Figure:
        """The bars, and the line of rates where there is any rate."""
        xaxis: dict[str, Any] = {
            "type": "date",
            "tickformat": axis_date_format(self.grain, self.language),
            "hoverformat": hover_date_format(self.grain, self.language),
            "nticks": 7,
            "range": [self._walls["start"][0], self._walls["end"][-1]],
        }
        upper = _axis(self._filled["count"], Unit.COUNT, self.language)
        if not self._has_rates:
            look = {"height": HEIGHT_ALONE, "bargap": 0, "showlegend": False}
            return drawn([self._bars()], xaxis, upper, **look, **_CLICKED)
        panel = {"domain": _LOWER, "zeroline": False, "automargin": True, "fixedrange": True, "gridcolor": GRID}
        lower = {**_axis(self._filled["rate"], Unit.RATIO, self.language), **panel}
        more = {"yaxis2": lower, "height": HEIGHT_WITH_RATE, "bargap": 0, **_CLICKED}
        return drawn([self._bars(), self._line()], {**xaxis, "anchor": "y2"}, {**upper, "domain": _UPPER}, **more)

    def picked(self, selection: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
        """When the bucket of the bar that was clicked begins and ends (UTC), cut to the period; None where none was."""
        for point in selection.get("points") or ():
            place = point.get("point_index", point.get("point_number"))
            if isinstance(place, int) and 0 <= place < len(self._numbers):
                first, end = self._numbers.row(place)
                return start_of(first), start_of(end)
        return None

    def alt(self) -> str:
        """What the chart shows, in a sentence for those who do not see it."""
        grain = say(f"charts.by_{self.grain.name.lower()}", self.language)
        total = int(self._filled["count"].sum())
        if total == 0:
            return say("feedback_charts.alt_nothing", self.language, grain=grain)
        at, most = self._filled.sort("count", descending=True, maintain_order=True).select("bucket", "count").row(0)
        facts = {"grain": grain, "total": f"{total:,}", "most": f"{most:,}", "most_at": self._when(at)}
        return say("feedback_charts.alt", self.language, **facts)

    def _bars(self) -> go.Bar:
        starts, ends = self._ends["start"], self._ends["end"]
        return go.Bar(
            x=starts.dt.to_string(_WALL).to_list(),
            y=self._filled["count"].to_list(),
            name=say("feedback_charts.count", self.language),
            offset=0,
            width=((ends - starts).dt.total_milliseconds().abs() * 0.92).to_list(),
            marker={"color": NOW},
            customdata=self._texts,
            hovertemplate=_HOVER,
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 0.35}},
        )

    def _line(self) -> go.Scatter:
        return go.Scatter(
            x=self._middles,
            y=self._filled["rate"].to_list(),
            yaxis="y2",
            name=say("feedback_charts.rate", self.language),
            mode="lines+markers" if len(self._filled) <= MOST_MARKERS else "lines",
            line={"color": NOTE, "width": 2},
            marker={"size": 5},
            cliponaxis=False,  # else the floor cuts the dots of nothing in half
            hoverinfo="skip",  # the bars' box tells it too, with the bucket's name
        )

    @cached_property
    def _texts(self) -> list[str]:
        return [self._told(*row) for row in self._filled.select("count", "opens", "rate").iter_rows()]

    def _told(self, count: int, opens: int | None, rate: float | None) -> str:
        lines = [self._point("count", count, Unit.COUNT)]
        if self._has_rates:
            lines += [self._point("opens", opens, Unit.COUNT), self._point("rate", rate, Unit.RATIO)]
        return "<br>".join(lines)

    def _point(self, name: str, figure: Figure, unit: Unit) -> str:
        told = {"metric": say(f"feedback_charts.{name}", self.language)}
        return say("charts.point", self.language, **told, figure=figure_text(figure, unit, self.language))

    @cached_property
    def _has_rates(self) -> bool:
        return self._filled["rate"].count() > 0

    @cached_property
    def _filled(self) -> pl.DataFrame:
        buckets = self._halves.select("bucket").unique(maintain_order=True)
        rows = buckets.join(self.rows.select("bucket", "count", "opens", "rate"), on="bucket", how="left")
        return rows.with_columns(pl.col("count").fill_null(0))

    @cached_property
    def _halves(self) -> pl.DataFrame:
        return bucket_starts(self.period, self.grain)

    @cached_property
    def _numbers(self) -> pl.DataFrame:
        """The numbers of each bucket's first half hour, `start`, and of the one after its last, `end`."""
        halves = self._halves.group_by("bucket", maintain_order=True).agg(pl.col("start", "end").first())
        return halves.select("start", "end")

    @cached_property
    def _ends(self) -> pl.DataFrame:
        """When each bucket begins and ends by the clock on the wall: Plotly would move an instant with an offset."""
        micros = self._numbers.select(pl.all().cast(pl.Int64) * BUCKET_US)
        instants = micros.select(pl.from_epoch(pl.all(), time_unit="us").dt.replace_time_zone("UTC"))
        return instants.select(pl.all().dt.convert_time_zone(self.period.zone).dt.replace_time_zone(None))

    @property
    def _walls(self) -> pl.DataFrame:
        return self._ends.select(pl.all().dt.to_string(_WALL))

    @property
    def _middles(self) -> list[str]:
        start, end = self._ends["start"], self._ends["end"]
        return (start + (end - start) / 2).dt.to_string(_WALL).to_list()

    def _when(self, bucket: datetime) -> str:
        timed = self.grain in {Grain.HALF_HOUR, Grain.HOUR}
        return f"{bucket:%Y-%m-%d %H:%M}" if timed else f"{bucket:%Y-%m-%d}"


def _axis(figures: pl.Series, unit: Unit, language: Language) -> dict[str, Any]:
    marks, texts = axis_marks(float(figures.max() or 0), unit, language)  # type: ignore[arg-type]
    step = max(1, (len(marks) + 1) // 3)
    return {"tickvals": marks[::step], "ticktext": texts[::step], "range": [0, marks[-1] * 1.06]}
