"""What a rule looks at, as it is kept: the counts of its measure, or since when everybody is seen with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl
from sqlalchemy.orm import Session

from lib.errors import BadInput
from lib.logs.findings.detecting import USUAL_DAYS, History
from lib.logs.findings.frames import DAY_BUCKETS, SEEN, TALLIES
from lib.logs.findings.rules import RULES, FindingRule
from lib.logs.findings.thresholds import Given
from lib.store import findings
from lib.store.tables import FindingThreshold


@dataclass(frozen=True)
class Judged:
    """The half hours [first, until) of a tenant, whose log begins in `first_bucket`."""

    tenant_id: int
    first: int
    until: int
    first_bucket: int


def history_of(session: Session, judged: Judged, rule: FindingRule, who: Iterable[str] | None = None) -> History:
    """What a rule needs to judge half hours; where it tells what is first seen, it may be of some people only."""
    tenant_id, measure, window = judged.tenant_id, rule.measure, rule.window
    if rule.is_first_seen:
        rows = findings.seen_with(session, tenant_id, measure, who)
        return History(pl.DataFrame(rows, SEEN, orient="row"), judged.first_bucket)
    # A day is judged whole.
    since, until = judged.first // window * window, -(-judged.until // window) * window
    counts = findings.tallies_between(session, tenant_id, measure, since - USUAL_DAYS * DAY_BUCKETS, until)
    return History(pl.DataFrame(counts, TALLIES, orient="row"), judged.first_bucket)


def rules_of(session: Session, tenant_id: int) -> Mapping[str, tuple[bool, Given]]:
    """Of each rule whether it is on, and its thresholds, as the tenant has set them."""
    said = findings.thresholds(session, tenant_id)
    return {rule.key: (rule.key not in said or said[rule.key].is_on, _given(rule, said)) for rule in RULES}


def _given(rule: FindingRule, said: Mapping[str, FindingThreshold]) -> Given:
    try:
        return rule.given(said[rule.key].given if rule.key in said else {})
    except BadInput:  # set under another version's bounds
        return rule.given({})
