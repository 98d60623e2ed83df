"""Where an axis is marked: round figures of a unit, and dates as a language writes them."""

from __future__ import annotations

import math

from lib.charts.units import short_text
from lib.usage.buckets import Grain
from lib.usage.metrics import Unit
from lib.words import Language

_SECOND_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)

_AXIS_DATES = {
    Language.EN: {"day": "%b %-d\n%Y", "time": "%H:%M\n%b %-d"},
    # Seven days written out do not stand side by side on a phone.
    Language.ZH: {"day": "%m-%d\n%Y", "time": "%H:%M\n%m-%d"},
}
_HOVER_DATES = {
    Language.EN: {"day": "%a, %b %-d, %Y", "time": "%b %-d, %Y, %H:%M"},
    Language.ZH: {"day": "%Y年%-m月%-d日", "time": "%Y年%-m月%-d日 %H:%M"},
}


def axis_marks(highest: float, unit: Unit, language: Language) -> tuple[list[float], list[str]]:
    """Four to six round marks from 0 to at least the highest figure, and what stands beside each."""
    step = _step(highest, unit)
    marks = [step * at for at in range(max(1, math.ceil(highest / step)) + 1)]
    if unit is Unit.RATIO:
        return marks, [f"{mark:,.2f}".rstrip("0").rstrip(".") for mark in marks]
    from_ten_thousand = 10_000
    return marks, [short_text(mark, unit, language, shorten_from=from_ten_thousand) for mark in marks]


def axis_date_format(grain: Grain, language: Language) -> str:
    """How an axis writes its dates, in the notation of d3."""
    return _AXIS_DATES[language][_kind(grain)]


def hover_date_format(grain: Grain, language: Language) -> str:
    """How a hover box writes its instant, in the notation of d3."""
    return _HOVER_DATES[language][_kind(grain)]


def _kind(grain: Grain) -> str:
    return "time" if grain in {Grain.HALF_HOUR, Grain.HOUR} else "day"


def _step(highest: float, unit: Unit) -> float:
    rough = max(highest, 1e-9) / 5
    if unit is Unit.SECONDS and rough <= _SECOND_STEPS[-1]:
        return float(next(step for step in _SECOND_STEPS if step >= rough))
    if unit in {Unit.COUNT, Unit.USERS}:
        rough = max(rough, 1)
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * by for by in (1, 2, 2.5, 5, 10) if size * by >= rough and _whole(size * by, unit))


def _whole(step: float, unit: Unit) -> bool:
    return unit not in {Unit.COUNT, Unit.USERS} or step == int(step)
