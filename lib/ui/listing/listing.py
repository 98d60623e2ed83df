"""The list of a page as its address sees it: which names filter it, and which say where in it one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lib.ui import address


@dataclass(frozen=True)
class Listing:
    """A list of records. `key` begins the keys of its widgets; `filters` are the names of its filters in the address,
    besides the period; `place` those that say where in the list one is, which ends with every change of a filter."""

    key: str
    filters: tuple[str, ...]
    place: tuple[str, ...]

    def narrow(self, **said: address.Said) -> None:
        """Change filters in the address, and begin at the newest record again."""
        address.write(**{**dict.fromkeys(self.place), **said})

    def widen(self, *names: str) -> None:
        """Take filters out of the address."""
        self.narrow(**dict.fromkeys(names))

    def only(self, **said: address.Said) -> None:
        """Take every filter out of the address but these."""
        self.narrow(**{**dict.fromkeys(self.filters), **said})

    def tied(
        self, name: str, value: object, to_text: Callable[[Any], address.Said], widget: str = ""
    ) -> dict[str, Any]:
        """As `address.tied`, for a filter: a choice begins at the newest record again."""
        return address.tied(name, value, to_text, widget=f"{self.key}.{widget or name}", clears=self.place)
