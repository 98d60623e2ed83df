"""Figures to text in both languages: 1,234; 12.3 %; 3 min 20 s; and how far one figure is from another."""

from __future__ import annotations

from dataclasses import dataclass

from lib.usage.metrics import Unit
from lib.words import Language, say

Figure = float | int | None

DASH = "—"
"""What stands for nothing over nothing."""

MINUS = "−"

SHORT_FROM = 1_000_000
"""Counts below this are written out where figures are shortened."""

_STEPS = {
    Language.EN: ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")),
    Language.ZH: ((100_000_000, "亿"), (10_000, "万")),
}


def figure_text(figure: Figure, unit: Unit, language: Language) -> str:
    """A figure in full, with its separators and unit; a dash for None."""
    if figure is None:
        return DASH
    match unit:
        case Unit.SECONDS:
            return duration_text(figure, language)
        case Unit.SHARE:
            return share_text(figure)
        case Unit.RATIO:
            return f"{figure:,.2f}"
        case _:
            return f"{round(figure):,}"


def short_text(figure: Figure, unit: Unit, language: Language, *, shorten_from: int = SHORT_FROM) -> str:
    """A figure for a card or an axis: counts from `shorten_from` on with three digits: 1.23 M, 123万."""
    if figure is None or unit not in {Unit.COUNT, Unit.USERS} or abs(figure) < shorten_from:
        return figure_text(figure, unit, language)
    steps = _STEPS[language]
    for at, (size, _) in enumerate(steps):
        if float(f"{figure / size:.3g}") >= 1 or at == len(steps) - 1:
            break
    size, name = steps[at]
    space = " " if language is Language.EN else ""
    return f"{_three_digits(figure / size)}{space}{name}"


def duration_text(seconds: float, language: Language) -> str:
    """Seconds to the two largest units that they have: 3 min 20 s, 2 h 5 min; tenths below ten seconds."""
    if seconds < 0:
        return MINUS + duration_text(-seconds, language)
    if round(seconds, 1) < 10:
        tenths = f"{seconds:.1f}".removesuffix(".0")
        return say("units.seconds", language, seconds=tenths)
    whole = round(seconds)
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return _parts(("minutes", minutes), ("seconds", rest), language)
    hours, minutes = divmod(round(seconds / 60), 60)
    return _parts(("hours", hours), ("minutes", minutes), language)


def share_text(share: float) -> str:
    """A share of 1 as a percentage with one decimal."""
    return f"{share * 100:,.1f} %"


@dataclass(frozen=True)
class Change:
    """How far a figure is from the one before it. `direction` is -1, 0 or 1; None: nothing to compare."""

    text: str
    direction: int | None


def change(now: Figure, before: Figure, language: Language) -> Change:
    """The change as a percentage of the figure before; a dash for nothing over nothing (SPEC T4)."""
    if now is None or before is None or (now == 0 and before == 0):
        return Change(DASH, None)
    if before == 0:
        return Change(say("units.from_nothing", language), 1 if now > 0 else -1)
    share = (now - before) / abs(before)
    rounded = round(share * 100, 1)
    if rounded == 0:
        return Change("±0 %", 0)
    sign = "+" if rounded > 0 else MINUS
    return Change(f"{sign}{abs(rounded):,.1f} %", 1 if rounded > 0 else -1)


def _parts(large: tuple[str, int], small: tuple[str, int], language: Language) -> str:
    names = [(name, count) for name, count in (large, small) if count]
    return " ".join(say(f"units.{name}", language, **{name: f"{count:,}"}) for name, count in names)


def _three_digits(figure: float) -> str:
    text = f"{float(f'{figure:.3g}'):,.2f}"
    return text.rstrip("0").rstrip(".")
