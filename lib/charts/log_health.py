"""Errors and warnings of logs by half hour: a bar for each, worst at the bottom, that can be clicked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import polars as pl

from lib.charts.theme import FAILED, NOTE, drawn
from lib.words import Language, say

HEIGHT = 170
BUCKET = timedelta(minutes=30)

_COLOURS = {"ERROR": FAILED, "WARN": NOTE}
_HOVER = "%{customdata}<extra></extra>"


@dataclass(frozen=True)
class LogHealth:
    """What it shows: a frame with `log_type`, `bucket_at` (UTC), `level` (ERROR, WARN) and `entries`."""

    counts: pl.DataFrame
    since: datetime
    until: datetime
    zone: str
    language: Language

    def figure(self) -> go.Figure:
        """The bars."""
        bars = [self._bar(level) for level in _COLOURS]
        ends = [self._wall(self.since), self._wall(self._buckets[-1] + BUCKET)]
        xaxis = {"type": "date", "range": ends, "tickformat": "%H:%M", "nticks": 9}
        yaxis = {"rangemode": "tozero", "nticks": 4}
        look = {"height": HEIGHT, "barmode": "stack", "bargap": 0, "hovermode": "closest", "clickmode": "event+select"}
        return drawn(bars, xaxis, yaxis, **look)

    def alt(self) -> str:
        """What the chart shows, in a sentence for those who do not see it."""
        of = {level: int(self.counts.filter(level=level)["entries"].sum()) for level in _COLOURS}
        most_at = max(self._buckets, key=self._total)
        facts = {"most": f"{self._total(most_at):,}", "most_at": self._wall(most_at).replace("T", " ")}
        return say("log_health.alt", self.language, errors=f"{of['ERROR']:,}", warnings=f"{of['WARN']:,}", **facts)

    def picked(self, selection: Mapping[str, Any]) -> tuple[str, datetime] | None:
        """Of the bar that was clicked, the type with the most entries in it, and its half hour; None where no bar
        was."""
        for point in selection.get("points") or ():
            place, level = point.get("point_index"), list(_COLOURS)[int(point.get("curve_number", 0)) % 2]
            if isinstance(place, int) and 0 <= place < len(self._buckets):
                at = self._buckets[place]
                rows = self.counts.filter(bucket_at=at, level=level).sort("entries", descending=True)
                if len(rows):
                    return str(rows["log_type"][0]), at
        return None

    def _bar(self, level: str) -> go.Bar:
        heights, texts = [], []
        for at in self._buckets:
            rows = self.counts.filter(bucket_at=at, level=level).sort("entries", descending=True)
            heights.append(int(rows["entries"].sum()))
            texts.append(self._told(at, level, rows))
        return go.Bar(
            x=[self._wall(at) for at in self._buckets],
            y=heights,
            name=say(f"log_level.{level.lower()}", self.language),
            offset=0,
            width=BUCKET / timedelta(milliseconds=1) * 0.9,
            marker={"color": _COLOURS[level]},
            customdata=texts,
            hovertemplate=_HOVER,
        )

    def _told(self, at: datetime, level: str, rows: pl.DataFrame) -> str:
        words = say(f"log_level.{level.lower()}", self.language)
        lines = [f"{self._wall(at).replace('T', ' ')}  {words}"]
        for key, entries in rows.select("log_type", "entries").iter_rows():
            lines.append(f"{say(f'log_type.{key}', self.language)}: {entries:,}")
        return "<br>".join(lines)

    @cached_property
    def _buckets(self) -> list[datetime]:
        count = max(1, -(-(self.until - self.since) // BUCKET))
        return [self.since + BUCKET * number for number in range(count)]

    def _total(self, at: datetime) -> int:
        return int(self.counts.filter(bucket_at=at)["entries"].sum())

    def _wall(self, at: datetime) -> str:
        return f"{at.astimezone(ZoneInfo(self.zone)):%Y-%m-%dT%H:%M}"
