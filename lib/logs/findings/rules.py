"""The rules that watch the operation log (SPEC O10): each one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

import polars as pl

from lib.logs.findings.detecting import (
    History,
    after_the_first_day,
    in_odd_hours,
    new_action,
    new_country,
    new_network,
    too_much,
)
from lib.logs.findings.frames import DAY_BUCKETS, MOST_ACTIONS
from lib.logs.findings.measures import FAILED_ATTEMPTS, NAMES_TRIED
from lib.logs.findings.thresholds import KNOWN_DAYS, Given, Threshold, ZoneThreshold, least, times


class Severity(StrEnum):
    """How soon somebody should look; the words are `finding.severity_<value>`."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True)
class FindingRule:
    """What is watched: the counts of `measure` are given to `find`, with the thresholds.

    Its words are `finding_rule.<key>` (its name), `<key>_watches` and `<key>_says`; its unit's `finding.unit_<unit>`.
    A finding leads to the operations of `records` (names of filters of the operation log, and their values) in its
    period, of the actions counted if it `leads_by_action`, and of its operator unless `is_of_address`.
    """

    key: str
    severity: Severity
    measure: str
    unit: str
    find: Callable[[History, Given], pl.DataFrame]
    thresholds: tuple[Threshold, ...]
    records: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    window: int = 1
    leads_by_action: bool = False
    is_of_address: bool = False
    is_first_seen: bool = False

    @property
    def words(self) -> str:
        """The catalogue key of its name."""
        return f"finding_rule.{self.key}"

    def given(self, said: Mapping[str, object]) -> Given:
        """Every threshold: as said, where it can be that, or else as the rule says itself. Raises BadInput."""
        return {
            each.key: each.checked(said[each.key]) if each.key in said else each.default for each in self.thresholds
        }

    def leads_to(self, who: str, actions: Sequence[str]) -> dict[str, list[str]]:
        """The filter of the operations of a finding, besides its period."""
        filters = {name: list(values) for name, values in self.records.items()}
        if not self.is_of_address:
            filters["operators"] = [who]
        if self.leads_by_action and 0 < len(actions) <= MOST_ACTIONS:
            filters["actions"] = list(actions)
        return filters

    def compared_with(self, given: Given) -> int:
        """The number that what is observed is compared with."""
        return int(given.get("least", 1))


_SIGN_INS = {"modules": ("account",), "actions": ("sign_in_failed",)}

RULES = (
    FindingRule(
        "mass_export",
        Severity.HIGH,
        "exported_rows",
        "rows",
        too_much,
        (least(50_000), times(3)),
        leads_by_action=True,
    ),
    FindingRule(
        "mass_export_day",
        Severity.HIGH,
        "exported_rows",
        "rows",
        partial(too_much, window=DAY_BUCKETS),
        (least(200_000), times(3)),
        window=DAY_BUCKETS,
        leads_by_action=True,
    ),
    FindingRule(
        "frequent_download",
        Severity.MEDIUM,
        "files",
        "files",
        too_much,
        (least(20), times(3)),
        leads_by_action=True,
    ),
    FindingRule(
        "openapi_surge",
        Severity.MEDIUM,
        "openapi_calls",
        "calls",
        too_much,
        (least(500), times(3)),
        {"channels": ("openapi",)},
    ),
    FindingRule(
        "openapi_first",
        Severity.MEDIUM,
        "openapi_actions",
        "actions",
        new_action,
        (least(1), KNOWN_DAYS),
        {"channels": ("openapi",)},
        is_first_seen=True,
    ),
    FindingRule(
        "odd_hours",
        Severity.LOW,
        "operations",
        "operations",
        partial(too_much, narrowed=in_odd_hours),
        (
            least(5),
            times(3),
            Threshold("from_hour", 22, least=0, most=23),
            Threshold("until_hour", 6, least=0, most=24),
            ZoneThreshold("zone", "UTC"),
        ),
        {"channels": ("ui",)},
    ),
    FindingRule(
        "first_address",
        Severity.MEDIUM,
        "addresses",
        "networks",
        new_network,
        (KNOWN_DAYS, Threshold("ipv4_bits", 24, least=8, most=32), Threshold("ipv6_bits", 48, least=16, most=128)),
        is_first_seen=True,
    ),
    FindingRule(
        "first_country", Severity.HIGH, "addresses", "countries", new_country, (KNOWN_DAYS,), is_first_seen=True
    ),
    FindingRule("failed_sign_ins", Severity.MEDIUM, FAILED_ATTEMPTS, "attempts", too_much, (least(5),), _SIGN_INS),
    FindingRule(
        "names_tried", Severity.HIGH, NAMES_TRIED, "names", too_much, (least(5),), _SIGN_INS, is_of_address=True
    ),
    FindingRule(
        "raised_privileges",
        Severity.MEDIUM,
        "raises",
        "rights",
        after_the_first_day,
        (least(1),),
        leads_by_action=True,
    ),
    FindingRule(
        "log_deletion",
        Severity.HIGH,
        "log_deletions",
        "deletions",
        too_much,
        (least(1),),
        leads_by_action=True,
    ),
)
"""In the order in which they are listed."""

RULE_BY_KEY = {rule.key: rule for rule in RULES}
