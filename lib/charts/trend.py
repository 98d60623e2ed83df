"""A metric over time, with the previous period behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go
import polars as pl

from lib.charts.theme import BEFORE, NOW, NOW_FILL, themed
from lib.charts.ticks import axis_date_format, axis_marks, hover_date_format
from lib.charts.units import Figure, figure_text
from lib.usage.buckets import Grain
from lib.usage.metrics import Metric
from lib.words import Language, say


@dataclass(frozen=True)
class Trend:
    """What a trend shows: frames with `bucket` (Datetime in the zone shown) and a column by the metric's key.

    The previous period's buckets lie behind this period's by position. Buckets from `as_of` on are not
    counted yet and are left out.
    """

    metric: Metric
    grain: Grain
    language: Language
    now: pl.DataFrame
    before: pl.DataFrame | None = None
    as_of: datetime | None = None

    def counted(self) -> pl.DataFrame:
        """This period's buckets that hold counted time, as `bucket` and `figure`."""
        rows = self.now.select("bucket", figure=pl.col(self.metric.key))
        return (
            rows
            if self.as_of is None
            else rows.filter(pl.col("bucket").dt.convert_time_zone("UTC") < self.as_of.astimezone(UTC))
        )

    def figure(self) -> go.Figure:
        """The lines, the previous period's first so that it lies behind."""
        drawn = go.Figure([*self._before_line(), self._now_line()])
        themed(drawn).update_xaxes(
            type="date",
            range=_walls(self.now["bucket"].sort().gather([0, -1])) if len(self.now) > 1 else None,
            tickformat=axis_date_format(self.grain, self.language),
            hoverformat=hover_date_format(self.grain, self.language),
            nticks=8,
        )
        marks, texts = axis_marks(self._highest(), self.metric.unit, self.language)
        drawn.update_yaxes(tickvals=marks, ticktext=texts, range=[0, marks[-1] * 1.04])
        return drawn

    def alt(self) -> str:
        """What the chart shows, in a sentence for those who do not see it."""
        rows = self.counted().drop_nulls("figure")
        ends = self.now["bucket"]
        facts = {
            "metric": say(self.metric.words, self.language),
            "grain": say(f"charts.by_{self.grain.name.lower()}", self.language),
            "since": self._when(ends.min()),
            "until": self._when(ends.max()),
            "zone": str(getattr(ends.dtype, "time_zone", None) or "UTC"),
        }
        if rows.is_empty():
            return say("charts.trend_alt_nothing", self.language, **facts)
        highest, lowest = rows.sort("figure")[[-1, 0]].iter_rows()
        return say(
            "charts.trend_alt",
            self.language,
            **facts,
            highest=self._text(highest[1]),
            highest_at=self._when(highest[0]),
            lowest=self._text(lowest[1]),
            lowest_at=self._when(lowest[0]),
        )

    def _now_line(self) -> go.Scatter:
        rows = self.counted()
        name = say(self.metric.words, self.language)
        texts = [
            say("charts.point", self.language, metric=name, figure=self._text(figure))
            for figure in rows["figure"]
        ]
        return _line(
            rows["bucket"],
            rows["figure"],
            texts,
            name=say("charts.now", self.language),
            line={"color": NOW, "width": 2.25},
            fill="tozeroy",
            fillcolor=NOW_FILL,
            mode="lines+markers" if len(rows) <= 31 else "lines",
            marker={"size": 6},
        )

    def _before_line(self) -> list[go.Scatter]:
        if self.before is None:
            return []
        rows = self.before.select("bucket", figure=pl.col(self.metric.key)).head(len(self.now))
        texts = [
            say("charts.point_before", self.language, when=self._when(at), figure=self._text(figure))
            for at, figure in rows.iter_rows()
        ]
        return [
            _line(
                self.now["bucket"].head(len(rows)),
                rows["figure"],
                texts,
                name=say("charts.before", self.language),
                line={"color": BEFORE, "width": 1.5, "dash": "dot"},
                mode="lines+markers" if len(rows) == 1 else "lines",
                marker={"size": 5},
            )
        ]

    def _highest(self) -> float:
        key = self.metric.key
        seen = [self.counted()["figure"].max()] + ([] if self.before is None else [self.before[key].max()])
        return max((float(figure) for figure in seen if isinstance(figure, int | float)), default=0.0)

    def _text(self, figure: Figure) -> str:
        return figure_text(figure, self.metric.unit, self.language)

    def _when(self, bucket: Any) -> str:
        if not isinstance(bucket, datetime):
            return ""
        timed = self.grain in {Grain.HALF_HOUR, Grain.HOUR}
        return f"{bucket:%Y-%m-%d %H:%M}" if timed else f"{bucket:%Y-%m-%d}"


def _line(buckets: pl.Series, figures: pl.Series, texts: list[str], **look: Any) -> go.Scatter:
    hover = "%{customdata}<extra></extra>"
    return go.Scatter(
        x=_walls(buckets),
        y=figures.to_list(),
        customdata=texts,
        hovertemplate=hover,
        connectgaps=False,
        **look,
    )


def _walls(buckets: pl.Series) -> list[str]:
    """What the clock on the wall shows: Plotly would move an instant with an offset to the browser's zone."""
    return buckets.dt.to_string("%Y-%m-%dT%H:%M").to_list()
