"""Exclusion rules (SPEC U8): events that stay in the lake and are not counted, as if they had not happened."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from lib.errors import BadInput
from lib.words import Phrase


@dataclass(frozen=True)
class ExclusionKind:
    """What a rule looks at: its key, the column of the event, and how the values that a pattern means are found.

    Its words are `exclusion.<key>` and `exclusion.<key>_help`. `matches` is asked for each distinct value once.
    """

    key: str
    column: str
    matches: Callable[[str, str], bool]
    check: Callable[[str], object] = str

    @property
    def words(self) -> str:
        """The catalogue key of its name."""
        return f"exclusion.{self.key}"


def _in_range(address: str, pattern: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:  # what a client sent as its address need not be one
        return False


EXCLUSION_KINDS = (
    ExclusionKind("address", "address", _in_range, lambda text: ipaddress.ip_network(text, strict=False)),
    ExclusionKind("user_agent", "user_agent", lambda agent, part: part.casefold() in agent.casefold()),
    ExclusionKind("visitor", "visitor", lambda visitor, pattern: visitor == pattern),
    ExclusionKind("version", "version", lambda version, pattern: version == pattern),
)

_KIND = {kind.key: kind for kind in EXCLUSION_KINDS}


@dataclass(frozen=True, order=True)
class Rule:
    """A kind and its pattern: an address range (CIDR), a part of the user agent, a visitor, an application version.

    Raises BadInput for an unknown kind, a range that is none, and a pattern that is empty or has control characters.
    """

    kind: str
    pattern: str

    def __post_init__(self) -> None:
        try:
            if not self.pattern.strip() or len(self.pattern) > 1024 or not self.pattern.isprintable():
                raise ValueError("empty, too long or not of one line")
            _KIND[self.kind].check(self.pattern)
        except (KeyError, ValueError) as error:
            raise BadInput(what=Phrase("refused.rule", pattern=self.pattern[:120])) from error


def matched(rows: pl.DataFrame, rules: Iterable[Rule]) -> pl.Series:
    """For each event, whether a rule excludes it."""
    found = pl.repeat(False, rows.height, eager=True)
    for rule in rules:
        kind = _KIND[rule.kind]
        values = rows[kind.column].drop_nulls().unique()
        hits = [value for value in values if kind.matches(value, rule.pattern)]
        found |= rows[kind.column].is_in(hits).fill_null(False)
    return found.rename("is_excluded")
