"""How far the exports of this process have come, for the page that waits beside one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from lib.export.writing import Manifest

MOST_KEPT = 500
"""Exports that are remembered, the newest."""


@dataclass
class Progress:
    """Rows written of how many; once it has ended, what was written, and why it was broken off, if it was."""

    total: int
    rows: int = 0
    manifest: Manifest | None = None
    broken_off: str = ""

    def came_to(self, rows: int) -> None:
        """So many rows are written by now."""
        self.rows = rows

    def end(self, manifest: Manifest, broken_off: str = "") -> None:
        """The export has ended."""
        self.rows, self.broken_off, self.manifest = manifest.rows, broken_off, manifest


class Underway:
    """The exports of this process by what names each, such as its ticket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Progress] = OrderedDict()

    def begin(self, name: str, total: int) -> Progress:
        """An export of so many rows begins."""
        with self._lock:
            progress = self._found[name] = Progress(total)
            while len(self._found) > MOST_KEPT:
                self._found.popitem(last=False)
        return progress

    def of(self, name: str) -> Progress | None:
        """How far an export has come; None for one that has not begun here, or long ago."""
        with self._lock:
            return self._found.get(name)


UNDERWAY = Underway()
