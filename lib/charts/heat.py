"""The ground of a cell by its figure, with letters that stand out from it."""

from __future__ import annotations

from lib.charts.theme import HEAT_FROM, HEAT_TO

DARK, LIGHT = "#000000", "#ffffff"
"""One of these two stands out from any ground by 4.58:1 and more; a softer pair does not."""


def heat(share: float | None, most: float) -> str:
    """CSS of a cell: from almost white for nothing to teal for `most`, in light and in dark alike; none for null."""
    if share is None or share != share:
        return ""
    at = min(share / most, 1.0) if most > 0 else 0.0
    ground = tuple(round(low + (high - low) * at) for low, high in zip(HEAT_FROM, HEAT_TO, strict=True))
    letters = max((DARK, LIGHT), key=lambda colour: contrast(_rgb(colour), ground))
    return f"background-color: #{''.join(f'{part:02x}' for part in ground)}; color: {letters}"


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """How far two colours stand apart, from 1 to 21 (WCAG 2.2, 1.4.3 asks for 4.5)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: tuple[int, ...]) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))
