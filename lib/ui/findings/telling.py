"""Findings in words: what a count is a count of, how far above the usual it is. Knows no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.charts.units import DASH
from lib.logs.findings import RULE_BY_KEY
from lib.logs.place_names import country_names
from lib.queries.console import Console
from lib.usage.buckets import zone_of


def rule_name(console: Console, key: str) -> str:
    """What a rule is called; its key, where this version has no such rule."""
    return console.say(f"finding_rule.{key}") if key in RULE_BY_KEY else key


def counted(console: Console, rule: str, count: float) -> str:
    """A count with what it is a count of, such as 60,200 rows."""
    figure = f"{count:,.1f}".removesuffix(".0")
    return console.say(f"finding.unit_{RULE_BY_KEY[rule].unit}", count=figure) if rule in RULE_BY_KEY else figure


def against_usual(console: Console, times_usual: float | None) -> str:
    """How many times the usual something is; a dash where nothing is usual."""
    if times_usual is None:
        return DASH
    times = f"{times_usual:,.0f}" if times_usual >= 10 else f"{times_usual:,.1f}".removesuffix(".0")
    return console.say("finding.times_usual", times=times)


def sentence(console: Console, finding: Mapping[str, Any]) -> str:
    """Who did what how often."""
    rule, who, observed = finding["rule"], finding["who"] or DASH, f"{finding['observed']:,}"
    if rule not in RULE_BY_KEY:
        return f"{who}: {observed}"
    return console.say(f"finding_rule.{rule}_says", who=who, observed=observed)


def examples(console: Console, finding: Mapping[str, Any]) -> str:
    """Some of what was done, or where from; countries by their names."""
    names = country_names(console.viewer.language) if finding["rule"] == "first_country" else {}
    return console.say("table.and").join(names.get(each, each) for each in finding["told"])


def period(console: Console, finding: Mapping[str, Any]) -> str:
    """The half hour or day of a finding, by the viewer's clock."""
    since, until = (finding[name].astimezone(console.zone) for name in ("bucket_at", "until_at"))
    end = f"{until:%H:%M}" if since.date() == until.date() else f"{until:%Y-%m-%d %H:%M}"
    return f"{since:%Y-%m-%d %H:%M} – {end} ({zone_of(console.viewer.zone).key})"


def state(console: Console, finding: Mapping[str, Any]) -> str:
    """Open, or who acknowledged it and when."""
    at = finding["acknowledged_at"]
    if at is None:
        return console.say("finding.state_open")
    when = f"{at.astimezone(console.zone):%Y-%m-%d %H:%M}"
    return console.say("finding.acknowledged_said", who=finding["acknowledged_by"], when=when)
