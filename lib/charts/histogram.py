"""How operations spread over time: a bar for each bucket, failures on top, from which a period can be picked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import plotly.graph_objects as go
import polars as pl

from lib.charts.theme import FAILED, NOW, drawn
from lib.charts.ticks import axis_date_format, axis_marks
from lib.usage.buckets import Grain
from lib.usage.metrics import Unit
from lib.words import Language, say

HEIGHT = 150

_WALL = "%Y-%m-%dT%H:%M"
_NOTHING = "rgba(0,0,0,0)"
_HOVER = "%{customdata}<extra></extra>"


@dataclass(frozen=True)
class Counted:
    """What is counted: the columns of how many and of how many of these failed, and the catalogue keys of what a
    histogram of them says."""

    every: str
    failures: str
    alt: str
    alt_nothing: str
    point: str


OPERATIONS = Counted(
    "operations", "failures", "operation_charts.alt", "operation_charts.alt_nothing", "operation_charts.point"
)


@dataclass(frozen=True)
class Histogram:
    """What it shows: a frame with `bucket` (Datetime in the zone told, in order, none left out), and the columns
    of what is counted, of a period that ends at `until`."""

    counts: pl.DataFrame
    until: datetime
    grain: Grain
    language: Language
    of: Counted = OPERATIONS

    def figure(self) -> go.Figure:
        """The bars; a click and dragging over them select."""
        highest = float(self.counts[self.of.every].max() or 0)  # type: ignore[arg-type]
        marks, texts = axis_marks(highest, Unit.COUNT, self.language)
        step, top = max(1, (len(marks) + 1) // 3), marks[-1] * 1.04
        # Level, and so many as there is room for: on a phone Plotly would stand eight of them on end.
        xaxis = {"type": "date", "tickformat": axis_date_format(self.grain, self.language), "tickangle": 0}
        if self._walls:
            xaxis["range"] = [self._walls[0], self._ends[-1]]
        yaxis = {"tickvals": marks[::step], "ticktext": texts[::step], "range": [0, top]}
        selecting = {"dragmode": "select", "selectdirection": "h", "clickmode": "event+select"}
        look = {"height": HEIGHT, "barmode": "stack", "bargap": 0, "hovermode": "closest", "showlegend": False}
        return drawn(self._bars(top), xaxis, yaxis, **selecting, **look)

    @property
    def has_failures(self) -> bool:
        """Whether any bar has a part that failed."""
        return bool(self.counts[self.of.failures].sum())

    def alt(self) -> str:
        """What the chart shows, in a sentence for those who do not see it."""
        total, failed = int(self.counts[self.of.every].sum()), int(self.counts[self.of.failures].sum())
        facts = {"total": f"{total:,}", "failed": f"{failed:,}", "grain": self._grain}
        if total == 0:
            return say(self.of.alt_nothing, self.language, grain=self._grain)
        most_first = self.counts.sort(self.of.every, descending=True, maintain_order=True)
        at, most = most_first.select("bucket", self.of.every).row(0)
        return say(self.of.alt, self.language, **facts, most=f"{most:,}", most_at=self._when(at))

    def picked(self, selection: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
        """The period, half-open, of the bars that were clicked or dragged over; none where no bar was."""
        chosen = self._dragged(selection.get("box") or ()) or self._clicked(selection.get("points") or ())
        if not chosen:
            return None
        buckets: list[datetime] = self.counts["bucket"].to_list()
        first, last = min(chosen), max(chosen)
        return buckets[first], buckets[last + 1] if last + 1 < len(buckets) else self.until

    def _dragged(self, boxes: Any) -> set[int]:
        chosen: set[int] = set()
        for box in boxes:
            ends = [str(end).replace(" ", "T")[:16] for end in box.get("x") or ()]
            if len(ends) >= 2:
                first, last = min(ends), max(ends)
                pairs = enumerate(zip(self._walls, self._ends, strict=True))
                chosen |= {at for at, (start, end) in pairs if start <= last and first < end}
        return chosen

    def _clicked(self, points: Any) -> set[int]:
        places = (point.get("point_index", point.get("point_number")) for point in points)
        return {place for place in places if isinstance(place, int) and 0 <= place < len(self._walls)}

    def _bars(self, top: float) -> list[go.Bar]:
        failed = self.counts[self.of.failures].to_list()
        rest = (self.counts[self.of.every] - self.counts[self.of.failures]).to_list()
        return [
            self._bar(rest, NOW),
            self._bar(failed, FAILED),
            # What is left up to the top, so that a low bar is pointed at and clicked as easily as a high one.
            self._bar((top - self.counts[self.of.every]).to_list(), _NOTHING),
        ]

    def _bar(self, heights: list[float], colour: str) -> go.Bar:
        starts, ends = (
            pl.Series(walls).str.to_datetime(_WALL, time_unit="ms").dt.epoch("ms") if walls else pl.Series([0])
            for walls in (self._walls, self._ends)
        )
        return go.Bar(
            x=self._walls,
            y=heights,
            offset=0,
            width=((ends - starts).abs() * 0.92).to_list() if self._walls else None,
            marker={"color": colour},
            customdata=self._texts,
            hovertemplate=_HOVER,
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 0.35}},
        )

    @cached_property
    def _texts(self) -> list[str]:
        def told(at: datetime, every: int, failed: int) -> str:
            facts = {"when": self._when(at), "every": f"{every:,}", "failed": f"{failed:,}"}
            return say(self.of.point, self.language, **facts)

        return [told(*row) for row in self.counts.select("bucket", self.of.every, self.of.failures).iter_rows()]

    @cached_property
    def _walls(self) -> list[str]:
        """What the clock on the wall shows when each bucket begins."""
        return self.counts["bucket"].dt.to_string(_WALL).to_list()

    @cached_property
    def _ends(self) -> list[str]:
        zone = self.counts["bucket"].dtype.time_zone  # type: ignore[attr-defined]
        end = pl.Series([self.until]).dt.convert_time_zone(zone or "UTC").dt.to_string(_WALL)[0]
        return [*self._walls[1:], end]

    @property
    def _grain(self) -> str:
        return say(f"charts.by_{self.grain.name.lower()}", self.language)

    def _when(self, bucket: datetime) -> str:
        timed = self.grain in {Grain.HALF_HOUR, Grain.HOUR}
        return f"{bucket:%Y-%m-%d %H:%M}" if timed else f"{bucket:%Y-%m-%d}"
