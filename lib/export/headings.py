"""The headings of what is exported without a page around it."""

from __future__ import annotations

from collections.abc import Iterable

from lib.usage.metrics import METRIC_BY_KEY
from lib.words import Language, say


def headings_of(columns: Iterable[str], language: Language) -> dict[str, str]:
    """The words above each column: `column.<key>`, and after those the names of metrics."""
    named = sorted(columns, key=METRIC_BY_KEY.__contains__)
    return {key: say(METRIC_BY_KEY[key].words if key in METRIC_BY_KEY else f"column.{key}", language) for key in named}
