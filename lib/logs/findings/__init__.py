"""Findings: rules that watch the operation log (SPEC O10). Adding one is an entry in rules.py, its words in
lib/words/catalogue/findings.toml, and an entry in measures.py where it counts something new."""

from __future__ import annotations

from lib.logs.findings.history import Judged, history_of, rules_of
from lib.logs.findings.rules import RULE_BY_KEY, RULES, FindingRule, Severity
from lib.logs.findings.thresholds import Given, Threshold, ZoneThreshold

__all__ = [
    "RULES",
    "RULE_BY_KEY",
    "FindingRule",
    "Given",
    "Judged",
    "Severity",
    "Threshold",
    "ZoneThreshold",
    "history_of",
    "rules_of",
]
