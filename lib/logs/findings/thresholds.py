"""What a tenant can set of a rule, within which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from lib.errors import BadInput
from lib.words import Phrase

Given = Mapping[str, int | str]
"""The thresholds of a rule by key: numbers, and the name of a zone."""


@dataclass(frozen=True)
class Threshold:
    """A number that a rule compares with, from `least` to `most`; its words are `finding.threshold_<key>`."""

    key: str
    default: int | str
    least: int = 1
    most: int = 1_000_000_000

    @property
    def words(self) -> str:
        """The catalogue key of what it is called."""
        return f"finding.threshold_{self.key}"

    def checked(self, value: object) -> int | str:
        """The value, when it can be one. Raises BadInput."""
        if isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most:
            return value
        raise BadInput(what=Phrase("finding.refused_number", least=self.least, most=self.most))


class ZoneThreshold(Threshold):
    """The name of the time zone whose clock a rule goes by."""

    def checked(self, value: object) -> int | str:
        """The name, when a zone has it. Raises BadInput."""
        if isinstance(value, str) and value in _zones():
            return value
        raise BadInput(what=Phrase("refused.zone", zone=str(value)[:60]))


@cache
def _zones() -> frozenset[str]:
    # Polars knows neither of them.
    return frozenset(available_timezones()) - {"Factory", "localtime"}


def least(default: int) -> Threshold:
    """From how many on a rule fires."""
    return Threshold("least", default)


def times(default: int) -> Threshold:
    """How many times the usual it has to be; 1 is: no matter what is usual."""
    return Threshold("times", default, most=10_000)


KNOWN_DAYS = Threshold("known_days", 7, least=0, most=365)
"""How many days of somebody's operations have to be known before something new of theirs is told."""
