"""What is counted while a file is written, and so can be told of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Tally:
    """Rows written; characters that the format lacks and that a mark stands for; texts cut at what a cell holds."""

    rows: int = 0
    replaced: int = 0
    cut: int = 0
